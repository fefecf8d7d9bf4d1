"""Judges time stamps: late readings, clocks that run backwards, leaps that nobody else confirms."""

from __future__ import annotations

from enum import Enum

LATE_S = 5.0
"""A reading this much behind still counts as now: batches and scanner clocks that are off."""
LEAP_S = 60.0
"""A reading this far ahead is not believed at once: one scanner's wrong clock must not end everybody's visit."""
BELIEVE_AFTER = 20
"""So many readings in a row at a new time, either way, and it is the time that has moved."""


class TimestampVerdict(Enum):
    """A time stamp's verdict."""

    NOW = "now"
    DOUBTED = "doubted"
    MOVED = "moved"


class TimestampGuard:
    """Judges time stamps in the order they arrive. `now_s` None: nothing was heard yet."""

    def __init__(self) -> None:
        self.now_s: float | None = None
        self._doubted_s = 0.0
        self._doubts = 0

    def judge(self, at_s: float) -> TimestampVerdict:
        """NOW: use it. DOUBTED: skip it. MOVED: time itself leapt to it, start anew from there."""
        if self.now_s is None or -LATE_S <= at_s - self.now_s <= LEAP_S:
            self._doubts = 0
            self.now_s = at_s if self.now_s is None else max(self.now_s, at_s)
            return TimestampVerdict.NOW
        near = self._doubts > 0 and abs(at_s - self._doubted_s) <= LATE_S
        self._doubts = self._doubts + 1 if near else 1
        self._doubted_s = at_s
        if self._doubts < BELIEVE_AFTER:
            return TimestampVerdict.DOUBTED
        self._doubts, self.now_s = 0, at_s
        return TimestampVerdict.MOVED
