"""Judges time stamps: the box's own time, late readings, and a recording's clock that runs backwards or leaps."""

from __future__ import annotations

import math
import statistics
from collections import deque
from enum import Enum

from gateway.model import USABLE_S

LEAP_S = 60.0
"""A stamp this far ahead is not believed at once: of a recording's it may be one scanner's fault, of the box's own it is a leap."""
BELIEVE_AFTER = 20
"""So many readings of a recording in a row at a new time, either way, and it is the time that has moved."""
SKEW_TOLERANCE_S = 2.0
"""A clock is corrected only beyond this: batches and networks delay by as much."""
SKEW_ROUNDS = 5
"""A scanner has to be ahead in so many rounds in a row before its clock is held for fast."""
LEAST_TO_COMPARE = 3
"""Of two clocks that differ nobody can say which one is wrong."""


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


class ClockSkew:
    """Corrects scanners whose clocks are ahead, by the stamps of those that are heard at the same time.

    Delay only makes stamps older, so the others' newest stamps tell the time, and who stays ahead of their median has a fast clock.
    In a live shop that tells the time by ticks, stamps come corrected (radio/sender_clock.py): nothing is estimated here.
    """

    def __init__(self, scanners: int) -> None:
        self.told_time = False
        self._ahead_s = [0.0] * scanners
        self._newest_s = [-math.inf] * scanners
        self._leads_s = [deque[float](maxlen=SKEW_ROUNDS) for _ in range(scanners)]

    def correct(self, column: int, stamp_s: float) -> float:
        """Return the moment of a reading that a scanner's own clock puts at `stamp_s`."""
        if stamp_s > self._newest_s[column]:
            self._newest_s[column] = stamp_s
        return stamp_s - self._ahead_s[column]

    def compare(self) -> None:
        """Compare the clocks of all scanners heard since the last round."""
        heard = [column for column, newest_s in enumerate(self._newest_s) if math.isfinite(newest_s)]
        if len(heard) >= LEAST_TO_COMPARE and not self.told_time:
            middle_s = statistics.median_low([self._newest_s[column] for column in heard])
            for column in heard:
                leads_s = self._leads_s[column]
                leads_s.append(self._newest_s[column] - middle_s)
                steady = len(leads_s) == SKEW_ROUNDS and min(leads_s) > SKEW_TOLERANCE_S and max(leads_s) <= LEAP_S
                self._ahead_s[column] = statistics.median(leads_s) if steady else 0.0
        self._newest_s = [-math.inf] * len(self._newest_s)
