"""The watchdog without a clock: when a scanner is deaf and what is tried next."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from gateway.radio.watchdog import RecoveryStep, ScannerState, Watchdog

TICK_S = 0.5


@dataclass
class Shop:
    """A watchdog with an air of `per_s` advertisements and a source whose starts succeed, fail, or find no adapter."""

    per_s: float = 50.0
    start: str = "succeeds"
    may_power_cycle: bool = True
    broken: str | None = None
    now_s: float = 100.0
    heard: float = 0.0
    steps: list[tuple[float, RecoveryStep]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watchdog = Watchdog(self.now_s, may_power_cycle=self.may_power_cycle)

    def run(self, seconds: float) -> None:
        """Time goes by."""
        for _ in range(int(seconds / TICK_S)):
            self.now_s += TICK_S
            self.heard += self.per_s * TICK_S
            step = self.watchdog.tick(self.now_s, int(self.heard), self.broken)
            if step is not None:
                self.steps.append((self.now_s, step))
                self._answer()

    def _answer(self) -> None:
        self.broken = None
        if self.start == "succeeds":
            self.watchdog.started(self.now_s)
        elif self.start == "fails":
            self.watchdog.failed(self.now_s, "the controller timed out")
        else:
            self.watchdog.absent(self.now_s, "no adapter hci0")

    def until(self, state: ScannerState, limit_s: float) -> float:
        """Seconds until the state is reached."""
        start_s = self.now_s
        while self.watchdog.state is not state:
            assert self.now_s - start_s <= limit_s, f"not {state} within {limit_s} s, but {self.watchdog.state}"
            self.run(TICK_S)
        return self.now_s - start_s

    def new_steps(self) -> list[RecoveryStep]:
        """The steps since the last call."""
        steps, self.steps = [step for _, step in self.steps], []
        return steps


@pytest.fixture
def shop() -> Shop:
    """A shop in which 50 advertisements a second have been heard for two minutes."""
    shop = Shop()
    shop.run(120)
    shop.new_steps()
    return shop


def test_a_scanner_that_is_started_and_hears_is_left_alone(shop: Shop) -> None:
    assert shop.watchdog.state is ScannerState.HEARING
    shop.run(3600)
    assert shop.new_steps() == []
    assert shop.watchdog.usual_per_s == pytest.approx(50, rel=0.05)


@pytest.mark.parametrize("per_s", [1.0, 2.0, 10.0, 750.0])
def test_silence_is_noticed_within_10_s_from_one_advertisement_a_second_on(per_s: float) -> None:
    shop = Shop(per_s=per_s)
    shop.run(300)
    shop.per_s = 0
    shop.watchdog.tick(shop.now_s, int(shop.heard))
    assert shop.until(ScannerState.DEAF, 10.0) <= 10.0
    assert shop.watchdog.reason == "silence"


def test_every_recovery_step_is_taken_once_within_20_s(shop: Shop) -> None:
    shop.per_s = 0
    shop.run(20)
    assert shop.new_steps() == [RecoveryStep.RESTART, RecoveryStep.POWER_CYCLE, RecoveryStep.RESET]


def test_pauses_of_a_discovery_are_no_silence(shop: Shop) -> None:
    for _ in range(20):
        shop.per_s = 0
        shop.run(4)
        shop.per_s = 50
        shop.run(10)
    assert shop.new_steps() == []


def test_a_step_that_helps_ends_the_recovery_and_counts_as_a_recovery(shop: Shop) -> None:
    shop.per_s = 0
    shop.until(ScannerState.DEAF, 10)
    shop.per_s = 50
    shop.run(1)
    assert shop.watchdog.state is ScannerState.HEARING
    assert shop.new_steps() == [RecoveryStep.RESTART]
    assert shop.watchdog.recoveries == 1
    assert shop.watchdog.reason == "silence"


def test_after_the_last_step_restarts_go_on_and_heavy_steps_back_off(shop: Shop) -> None:
    shop.per_s = 0
    shop.run(25)
    shop.new_steps()
    shop.run(3600)
    steps = shop.new_steps()
    assert 300 <= steps.count(RecoveryStep.RESTART) <= 400
    assert 4 <= len(steps) - steps.count(RecoveryStep.RESTART) <= 10
    assert {RecoveryStep.POWER_CYCLE, RecoveryStep.RESET} <= set(steps)


def test_after_hours_of_deafness_the_first_advertisement_makes_it_hear(shop: Shop) -> None:
    shop.per_s = 0
    shop.run(7200)
    shop.per_s = 50
    shop.run(TICK_S)
    assert shop.watchdog.state is ScannerState.HEARING
    shop.new_steps()
    shop.run(60)
    shop.per_s = 0
    shop.run(20)
    assert shop.new_steps() == [RecoveryStep.RESTART, RecoveryStep.POWER_CYCLE, RecoveryStep.RESET]


def test_a_scanner_that_hears_for_some_seconds_after_each_restart_climbs_on(shop: Shop) -> None:
    for _ in range(3):
        shop.per_s = 0
        shop.until(ScannerState.DEAF, 10)
        shop.per_s = 50
        shop.run(4)
    assert shop.new_steps() == [RecoveryStep.RESTART, RecoveryStep.POWER_CYCLE, RecoveryStep.RESET]
    shop.run(60)
    shop.per_s = 0
    shop.until(ScannerState.DEAF, 10)
    shop.run(1)
    assert shop.new_steps() == [RecoveryStep.RESTART]


def test_what_the_source_itself_notices_is_acted_on_at_once(shop: Shop) -> None:
    shop.broken = "the adapter was powered off"
    shop.run(TICK_S)
    assert shop.new_steps() == [RecoveryStep.RESTART]
    assert shop.watchdog.reason == "the adapter was powered off"


def test_an_adapter_that_is_gone_is_looked_for_every_2_s_without_heavy_steps(shop: Shop) -> None:
    shop.start, shop.per_s, shop.broken = "finds none", 0, "the adapter was unplugged"
    shop.run(60)
    assert shop.watchdog.state is ScannerState.ABSENT
    assert 25 <= len(shop.steps) <= 31
    assert set(shop.new_steps()) == {RecoveryStep.RESTART}
    shop.start, shop.per_s = "succeeds", 50
    assert shop.until(ScannerState.HEARING, 3) <= 3


def test_failing_starts_try_every_step_again_and_again_never_more_than_6_s_apart(shop: Shop) -> None:
    shop.start, shop.per_s = "fails", 0
    shop.run(300)
    times = [at_s for at_s, _ in shop.steps]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 6.5
    steps = shop.new_steps()
    assert steps[:6] == [RecoveryStep.RESTART, RecoveryStep.POWER_CYCLE, RecoveryStep.RESET] * 2
    assert shop.watchdog.failures == len(steps)


def test_a_reset_is_never_asked_for_where_this_process_may_not() -> None:
    watchdog = Watchdog(0.0, may_reset=False)
    steps = []
    for second in range(1, 3600):
        step = watchdog.tick(float(second), 1 if second >= 5 else 0)
        if step is not None:
            steps.append(step)
            watchdog.started(float(second))
    assert RecoveryStep.POWER_CYCLE in steps
    assert RecoveryStep.RESET not in steps


def test_the_first_cause_stays_in_the_reason_whatever_later_starts_stumble_on() -> None:
    watchdog = Watchdog(0.0)
    watchdog.failed(0.0, "not permitted")
    watchdog.failed(1.0, "in progress")
    assert watchdog.reason == "not permitted; then: in progress"
    watchdog.failed(2.0, "not permitted")
    assert watchdog.reason == "not permitted"
    watchdog.started(3.0)
    watchdog.failed(4.0, "in progress")
    assert watchdog.reason == "in progress"


def test_heavy_steps_are_never_taken_where_the_adapter_is_shared() -> None:
    shop = Shop(may_power_cycle=False)
    shop.run(120)
    shop.new_steps()
    shop.per_s = 0
    shop.run(600)
    assert set(shop.new_steps()) == {RecoveryStep.RESTART}


def test_an_empty_air_from_the_start_is_quiet_not_deaf() -> None:
    shop = Shop(per_s=0)
    shop.run(600)
    assert shop.watchdog.state is ScannerState.QUIET
    assert set(shop.new_steps()) == {RecoveryStep.RESTART}
    assert shop.watchdog.deaf_since_s is None


def test_where_little_is_on_the_air_the_limit_grows_with_the_usual_gap() -> None:
    shop = Shop(per_s=0.1)
    shop.run(1800)
    assert 60 <= shop.watchdog.silence_limit_s() <= 120
    assert shop.watchdog.state is ScannerState.HEARING


def test_a_rate_that_slowly_falls_becomes_the_usual_one(shop: Shop) -> None:
    for per_s in (25.0, 10.0, 4.0, 2.0):
        shop.per_s = per_s
        shop.run(180)
    assert shop.new_steps() == []
    assert shop.watchdog.usual_per_s < 4


def test_ticks_without_time_between_them_do_no_harm(shop: Shop) -> None:
    for _ in range(10):
        assert shop.watchdog.tick(shop.now_s, int(shop.heard) + 5) is None
    assert shop.watchdog.state is ScannerState.HEARING
