"""The one trusted time of the box: wall time carried by a clock that no correction can move.

A Raspberry Pi has no clock of its own: it boots at the date of its image or of its last shutdown, and leaps when the network
comes. So wall time is taken from the system's clock where that may be believed, and carried on from there by the monotonic clock:

* While the system's clock agrees (within STEP_S) it is followed. Summer time doesn't touch it; a slew moves both clocks.
* A step beyond that, either way, is *unconfirmed*. `now_s` goes on as if it hadn't happened, and `trust` says so, until the kernel
  says that its clock is synchronised (NTP; believed at once, either way), the clock steps back, or the step has held: an hour for
  each day that it leapt, ten minutes at least, a day at most.
* The last trusted time lies in a file beside the database. A restart of the process within one boot carries on exactly there.
  After a boot nothing is trusted before it is confirmed: by synchronisation, or by holding where a clock chip gave the time.
  Meanwhile `now_s` is the system's clock where that is believable (no earlier than the last trusted time, and no more than
  BELIEVABLE_OFF_S later), so that a shop without network opens at its hour; else the last trusted time carried on. A clock
  *behind* the last trusted time never gets right by holding: only by synchronisation, or by somebody who sets it.
* The very first start believes any time after this software was made: there is nothing yet that a wrong one could take away.

What must not happen on a wrong time (deleting, expiring, giving back) asks `trust` first. All else goes by `now_s`.
"""

from __future__ import annotations

import ctypes
import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import structlog

from gateway.private_files import put_in_place

STEP_S = 2.0
"""The system's clock may differ by this much from the trusted time and is followed: a leap second, a small correction."""
HOLD_SHARE = 1 / 24
"""A step that nobody confirms must hold for this share of its size: the further it leaps, the more a wrong one would destroy."""
HOLD_MIN_S, HOLD_MAX_S = 600.0, 86_400.0
"""Longer than a network takes to come up and correct a clock; and time for a person to see the warning and mend it."""
BELIEVABLE_OFF_S = 31 * 86_400.0
"""How long a box may have been switched off for its clock to be used, unconfirmed, after a boot: a shop's holidays."""
MADE_S = 1_790_000_000.0
"""2026-09-21: no clock that is right shows an earlier time than this software was written at."""
ASK_AGAIN_S = 1.0
"""How often the kernel is asked for its opinion while a time is unconfirmed."""

Reason = Literal["", "stepped", "behind", "unconfirmed"]
"""Why time isn't trusted. stepped: the clock leapt while the box ran. behind: after a boot it is earlier than it has been.
unconfirmed: after a boot nothing has confirmed it yet. Empty: it is trusted."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether time is trusted now, and if not, why."""

    trusted: bool
    reason: Reason = ""


TRUSTED = Trust(True)


class Clock(Protocol):
    """The time of the box. From any thread."""

    def now_s(self) -> float:
        """Return wall time in epoch seconds; a leap of the system's clock doesn't show in it before it is confirmed."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since the box was booted, time asleep included: for periods, never moved by anybody."""
        ...

    @property
    def trust(self) -> Trust:
        """Tell whether anything irreversible may be done by this time."""
        ...

    def keep(self) -> None:
        """Write down the last trusted time, for the next start; to be called every minute and at the end. Raises OSError."""
        ...


