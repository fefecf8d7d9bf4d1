"""Durations, days, clock times and moments as people write them: one spelling each, and an end that includes what it names."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Calendars end not far outside: what is added to or taken from a moment must still be one."""
LEAP_YEAR = 4
"""Any leap year: an anniversary of 29 February exists in it."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ANNIVERSARY = re.compile(r"--(\d{2})-(\d{2})", re.ASCII)
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(Z|[+-]\d{2}:\d{2})?", re.ASCII)
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Seconds in each unit a duration may have; a day is 24 hours, whatever the clocks do."""
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])", re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)


class Anniversary(NamedTuple):
    """A day and month without a year: all that is kept of a birthday that is only looked at yearly. Written `--12-05`."""

    month: int
    day: int

    @staticmethod
    def of(day: date) -> Anniversary:
        """Return the day and month of a date."""
        return Anniversary(day.month, day.day)

    def next_from(self, today: date) -> int:
        """Return the ordinal of the first such day that isn't before today; 29 February is the 28th in most years."""
        found = self._in(today.year)
        return (found if found >= today else self._in(today.year + 1)).toordinal()

    def _in(self, year: int) -> date:
        try:
            return date(year, self.month, self.day)
        except ValueError:
            return date(year, 2, 28)

    def __str__(self) -> str:
        return f"--{self.month:02}-{self.day:02}"


def parse_duration(value: object) -> float | None:
    """Seconds of `15s`, `90m`, `2h`, `30d`, `4w`, or None. A bare number has no unit and is refused."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) * UNITS_S[match[2]] if match else None


def duration_text(seconds: float) -> str:
    """The shortest way to write a duration: 2592000 is `30d`."""
    for unit, unit_s in reversed(UNITS_S.items()):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g}{unit}"
    return f"{seconds:.12g}s"


def parse_clock(value: object) -> int | None:
    """Return the minutes since midnight of `17:30`, or None; 24:00 is the end of the day."""
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match else None
    return minutes if minutes is not None and minutes <= 1440 else None


def parse_date(value: object) -> int | None:
    """Return the proleptic ordinal of `2026-12-05`, the only spelling of a day, or None."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value).toordinal()
    except ValueError:
        return None


def parse_fact_date(value: object) -> int | Anniversary | None:
    """Return the ordinal of a date, or the anniversary of `--12-05`, or None."""
    match = _ANNIVERSARY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return parse_date(value)
    found = Anniversary(int(match[1]), int(match[2]))
    try:
        date(LEAP_YEAR, *found)
    except ValueError:
        return None
    return found


def without_year(written: str) -> str:
    """Return the day and month of a date as a fact: `2026-12-05` is `--12-05`."""
    day = parse_fact_date(written)
    return str(Anniversary.of(date.fromordinal(day))) if isinstance(day, int) else written


def parse_moment(value: str, zone: ZoneInfo) -> float | None:
    """Return the epoch seconds of a local date (its first instant) or date and time (`2026-12-05T17:30`), or None."""
    moment = _moment(value, zone)
    return None if moment is None else moment.timestamp()


def parse_end(value: str, zone: ZoneInfo) -> float | None:
    """Return the epoch seconds at which something ends that lasts until then: a day is included, up to the midnight after it.

    A time that the clocks repeat ends the second time round.
    """
    moment = _moment(value, zone)
    if moment is None:
        return None
    return (moment + timedelta(days=1) if _DAY.fullmatch(value) else moment.replace(fold=1)).timestamp()


def _moment(value: str, zone: ZoneInfo) -> datetime | None:
    written = _MOMENT.fullmatch(value)
    if written is None and not _DAY.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
