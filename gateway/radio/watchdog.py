"""When is a scanner deaf, and what is tried next: a state machine without a clock, driven by `tick(now_s, …)`.

    QUIET ──first advertisement──► HEARING ──silence, or the source says it broke──► DEAF ──► step ──► RECOVERING
                                      ▲                                               ▲                    │
                                      └───────────────any advertisement───────────────┴──started / failed──┘
    RECOVERING ──adapter not there──► ABSENT ──every 2 s──► RESTART

Silence is measured against what is usual here, and everything on the air counts as life: fixed beacons, phones,
headphones. The recovery steps are RESTART (stop, start), POWER_CYCLE, RESET. They are tried once each in the first 20 s; after that
restarts go on every 10 s (they cost nothing), the heavy steps at 1, 2, 4 … 10 minutes, for a shop may simply be empty
at night. A start that *fails* is no silence but a fault: then every step is tried in turn, at most 6 s apart.

A scanner that goes deaf again within half a minute goes on with the step after the last one it took.

`now_s` is any clock that never jumps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

SILENT_GAPS = 8
"""This many usual gaps without an advertisement is silence: chance e^-8 were they random, far less for beacons, which
are regular."""
SILENCE_MIN_S = 5.0
"""A discovery pauses 4 s after every 10 s; shorter silences mean nothing."""
SILENCE_MAX_S = 8.0
"""Noticed within 10 s wherever something is heard once a second: one fixed beacon is enough."""
SILENCE_RARE_MAX_S = 120.0
"""Where less than that is on the air, the limit grows with the gap, up to this."""
USUAL_TIME_CONSTANT_S = 60.0
"""Over how long the usual rate is learned: long against a pause in the air, short against a shop that fills or empties.
"""
STEADY_S = 30.0
"""Who goes deaf again sooner has not recovered: the steps go on where they were. After a hang a kernel may lose every other
command, so that each restart hears for some seconds and no more; only a power cycle mends that."""
SETTLE_S = 3.0
"""How long a source that started gets for its first advertisement before the next step."""
RETRY_FAILED_S = (1.0, 2.0, 4.0, 6.0)
"""Waits after the 1st, 2nd, … failed start; with a time-out of 5 s each the fault's end is met within 20 s."""
RETRY_ABSENT_S = 2.0
RETRY_SILENT_S = 10.0
HEAVY_BACK_OFF_S = (60.0, 120.0, 240.0, 480.0, 600.0)
QUIET_RESTART_S = 60.0
"""A scanner that never heard anything is started anew this often: nothing may be on the air, or it may be deaf from the
start."""


class ScannerState(StrEnum):
    """How a scanner is."""

    UNHEARD = "unheard"
    """A remote scanner that hasn't said anything since the start."""
    QUIET = "quiet"
    """Listening, and nothing heard since the start."""
    HEARING = "hearing"
    DEAF = "deaf"
    """Silent where sound is usual, or broken; a step follows."""
    RECOVERING = "recovering"
    """A step is being carried out."""
    ABSENT = "absent"
    """There is no such adapter; it is looked for."""


class RecoveryStep(StrEnum):
    """One way to bring a scanner back."""

    RESTART = "restart"
    POWER_CYCLE = "power_cycle"
    RESET = "reset"


RECOVERY_STEPS = (RecoveryStep.RESTART, RecoveryStep.POWER_CYCLE, RecoveryStep.RESET)


