"""Whatever a field may hold, as people write it: in a condition, a fact, an answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from rules.format.dates import parse_clock, parse_date
from rules.format.errors import BookError, BookProblem, nearest
from rules.format.fields import AFFINITY, Field, FieldType, affinity_field
from rules.situation import Value


def parse_literal(field: Field, value: object) -> int | float | str:
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


def _wrong_type(field: Field, value: object) -> BookError:
    kind = "text" if field.type in (FieldType.CHOICE, FieldType.SET) else field.type.value
    return BookError([BookProblem("wrong_type", values={"value": str(value)[:80], "type": kind, "field": field.name})])


def parse_fact(fields: Mapping[str, Field], name: str, value: object, path: str = "") -> Value:
    """A fact as it is written in a case, in a shop or on a command line, in the form that a situation holds.

    Any offer's affinity is one too. Raises BookError, with the nearest right word.
    """
    field = fields.get(name)
    if field is None:
        if name.startswith(f"{AFFINITY}.") and isinstance(value, int | float) and affinity_field("").admits(value):
            return float(value)
        raise BookError([BookProblem("unknown_field", path, nearest=nearest(name, fields), values={"value": name[:80]})])
    try:
        if field.type is FieldType.SET:
            return frozenset(str(parse_literal(field, one)) for one in (value if isinstance(value, list) else [value]))
        found: Value = _date_fact(field, value) if field.type is FieldType.DATE else parse_literal(field, value)
    except BookError as error:
        raise BookError(BookProblem(one.code, path, nearest=one.nearest, values=one.values) for one in error.problems) from None
    return found


def _date_fact(field: Field, value: object) -> str:
    """A date stays as it is written: a fact is plain data, that a log can hold."""
    if not isinstance(value, str) or not field.admits(value):
        raise _wrong_type(field, value)
    return value


_NUMBER = re.compile(r"[-+]?\d{1,15}(?:[.,]\d{1,15})?", re.ASCII)
YES = frozenset({"yes", "true", "1", "ja", "waar"})
NO = frozenset({"no", "false", "0", "nee", "onwaar"})
"""What fills a flag: the answers that a question about one may have."""


def answer_fact(field: Field, answer: str) -> Value | None:
    """Return the fact that an answer to a question fills in, or None where the field can't hold it."""
    typed = [answer] if field.type is FieldType.SET else typed_fact(field, answer)
    value = frozenset(typed) if isinstance(typed, list) else typed
    return value if field.admits(value) else None


def typed_fact(field: Field, text: str) -> str | float | bool | list[str]:
    """Return what somebody means who types a value of a field: `ja` is true, `2,5` a number, commas part a set.

    What the field can't hold stays text, to be refused by its word.
    """
    match field.type:
        case FieldType.SET:
            return [one.strip() for one in text.split(",") if one.strip()]
        case FieldType.FLAG:
            word = text.strip().lower()
            return True if word in YES else False if word in NO else text
        case FieldType.NUMBER:
            number = parse_number(text)
            return text if number is None else number
    return text


def parse_number(text: str) -> float | None:
    """Return the number that a text writes, with a point or a comma for its decimals, or None."""
    digits = text.strip()
    if not _NUMBER.fullmatch(digits):
        return None
    return int(digits) if digits.lstrip("+-").isdigit() else float(digits.replace(",", "."))
