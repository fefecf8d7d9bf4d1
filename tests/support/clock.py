"""A clock for tests: it stands still until it is moved, and is trusted unless a test says otherwise."""

from __future__ import annotations

import time

from gateway.clock import TRUSTED, Reason, SystemClock, Trust

START_S = 1_800_000_000.0


class FakeClock:
    """Time as a test wants it. `leap` moves the wall time alone, as a clock that is set; `advance` lets time pass."""

    def __init__(self, now_s: float = START_S) -> None:
        self._now_s = now_s
        self._monotonic_s = 1000.0
        self.trust = TRUSTED

    def now_s(self) -> float:
        return self._now_s

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def keep(self) -> None:
        pass

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_s += seconds
        self._monotonic_s += seconds

    def leap(self, seconds: float) -> None:
        """Set the wall time ahead or back."""
        self._now_s += seconds

    def set(self, now_s: float) -> None:
        """Set the wall time."""
        self._now_s = now_s

    def doubt(self, reason: Reason = "stepped") -> None:
        """Let time be untrusted from here on."""
        self.trust = Trust(False, reason)

    def believe(self) -> None:
        """Let time be trusted again."""
        self.trust = TRUSTED


class FakeSystem:
    """An operating system's time, to be set wrong. A `boot` begins the seconds since boot anew."""

    def __init__(self, wall_s: float = START_S) -> None:
        self.wall, self.up, self.boots, self.chip, self.synced = wall_s, 100.0, 1, True, False

    def wall_s(self) -> float:
        return self.wall

    def since_boot_s(self) -> float:
        return self.up

    def boot(self) -> str:
        return f"boot {self.boots}"

    def has_clock_chip(self) -> bool:
        return self.chip

    def synchronised(self) -> bool:
        return self.synced

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.up += seconds

    def leaps(self, seconds: float) -> None:
        """Be set, by a hand: the kernel then holds its clock for unsynchronised."""
        self.wall += seconds
        self.synced = False

    def reboots(self, wall_s: float) -> None:
        self.wall, self.up, self.synced = wall_s, 5.0, False
        self.boots += 1


class RunningSystem(FakeSystem):
    """An operating system whose time passes with this machine's; a test may `set` its wall time."""

    def __init__(self, wall_s: float) -> None:
        super().__init__(wall_s)
        self._since_s = time.monotonic()

    def wall_s(self) -> float:
        return self.wall + self.since_boot_s()

    def since_boot_s(self) -> float:
        return time.monotonic() - self._since_s

    def set(self, wall_s: float) -> None:
        """Be set, by a hand."""
        self.leaps(wall_s - self.wall_s())


class SetClock(SystemClock):
    """A gateway's clock on a system whose wall time a test sets, epoch seconds: to `set` it again is a leap."""

    def __init__(self, at_s: float | None = None) -> None:
        self.system = RunningSystem(time.time() if at_s is None else at_s)
        super().__init__(None, self.system)

    def set(self, at_s: float) -> None:
        """Let the system's clock say that it is `at_s` now."""
        self.system.set(at_s)

    def synchronise(self, at_s: float) -> None:
        """Let the network have set the system's clock so: it is believed."""
        self.system.set(at_s)
        self.system.synced = True
