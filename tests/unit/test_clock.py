"""The one trusted time: what it says, and whether it is trusted, through boots, leaps, corrections and power cuts."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import HOLD_MAX_S, HOLD_MIN_S, MADE_S, STEP_S, Linux, SystemClock
from tests.support.clock import START_S as NOON_S
from tests.support.clock import FakeSystem

DAY_S = 86_400.0
YEAR_S = 365 * DAY_S


@pytest.fixture
def system() -> FakeSystem:
    return FakeSystem()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etalage.clock"


def trusted_at(path: Path, system: FakeSystem) -> SystemClock:
    """A clock that has been trusted and kept."""
    clock = SystemClock(path, system)
    clock.keep()
    return clock


def test_a_leap_ahead_and_back_never_shows(system: FakeSystem) -> None:
    clock = SystemClock(None, system)
    system.leaps(3 * YEAR_S)
    system.passes(6)
    assert clock.now_s() == NOON_S + 6
    assert clock.trust.reason == "stepped"
    system.leaps(-3 * YEAR_S)
    assert clock.now_s() == NOON_S + 6
    assert clock.trust.trusted


def test_small_corrections_are_followed(system: FakeSystem) -> None:
    clock = SystemClock(None, system)
    system.leaps(1.5)
    assert clock.now_s() == NOON_S + 1.5
    assert clock.trust.trusted


def test_many_small_corrections_that_nobody_confirms_add_up_to_a_step(system: FakeSystem) -> None:
    clock = SystemClock(None, system)
    for _ in range(100):
        system.leaps(1.0)
        assert abs(clock.now_s() - NOON_S) <= STEP_S
    assert clock.trust.reason == "stepped"


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_synchronised_clock_is_believed_at_once_either_way(system: FakeSystem, hours: int) -> None:
    clock = SystemClock(None, system)
    system.leaps(hours * 3600)
    system.synced = True
    assert clock.now_s() == NOON_S + hours * 3600
    assert clock.trust.trusted


@pytest.mark.parametrize(("leap_s", "hold_s"), [(60.0, HOLD_MIN_S), (DAY_S, 3600.0), (-DAY_S, 3600.0), (3 * YEAR_S, HOLD_MAX_S)])
def test_a_step_that_holds_is_believed_after_a_share_of_its_size(system: FakeSystem, leap_s: float, hold_s: float) -> None:
    clock = SystemClock(None, system)
    system.leaps(leap_s)
    assert clock.now_s() == NOON_S
    system.passes(hold_s - 1)
    assert not clock.trust.trusted
    assert clock.now_s() == NOON_S + hold_s - 1
    system.passes(1)
    assert clock.now_s() == NOON_S + leap_s + hold_s
    assert clock.trust.trusted


def test_a_clock_that_keeps_stepping_never_holds(system: FakeSystem) -> None:
    clock = SystemClock(None, system)
    for _ in range(50):
        system.leaps(3600)
        clock.now_s()
        system.passes(HOLD_MIN_S - 1)
        assert not clock.trust.trusted
    assert clock.now_s() == NOON_S + 50 * (HOLD_MIN_S - 1)


def test_the_first_start_believes_any_time_after_the_software_was_made(system: FakeSystem, path: Path) -> None:
    assert SystemClock(path, system).trust.trusted


def test_the_first_start_of_a_box_at_1970_is_noticed(path: Path) -> None:
    clock = SystemClock(path, FakeSystem(0.0))
    assert clock.trust.reason == "behind"
    assert clock.now_s() == MADE_S


def test_a_boot_at_an_images_date_carries_the_last_trusted_time_on_until_the_network_comes(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    system.reboots(NOON_S - 200 * DAY_S)
    clock = SystemClock(path, system)
    system.passes(3 * DAY_S)  # days without a network
    assert clock.now_s() == NOON_S + 3 * DAY_S
    assert clock.trust.reason == "behind"
    system.leaps(220 * DAY_S)
    system.synced = True
    assert clock.now_s() == NOON_S + 23 * DAY_S
    assert clock.trust.trusted


def test_a_boot_behind_is_right_once_somebody_sets_the_clock_and_it_holds(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    system.reboots(NOON_S - 200 * DAY_S)
    clock = SystemClock(path, system)
    system.passes(60)
    clock.now_s()
    system.leaps(200 * DAY_S + 3600)
    clock.now_s()
    assert not clock.trust.trusted
    system.passes(HOLD_MIN_S)
    assert clock.now_s() == NOON_S + 3600 + 60 + HOLD_MIN_S
    assert clock.trust.trusted


def test_a_boot_with_the_time_right_tells_it_at_once_and_is_trusted_once_synchronised(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    system.reboots(NOON_S + 12 * 3600)
    clock = SystemClock(path, system)
    assert clock.now_s() == NOON_S + 12 * 3600  # the shop opens at its hour
    assert clock.trust.reason == "unconfirmed"
    system.synced = True
    system.passes(1)
    assert clock.trust.trusted


def test_a_boot_by_a_clock_chip_is_trusted_after_holding_and_without_one_never(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    for chip in (True, False):
        system.chip = chip
        system.reboots(NOON_S + 12 * 3600)
        clock = SystemClock(path, system)
        system.passes(HOLD_MAX_S)
        assert clock.trust.trusted is chip


def test_a_boot_years_ahead_is_not_even_told(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    system.reboots(NOON_S + 3 * YEAR_S)
    clock = SystemClock(path, system)
    system.passes(60)
    assert clock.now_s() == NOON_S + 60
    assert clock.trust.reason == "unconfirmed"


def test_a_restart_in_the_middle_of_a_leap_carries_on_exactly(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    system.passes(40)
    system.leaps(10 * DAY_S)
    again = SystemClock(path, system)
    assert again.now_s() == NOON_S + 40
    assert again.trust.reason == "stepped"
    system.leaps(-10 * DAY_S)
    assert again.trust.trusted


def test_a_restart_does_not_make_a_step_wait_anew(system: FakeSystem, path: Path) -> None:
    clock = trusted_at(path, system)
    system.leaps(DAY_S)
    clock.keep()
    system.passes(3599)
    again = SystemClock(path, system)
    assert not again.trust.trusted
    system.passes(1)
    assert again.trust.trusted


def test_a_wrong_time_that_was_believed_is_corrected_by_synchronisation_after_a_boot(system: FakeSystem, path: Path) -> None:
    clock = SystemClock(path, system)
    system.leaps(YEAR_S)
    clock.now_s()
    system.passes(HOLD_MAX_S)
    clock.keep()
    system.reboots(NOON_S + 2 * DAY_S)
    again = SystemClock(path, system)
    assert again.trust.reason == "behind"
    system.synced = True
    system.passes(1)
    assert again.now_s() == NOON_S + 2 * DAY_S + 1
    assert again.trust.trusted


def test_an_unconfirmed_boot_is_not_kept_as_trusted(system: FakeSystem, path: Path) -> None:
    trusted_at(path, system)
    system.reboots(NOON_S + 20 * DAY_S)
    SystemClock(path, system).keep()
    assert json.loads(path.read_text())["last_trusted_s"] == NOON_S


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"last_trusted_s": 1}', '{"last_trusted_s": 1, "boot": "boot 1", "belief": {}}']
)
def test_a_damaged_file_is_as_none(system: FakeSystem, path: Path, damage: str) -> None:
    path.write_text(damage)
    assert SystemClock(path, system).now_s() == NOON_S


@given(st.lists(st.tuples(st.floats(-5 * YEAR_S, 5 * YEAR_S), st.floats(0, HOLD_MIN_S / 2)), max_size=20))
def test_no_sequence_of_leaps_shows_before_one_of_them_holds(leaps: list[tuple[float, float]]) -> None:
    system = FakeSystem()
    clock = SystemClock(None, system)
    passed_s = 0.0
    for leap_s, stay_s in leaps:
        system.leaps(leap_s)
        clock.now_s()
        system.passes(stay_s)
        passed_s += stay_s
        system.leaps(NOON_S + passed_s - system.wall)
        assert clock.now_s() == pytest.approx(NOON_S + passed_s, abs=STEP_S)
        assert clock.trust.trusted


def test_the_real_clocks_of_this_machine_agree_with_themselves(tmp_path: Path) -> None:
    clock, linux = SystemClock(tmp_path / "clock", Linux()), Linux()
    assert abs(clock.now_s() - time.time()) < 5
    assert clock.monotonic_s() <= clock.monotonic_s()
    assert linux.boot() == linux.boot()
    assert linux.synchronised() in (True, False)
    assert linux.has_clock_chip() in (True, False)
