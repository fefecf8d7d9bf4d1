"""One scanner elsewhere: when it last spoke, what it hears, by which clock, and whether it is one box or two. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gateway.radio.health import ScannerHealth, Tally
from gateway.radio.quality import QualityMeter
from gateway.radio.sender_clock import SenderClock
from gateway.radio.watchdog import ScannerState

SILENT_S = 15.0
"""Batches come every second, a sign of life every 5 s, ESPresense repeats a device every 5 s: three times that is a scanner that
fails."""
RUNS_KEPT = 4
NEAR = 1000
"""A batch without a boot id belongs to a run of numbers that it is as near to: a new run begins at its clock's milliseconds."""
RETURNS = 3
"""A run that goes on after another had begun, so often within RETURNS_S, is no restart: two boxes have one id."""
RETURNS_S = 60.0


@dataclass(slots=True)
class _Run:
    """One process that sends: its batches are numbered upwards. `boot` None: it is too old to say which it is."""

    boot: str | None
    last: int

    def has(self, boot: str | None, sequence: int) -> bool:
        return self.boot == boot if boot is not None else self.boot is None and abs(sequence - self.last) <= NEAR


class Runs:
    """Tells a new batch from one that comes again, and a restart from a second box with the same id."""

    def __init__(self) -> None:
        self._runs: deque[_Run] = deque(maxlen=RUNS_KEPT)
        self._returns_s: deque[float] = deque(maxlen=RETURNS)

    def take(self, boot: str | None, sequence: int, received_s: float) -> bool:
        """Return whether this batch is new."""
        run = next((run for run in self._runs if run.has(boot, sequence)), None)
        if run is None:
            self._runs.append(_Run(boot, sequence))
            return True
        if sequence <= run.last:
            return False
        run.last = sequence
        if run is not self._runs[-1]:
            self._runs.remove(run)
            self._runs.append(run)
            self._returns_s.append(received_s)
        return True

    def doubled(self, now_s: float) -> bool:
        """Return whether two boxes speak under this id now."""
        return len(self._returns_s) == RETURNS and abs(now_s - self._returns_s[0]) <= RETURNS_S


class RemoteScanner:
    """One scanner of the store plan that isn't this box's own. It begins unheard."""

    def __init__(self, scanner: str, uuids: frozenset[bytes]) -> None:
        self.id = scanner
        self.kind = ""
        """Its format, once it has spoken."""
        self.tally = Tally()
        self.clock = SenderClock()
        self.meter = QualityMeter(uuids)
        self.runs = Runs()
        self._last_s: float | None = None
        self._silences = 0
        self._silent = False
        self._per_s = 0.0
        self._life_before = 0

    def speaks(self, kind: str, received_s: float) -> None:
        """Note a sign of life: any message of its that can be read."""
        self.kind, self._last_s = kind, received_s

    def tick(self, now_s: float, elapsed_s: float) -> None:
        """Let time pass, in this box's time."""
        silent = self._last_s is not None and now_s - self._last_s > SILENT_S
        self._silences += silent and not self._silent
        self._silent = silent
        self.meter.tick(now_s, self.clock.offset_s)
        if elapsed_s > 0:
            rate = (self.tally.life - self._life_before) / elapsed_s
            self._per_s += min(elapsed_s / SILENT_S, 1.0) * (rate - self._per_s)
        self._life_before = self.tally.life

    def health(self, now_s: float, refused: dict[str, int], refused_lately: dict[str, int]) -> ScannerHealth:
        """Return how it is doing, as of the last tick."""
        spoken = ScannerState.DEAF if self._silent else ScannerState.HEARING
        return ScannerHealth(
            scanner=self.id,
            kind=self.kind,
            state=ScannerState.UNHEARD if self._last_s is None else spoken,
            adverts_per_s=round(self._per_s, 1),
            heard=self.tally.heard,
            other=self.tally.other,
            malformed=0,
            restarts=0,
            power_cycles=0,
            resets=0,
            failures=self._silences,
            recoveries=max(self._silences - self._silent, 0),
            reason="no messages" if self._silences else "",
            silent_s=None if self._last_s is None else max(now_s - self._last_s, 0.0),
            next_step_in_s=None,
            quality=self.meter.quality,
            doubled=self.runs.doubled(now_s),
            refused=refused,
            refused_lately=refused_lately,
        )
