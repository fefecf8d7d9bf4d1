"""Values as people write them: durations, clock times, dates, and a field's own words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rules.format.errors import BookError, BookProblem, nearest
from rules.format.fields import AFFINITY, Field, FieldType
from rules.situation import Value

FIRST_YEAR, LAST_YEAR = 1970, 9000
"""Calendars end not far outside: what is added to or taken from a moment must still be one."""
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Seconds in each unit a duration may have; a day is 24 hours, whatever the clocks do."""
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")


def parse_duration(value: Any) -> float | None:
    """Seconds of `15s`, `90m`, `2h`, `30d`, `4w`, or None. A bare number has no unit and is refused."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(match[1]) * UNITS_S[match[2]] if match else None


def duration_text(seconds: float) -> str:
    """The shortest way to write a duration: 2592000 is `30d`."""
    for unit, unit_s in reversed(UNITS_S.items()):
        if seconds >= unit_s and seconds % unit_s == 0:
            return f"{seconds / unit_s:g}{unit}"
    return f"{seconds:g}s"


def parse_clock(value: Any) -> int | None:
    """Minutes since midnight of `17:30`, or None; 24:00 is the end of the day."""
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match else None
    return minutes if minutes is not None and minutes <= 1440 else None


def parse_date(value: Any) -> int | None:
    """The proleptic ordinal of `2026-12-05`, or None."""
    try:
        return date.fromisoformat(value).toordinal() if isinstance(value, str) else None
    except ValueError:
        return None


def parse_moment(value: str, zone: ZoneInfo) -> float | None:
    """Epoch seconds of a local date (its first instant) or date and time, or None."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def parse_literal(field: Field, value: Any) -> Any:
    """The value in the form its field is compared in. Raises BookError naming the nearest word of the field's domain."""
    parsed: int | float | str | None
    parsers = {FieldType.CLOCK: parse_clock, FieldType.DATE: parse_date}
    if field.type in parsers:
        parsed = parsers[field.type](value)
    elif field.type is FieldType.NUMBER:
        parsed = value if type(value) is int or (type(value) is float and math.isfinite(value)) else None
    elif field.type is FieldType.FLAG:
        parsed = value if type(value) is bool else None
    else:
        parsed = value if type(value) is str else None
    if parsed is None:
        kind = "text" if field.type in (FieldType.CHOICE, FieldType.SET) else field.type.value
        words = {"value": str(value)[:80], "type": kind, "field": field.name}
        raise BookError([BookProblem("wrong_type", values=words)])
    if field.values is not None and str(parsed) not in field.values:
        words = {"value": str(value)[:80], "field": field.name, "allowed": ", ".join(sorted(field.values))}
        raise BookError([BookProblem("not_in_domain", nearest=nearest(str(value), field.values), values=words)])
    return parsed


def parse_fact(fields: Mapping[str, Field], name: str, value: Any, path: str = "") -> Value:
    """A fact as it is written in a case, in a shop or on a command line, in the form that conditions compare.

    Any offer's affinity is one too. Raises BookError, with the nearest right word.
    """
    field = fields.get(name)
    if field is None:
        if name.startswith(f"{AFFINITY}.") and type(value) in (int, float) and math.isfinite(value):
            return float(value)
        raise BookError([BookProblem("unknown_field", path, nearest=nearest(name, fields), values={"value": name[:80]})])
    many = value if isinstance(value, list) else [value]
    try:
        found = [parse_literal(field, one) for one in many]
    except BookError as error:
        raise BookError(BookProblem(one.code, path, nearest=one.nearest, values=one.values) for one in error.problems) from None
    return frozenset(found) if field.type is FieldType.SET else found[0]
