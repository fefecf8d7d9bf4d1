"""What conditions compare with: one row an operator, read by parsing, evaluation, explanation and text. A new one is one more row.

A fact lies below, at or above what is wanted (a list, a set and a span of days have an "at" and a beside), and the row says for
each whether the comparison holds. Against a missing fact every comparison is unknown: that is no column, since no operator may
choose otherwise.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

from rules.format.dates import Anniversary
from rules.format.fields import FieldType

Operand = Any
"""A fact, or what it is compared with: the table's types say which two meet, and the reader of conditions has seen to it."""
Place = Callable[[Operand, Operand, int], int | None]
"""From the fact, what is wanted and today's ordinal: -1 below, 0 at, 1 above it; None where the fact can't say."""


class Wants(Enum):
    """What stands on the other side of an operator."""

    VALUE = "a value of the field's own type"
    LIST = "a list of such values"
    DAYS = "a duration in whole days"


def by_order(fact: Operand, wanted: Operand, today: int) -> int | None:
    """Smaller, equal or greater; an anniversary has no year to be ordered by."""
    return None if isinstance(fact, Anniversary) else (fact > wanted) - (fact < wanted)


def among(fact: Operand, wanted: Operand, today: int) -> int:
    """At it when the fact is one of those wanted."""
    return 0 if fact in wanted else 1


def holding(fact: Operand, wanted: Operand, today: int) -> int:
    """At it when the fact, a set, has the member wanted."""
    return 0 if wanted in fact else 1


def days_ahead(fact: Operand, wanted: int, today: int) -> int | None:
    """At it from today until so many days ahead, both included."""
    return None if isinstance(fact, Anniversary) else _beside(fact, today, today + wanted)


def days_back(fact: Operand, wanted: int, today: int) -> int | None:
    """At it from so many days ago until today, both included."""
    return None if isinstance(fact, Anniversary) else _beside(fact, today - wanted, today)


def anniversary_ahead(fact: Operand, wanted: int, today: int) -> int:
    """At it when the next day of this day and month, today included, is at most so many days ahead."""
    day = fact if isinstance(fact, Anniversary) else Anniversary.of(date.fromordinal(fact))
    return 0 if day.next_from(date.fromordinal(today)) - today <= wanted else 1


def _beside(day: int, first: int, last: int) -> int:
    return -1 if day < first else 0 if day <= last else 1


class Operator(NamedTuple):
    """One way to compare: the types it works on, when it holds, what it is turned round, and how it reads."""

    sign: str
    types: tuple[FieldType, ...]
    below: bool
    at: bool
    above: bool
    inverse: str | None = None
    """The operator that holds just where this one doesn't."""
    mirrored: str | None = None
    """The operator with both sides exchanged: `3 <= visits` is `visits >= 3`."""
    place: Place = by_order
    wants: Wants = Wants.VALUE
    text: str = "{field} {sign} {wanted}"

    @property
    def is_yearly(self) -> bool:
        """Return True where a date's day and month are all that it looks at."""
        return self.place is anniversary_ahead

    def holds(self, fact: Operand, wanted: Operand, today: int) -> bool | None:
        """Return the truth of the comparison, None where the fact can't say."""
        where = self.place(fact, wanted, today)
        if where is None:
            return None
        return self.at if where == 0 else self.below if where < 0 else self.above


_N, _C, _D = FieldType.NUMBER, FieldType.CLOCK, FieldType.DATE
_WORDS = (FieldType.CHOICE, FieldType.TEXT)
_ORDERED = (_N, _C, _D)
_PLAIN = (*_ORDERED, FieldType.FLAG, *_WORDS)
_LISTED = (_N, *_WORDS)
_SETS = (FieldType.SET,)
_DATES = (_D,)

_ROWS = (
    # sign, types, below, at, above, inverse, mirrored, place, wants, text
    Operator("==", _PLAIN, False, True, False, "!=", "=="),
    Operator("!=", _PLAIN, True, False, True, "==", "!="),
    Operator("<", _ORDERED, True, False, False, ">=", ">"),
    Operator("<=", _ORDERED, True, True, False, ">", ">="),
    Operator(">", _ORDERED, False, False, True, "<=", "<"),
    Operator(">=", _ORDERED, False, True, True, "<", "<="),
    Operator("in", _LISTED, False, True, False, "not in", None, among, Wants.LIST),
    Operator("not in", _LISTED, True, False, True, "in", None, among, Wants.LIST),
    Operator("has", _SETS, False, True, False, "lacks", None, holding, text="{wanted} in {field}"),
    Operator("lacks", _SETS, True, False, True, "has", None, holding, text="{wanted} not in {field}"),
    Operator("within_next", _DATES, False, True, False, place=days_ahead, wants=Wants.DAYS),
    Operator("within_last", _DATES, False, True, False, place=days_back, wants=Wants.DAYS),
    Operator("yearly_within_next", _DATES, False, True, False, place=anniversary_ahead, wants=Wants.DAYS),
)
OPERATORS: dict[str, Operator] = {row.sign: row for row in _ROWS}

BY_ORDER: Mapping[tuple[bool, bool, bool], Callable[[Operand, Operand], bool]] = {
    (True, False, False): operator.lt,
    (True, True, False): operator.le,
    (False, True, False): operator.eq,
    (True, False, True): operator.ne,
    (False, True, True): operator.ge,
    (False, False, True): operator.gt,
}
"""What a row that goes by order comes to, for facts that have one: the machine's own comparison."""


def signs_for(kind: FieldType) -> tuple[str, ...]:
    """Return the operators that work on a type, in the order of the table."""
    return tuple(row.sign for row in OPERATORS.values() if kind in row.types)


def counting_signs() -> tuple[str, ...]:
    """Return the operators that compare how often something happened."""
    return tuple(sign for sign in signs_for(_N) if OPERATORS[sign].wants is Wants.VALUE)
