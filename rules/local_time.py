"""Local time in the shop's own zone: the wall clock with its summer time, calendar windows, and opening hours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Spans = Sequence[tuple[int, int]]
"""Pairs of minutes since local midnight; an end at or before its start runs past midnight."""

DAY_MINUTES = 1440


class Local:
    """One moment on the shop's wall clock."""

    __slots__ = ("at_s", "day", "minute", "moment", "weekday", "zone")

    def __init__(self, at_s: float, zone: ZoneInfo) -> None:
        self.at_s = at_s
        self.zone = zone
        self.moment = datetime.fromtimestamp(at_s, zone)
        self.day = self.moment.toordinal()
        self.minute = self.moment.hour * 60 + self.moment.minute
        self.weekday = WEEKDAYS[self.moment.weekday()]

    def start_of(self, window: str) -> float:
        """Epoch seconds at which the present hour, day, week (from Monday) or month began here."""
        if window == "hour":
            return self.at_s - self.at_s % 3600
        back = {"day": 0, "week": self.moment.weekday(), "month": self.moment.day - 1}[window]
        return self._midnight(self.day - back)

    def key(self, window: str) -> str:
        """The name of the present window: two moments have the same key only in the same window."""
        if window == "hour":
            return f"hour-{int(self.at_s // 3600)}"  # by UTC: the hour that a clock change repeats is two hours
        if window == "week":
            year, week, _ = self.moment.isocalendar()
            return f"{year}-W{week:02}"
        return self.moment.strftime("%Y-%m-%d" if window == "day" else "%Y-%m")

    def end_of_day(self) -> float:
        """Epoch seconds of the coming local midnight."""
        return self._midnight(self.day + 1)

    def at_minute(self, minute: int) -> float:
        """Epoch seconds of a wall-clock minute of today, of a repeated one the first that is still to come; 1440 and beyond lie in
        tomorrow."""
        days, minute = divmod(minute, DAY_MINUTES)
        day = date.fromordinal(self.day + days)
        moment = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=self.zone)
        first_s = moment.timestamp()
        return first_s if first_s > self.at_s else moment.replace(fold=1).timestamp()

    def _midnight(self, ordinal: int) -> float:
        day = date.fromordinal(ordinal)
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()


def within(spans: Spans, minute: int) -> bool:
    """True when a minute of the day lies in one of the spans; a span may run past midnight."""
    return any(start <= minute < end if start < end else minute >= start or minute < end for start, end in spans)


def spans_on(hours: Mapping[str, Spans], ordinal: int) -> Spans:
    """The opening spans of one date: its own entry, or its weekday's, or none (closed)."""
    day = date.fromordinal(ordinal)
    return hours.get(day.isoformat(), hours.get(WEEKDAYS[day.weekday()], ()))


MOST_SPANS_JOINED = 60
"""Opening spans that follow each other without a break: a shop that is open longer than that never closes."""


def closing(hours: Mapping[str, Spans], local: Local) -> float | None:
    """Epoch seconds at which the shop, open at this moment, closes; None when it is closed, infinite when it never closes.

    Spans that adjoin or overlap are one opening, over midnight as well.
    """
    ends_s = _span_end(hours, local)
    for _ in range(MOST_SPANS_JOINED):
        after_s = None if ends_s is None else _span_end(hours, Local(ends_s, local.zone))
        if after_s is None:
            return ends_s
        ends_s = after_s
    return math.inf


def is_open(hours: Mapping[str, Spans], local: Local) -> bool:
    """Return True when the shop is open at this moment."""
    return next(_span_ends(hours, local), None) is not None


def _span_end(hours: Mapping[str, Spans], local: Local) -> float | None:
    """The latest end of the spans that this moment lies in."""
    return max(_span_ends(hours, local), default=None)


def _span_ends(hours: Mapping[str, Spans], local: Local) -> Iterator[float]:
    for start, end in spans_on(hours, local.day):
        runs_over = end <= start
        if start <= local.minute < (end + DAY_MINUTES if runs_over else end):
            yield local.at_minute(end + DAY_MINUTES if runs_over else end)
    for start, end in spans_on(hours, local.day - 1):  # yesterday evening's opening, still on
        if end <= start and local.minute < end:
            yield local.at_minute(end)