@dataclass(slots=True)
class Watchdog:
    """One scanner's watchdog. Call `tick` a few times a second, carry out the step it returns, and say how it went."""

    now_s: float
    may_power_cycle: bool = True
    """False where something else on this box uses the adapter: then only RESTART is ever asked for."""
    may_reset: bool = True
    """False where this process may not: then RESET is never asked for."""
    state: ScannerState = ScannerState.RECOVERING
    reason: str = ""
    """Why the scanner was deaf last; kept after it recovered."""
    usual_per_s: float = 0.0
    steps: dict[RecoveryStep, int] = field(default_factory=lambda: dict.fromkeys(RecoveryStep, 0))
    failures: int = 0
    recoveries: int = 0
    deaf_since_s: float | None = None
    last_heard_s: float | None = None
    next_step_s: float = 0.0
    heard: int = 0
    """The last tick's count of everything heard."""
    _hearing_since_s: float = float("-inf")
    _steps_taken: int = 0
    _fails_in_row: int = 0
    _first_cause: str = ""
    _heavy_done: int = 0
    _heavy_due_s: float = 0.0

    @property
    def _recovery(self) -> tuple[RecoveryStep, ...]:
        return RECOVERY_STEPS if self.may_reset else RECOVERY_STEPS[:-1]

    def __post_init__(self) -> None:
        self.next_step_s = self.now_s

    def tick(self, now_s: float, heard: int, broken: str | None = None) -> RecoveryStep | None:
        """Return what to do now, or None. `heard` counts every advertisement since the beginning; `broken` is the source's own
        complaint."""
        fresh, elapsed_s = heard - self.heard, now_s - self.now_s
        self.heard, self.now_s = heard, now_s
        if broken is not None and self.state in (ScannerState.HEARING, ScannerState.QUIET):
            self._gone_deaf(now_s, broken)
        elif fresh and broken is None:
            self._heard_something(now_s)
            self._learn(fresh, elapsed_s)
        elif self.state is ScannerState.HEARING:
            self._learn(0, elapsed_s)
            if now_s - (self.last_heard_s or 0.0) > self.silence_limit_s():
                self._gone_deaf(now_s, "silence")
        if self.state is ScannerState.HEARING or now_s < self.next_step_s:
            return None
        return self._next_step(now_s)

    def started(self, now_s: float) -> None:
        """Note that the step went well: the source listens. Whether it hears shows at the next ticks."""
        self._fails_in_row = 0
        if self.deaf_since_s is None:
            self.state, self.next_step_s = ScannerState.QUIET, now_s + QUIET_RESTART_S
        else:
            self.state = ScannerState.DEAF
            self.next_step_s = now_s + (SETTLE_S if self._steps_taken < len(self._recovery) else RETRY_SILENT_S)

    def failed(self, now_s: float, reason: str) -> None:
        """Note that the start raised: nothing listens. The first cause stays in the reason, whatever later starts stumble on."""
        self.failures += 1
        if self._fails_in_row == 0:
            self._first_cause = reason
        self.reason = reason if reason == self._first_cause else f"{self._first_cause}; then: {reason}"
        self.state = ScannerState.DEAF
        self.deaf_since_s = now_s if self.deaf_since_s is None else self.deaf_since_s
        self.next_step_s = now_s + RETRY_FAILED_S[min(self._fails_in_row, len(RETRY_FAILED_S) - 1)]
        self._fails_in_row += 1
        if self._steps_taken >= len(self._recovery):
            self._steps_taken = 0

    def absent(self, now_s: float, reason: str) -> None:
        """Note that there is no such adapter."""
        self.reason = reason
        self.state = ScannerState.ABSENT
        self.deaf_since_s = now_s if self.deaf_since_s is None else self.deaf_since_s
        self.next_step_s = now_s + RETRY_ABSENT_S
        self._steps_taken = self._fails_in_row = 0

    def silence_limit_s(self) -> float:
        """Return how long nothing may be heard, given what is usual here."""
        usual_gap_s = 1 / max(self.usual_per_s, SILENT_GAPS / SILENCE_RARE_MAX_S)
        limit_s = max(SILENT_GAPS * usual_gap_s, SILENCE_MIN_S)
        return min(limit_s, SILENCE_MAX_S) if usual_gap_s <= 1.0 else limit_s

    def _learn(self, fresh: int, elapsed_s: float) -> None:
        if elapsed_s <= 0:
            return
        share = min(elapsed_s / USUAL_TIME_CONSTANT_S, 1.0)
        rate = fresh / elapsed_s
        # What was never heard before is believed at once; a rate that falls is believed slowly, or a dying radio would
        # become usual.
        self.usual_per_s = rate if self.usual_per_s == 0.0 else self.usual_per_s + share * (rate - self.usual_per_s)

    def _heard_something(self, now_s: float) -> None:
        if self.deaf_since_s is not None:
            self.recoveries += 1
        if self.state is not ScannerState.HEARING:
            self._hearing_since_s = now_s
        self.state, self.last_heard_s, self.deaf_since_s = ScannerState.HEARING, now_s, None
        self._fails_in_row = 0

    def _gone_deaf(self, now_s: float, reason: str) -> None:
        self.state, self.reason = ScannerState.DEAF, reason
        self.deaf_since_s = self.next_step_s = now_s
        if now_s - self._hearing_since_s > STEADY_S or self._steps_taken >= len(self._recovery):
            self._steps_taken = self._heavy_done = 0

    def _next_step(self, now_s: float) -> RecoveryStep:
        step = self._step_now(now_s) if self.may_power_cycle and self.deaf_since_s is not None else RecoveryStep.RESTART
        self.steps[step] += 1
        self.state = ScannerState.RECOVERING
        return step

    def _step_now(self, now_s: float) -> RecoveryStep:
        """Return the next step in line; after the last one restarts, with a heavy step now and then."""
        step = RecoveryStep.RESTART
        if self._steps_taken < len(self._recovery):
            step = self._recovery[self._steps_taken]
            self._steps_taken += 1
        elif now_s >= self._heavy_due_s:
            step = self._recovery[1 + self._heavy_done % (len(self._recovery) - 1)]
        if self._steps_taken == len(self._recovery) and step is not RecoveryStep.RESTART:
            self._heavy_due_s = now_s + HEAVY_BACK_OFF_S[min(self._heavy_done, len(HEAVY_BACK_OFF_S) - 1)]
            self._heavy_done += 1
        return step