class System(Protocol):
    """What the operating system knows of time."""

    def wall_s(self) -> float: ...
    def since_boot_s(self) -> float: ...
    def boot(self) -> str: ...
    def has_clock_chip(self) -> bool: ...
    def synchronised(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Belief:
    """What is believed of one boot's time. An offset added to the seconds since boot is a time."""

    told_s: float
    """Offset of what `now_s` says."""
    trusted_s: float
    """Offset of the last trusted time, carried on: true time is this or later."""
    confirmed: bool
    """Both are one, and right. False only after a boot."""
    seen_s: float
    """Offset of the system's clock when it was last seen to step, or at the boot."""
    seen_at_s: float
    """Seconds since boot at which that was."""
    may_hold: bool
    """True when somebody or something set the clock: a time that holds is then evidence."""

    @property
    def trust(self) -> Trust:
        if self.confirmed:
            return TRUSTED if abs(self.seen_s - self.told_s) <= STEP_S else Trust(False, "stepped")
        return Trust(False, "behind" if self.seen_s < self.trusted_s - STEP_S else "unconfirmed")


class SystemClock:
    """The clock of the real box. `path`: where the last trusted time is kept; only `keep` writes there.

    A command beside a running gateway makes one too, and never calls `keep`: it reads what the gateway wrote.
    """

    def __init__(self, path: Path | None = None, system: System | None = None) -> None:
        self._path = path
        self._system: System = system or Linux()
        self._lock = threading.Lock()
        self._ask_s = float("-inf")
        self._belief = self._first_belief()

    def now_s(self) -> float:
        """Return wall time in epoch seconds."""
        belief = self._belief
        wall_s = self._system.wall_s()
        if belief.confirmed and abs(wall_s - self._system.since_boot_s() - belief.told_s) <= STEP_S and belief.trust.trusted:
            return wall_s
        return self._judge()

    def monotonic_s(self) -> float:
        """Return seconds since boot."""
        return self._system.since_boot_s()

    @property
    def trust(self) -> Trust:
        """Tell whether time is trusted now."""
        self.now_s()
        return self._belief.trust

    def keep(self) -> None:
        """Write down the last trusted time, for the next start; to be called every minute and at the end. Raises OSError."""
        if self._path is None:
            return
        with self._lock:
            self._judge_locked()
            if self._belief.trust.trusted and self._system.synchronised():
                self._confirm(self._offset_s())
            now_s = self._belief.trusted_s + self._system.since_boot_s()
            kept = {"last_trusted_s": now_s, "boot": self._system.boot(), "belief": asdict(self._belief)}
        put_in_place(self._path, json.dumps(kept).encode())

    def _first_belief(self) -> _Belief:
        offset_s, since_boot_s = self._offset_s(), self._system.since_boot_s()
        kept = _read(self._path)
        if kept is not None and kept[1] == self._system.boot():
            return kept[2]
        last_s = MADE_S if kept is None else kept[0]
        ahead_s = offset_s + since_boot_s - last_s
        if ahead_s >= 0 and kept is None:
            return _Belief(offset_s, offset_s, True, offset_s, since_boot_s, True)
        believable = 0 <= ahead_s <= BELIEVABLE_OFF_S
        trusted_s = last_s - since_boot_s
        may_hold = ahead_s >= 0 and self._system.has_clock_chip()
        return _Belief(offset_s if believable else trusted_s, trusted_s, False, offset_s, since_boot_s, may_hold)

    def _judge(self) -> float:
        with self._lock:
            return self._judge_locked()

    def _judge_locked(self) -> float:
        """Bring the belief up to what the system's clock says now; the time."""
        before, offset_s, since_boot_s = self._belief, self._offset_s(), self._system.since_boot_s()
        if before.confirmed and abs(offset_s - before.told_s) <= STEP_S:
            self._belief = replace(before, seen_s=before.told_s)
        elif abs(offset_s - before.seen_s) > STEP_S:
            self._belief = replace(before, seen_s=offset_s, seen_at_s=since_boot_s, may_hold=True)
            self._ask_s = since_boot_s
        if not self._belief.trust.trusted and (self._held(offset_s, since_boot_s) or self._synchronised(since_boot_s)):
            self._confirm(offset_s)
        trust = self._belief.trust
        if trust != before.trust:
            log.warning("trust in the time has changed", trusted=trust.trusted, because=trust.reason)
        return (offset_s if trust.trusted else self._belief.told_s) + since_boot_s

    def _held(self, offset_s: float, since_boot_s: float) -> bool:
        belief = self._belief
        hold_s = min(max(abs(offset_s - belief.trusted_s) * HOLD_SHARE, HOLD_MIN_S), HOLD_MAX_S)
        return belief.may_hold and since_boot_s - belief.seen_at_s >= hold_s

    def _synchronised(self, since_boot_s: float) -> bool:
        if since_boot_s < self._ask_s:
            return False
        self._ask_s = since_boot_s + ASK_AGAIN_S
        return self._system.synchronised()

    def _confirm(self, offset_s: float) -> None:
        self._belief = _Belief(offset_s, offset_s, True, offset_s, self._system.since_boot_s(), True)

    def _offset_s(self) -> float:
        """Return the system's wall time less the seconds since boot; both read within one moment, however busy the machine is."""
        while True:
            before_s = self._system.since_boot_s()
            wall_s = self._system.wall_s()
            if self._system.since_boot_s() - before_s < STEP_S / 4:
                return wall_s - before_s


class PlayedClock:
    """The time of a recording that is played as if it happened now: `speed` times as fast, and nothing can set it wrong."""

    trust = TRUSTED

    def __init__(self, speed: float) -> None:
        self._system = Linux()
        self._speed = speed
        self._begun_s = self._system.wall_s()
        self._begun_monotonic_s = self._system.since_boot_s()

    def now_s(self) -> float:
        """Return the played world's time in epoch seconds."""
        return self._begun_s + (self._system.since_boot_s() - self._begun_monotonic_s) * self._speed

    def monotonic_s(self) -> float:
        """Return seconds since boot; periods are the real world's."""
        return self._system.since_boot_s()

    def keep(self) -> None:
        """Keep nothing: a played time is nobody's."""


class Linux:
    """The clocks of Linux; where something is missing (another system, a container), the more careful answer."""

    _BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)

    def wall_s(self) -> float:
        """Return the system's wall time in epoch seconds."""
        return time.time()

    def since_boot_s(self) -> float:
        """Return seconds since boot, time asleep included where the system counts it."""
        return time.monotonic() if self._BOOTTIME is None else time.clock_gettime(self._BOOTTIME)

    def boot(self) -> str:
        """Return a name that changes with every boot."""
        with suppress(OSError):
            return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"process {os.getpid()}"

    def has_clock_chip(self) -> bool:
        """Tell whether the kernel set its clock from a chip that runs while the box is off."""
        with suppress(OSError):
            return any(chip.read_text(encoding="ascii").strip() == "1" for chip in Path("/sys/class/rtc").glob("*/hctosys"))
        return False

    def synchronised(self) -> bool:
        """Tell whether the kernel holds its clock to be synchronised: NTP daemons say so, and setting the clock by hand ends it."""
        adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
        if adjtimex is None:
            return False
        timex = _Timex()
        return adjtimex(ctypes.byref(timex)) >= 0 and not timex.status & _UNSYNCHRONISED


class _Timex(ctypes.Structure):
    """`struct timex` of <sys/timex.h> as far as it is read here; mode 0 changes nothing."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC."""


def _read(path: Path | None) -> tuple[float, str, _Belief] | None:
    """Return (last trusted time, boot, belief) as they were kept; None where nothing usable is."""
    if path is None:
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return float(kept["last_trusted_s"]), str(kept["boot"]), _Belief(**kept["belief"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        log.warning("the last trusted time can't be read; going on without it", path=str(path), error=type(error).__name__)
        return None
