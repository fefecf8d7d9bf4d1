"""Judges time stamps: the box's own time, late readings, and a recording's clock that runs backwards or leaps."""

from __future__ import annotations

from enum import Enum

from gateway.model import USABLE_S

LEAP_S = 60.0
"""A stamp this far ahead is not believed at once: of a recording's it may be one scanner's fault, of the box's own it is a leap."""
BELIEVE_AFTER = 20
"""So many readings of a recording in a row at a new time, either way, and it is the time that has moved."""


class TimestampVerdict(Enum):
    """A time stamp's verdict."""

    NOW = "now"
    LATE = "late"
    DOUBTED = "doubted"
    MOVED = "moved"


class TimestampGuard:
    """Judges time stamps in the order they arrive. `now_s` None: nothing was heard yet.

    A box's own time comes by `tick`. From the first tick on readings have no say in what time it is: however many are late, or
    claim the future, they are late, or wrong. A recording has no clock but its readings: there many of one mind are believed.
    """

    def __init__(self) -> None:
        self.now_s: float | None = None
        self._ticks = False
        self._doubted_s = 0.0
        self._doubts = 0

    def tick(self, now_s: float) -> TimestampVerdict:
        """Take the box's own time. NOW: it went on. MOVED: it leapt."""
        self._ticks, self._doubts = True, 0
        if self.now_s is None or -USABLE_S <= now_s - self.now_s <= LEAP_S:
            self.now_s = now_s if self.now_s is None else max(self.now_s, now_s)
            return TimestampVerdict.NOW
        self.now_s = now_s
        return TimestampVerdict.MOVED

    def judge(self, at_s: float) -> TimestampVerdict:
        """Judge a reading's. NOW: use it. LATE, DOUBTED: skip it. MOVED: time itself leapt to it, start anew from there."""
        if self.now_s is None or -USABLE_S <= at_s - self.now_s <= LEAP_S:
            self._doubts = 0
            self.now_s = at_s if self.now_s is None else max(self.now_s, at_s)
            return TimestampVerdict.NOW
        near = self._doubts > 0 and abs(at_s - self._doubted_s) <= USABLE_S
        self._doubts = self._doubts + 1 if near else 1
        self._doubted_s = at_s
        if self._ticks or self._doubts < BELIEVE_AFTER:
            return TimestampVerdict.LATE if at_s < self.now_s else TimestampVerdict.DOUBTED
        self._doubts, self.now_s = 0, at_s
        return TimestampVerdict.MOVED
