"""Values as people write them: durations, and whatever a field may hold."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from rules.format.dates import parse_clock, parse_date
from rules.format.errors import BookError, BookProblem, nearest
from rules.format.fields import AFFINITY, Field, FieldType
from rules.situation import Value

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Seconds in each unit a duration may have; a day is 24 hours, whatever the clocks do."""
_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smhdw])")


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
        raise _wrong_type(field, value)
    if field.values is not None and str(parsed) not in field.values:
        words = {"value": str(value)[:80], "field": field.name, "allowed": ", ".join(sorted(field.values))}
        raise BookError([BookProblem("not_in_domain", nearest=nearest(str(value), field.values), values=words)])
    return parsed


def _wrong_type(field: Field, value: Any) -> BookError:
    kind = "text" if field.type in (FieldType.CHOICE, FieldType.SET) else field.type.value
    return BookError([BookProblem("wrong_type", values={"value": str(value)[:80], "type": kind, "field": field.name})])


def parse_fact(fields: Mapping[str, Field], name: str, value: Any, path: str = "") -> Value:
    """A fact as it is written in a case, in a shop or on a command line, in the form that a situation holds.

    Any offer's affinity is one too. Raises BookError, with the nearest right word.
    """
    field = fields.get(name)
    if field is None:
        if name.startswith(f"{AFFINITY}.") and type(value) in (int, float) and math.isfinite(value):
            return float(value)
        raise BookError([BookProblem("unknown_field", path, nearest=nearest(name, fields), values={"value": name[:80]})])
    many = value if isinstance(value, list) else [value]
    try:
        if field.type is FieldType.DATE:
            return _date_fact(field, value)
        found = [parse_literal(field, one) for one in many]
    except BookError as error:
        raise BookError(BookProblem(one.code, path, nearest=one.nearest, values=one.values) for one in error.problems) from None
    return frozenset(found) if field.type is FieldType.SET else found[0]


def _date_fact(field: Field, value: Any) -> str:
    """A date stays as it is written: a fact is plain data, that a log can hold."""
    if not field.admits(value):
        raise _wrong_type(field, value)
    return str(value)
