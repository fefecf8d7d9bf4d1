"""The fields a condition may name: those every shop has, those a book declares, and what their values may be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from rules.format.dates import parse_fact_date
from rules.format.printing import is_blank
from rules.local_time import WEEKDAYS
from rules.situation import EVENTS, Value
from rules.texts import LANGUAGES, N_, Words, in_all

Supplier = Literal["backend", "shopper", "gateway", "shop", "engine"]
"""Who knows a field: the store app's backend, the shopper's own answer, this gateway, the shop's staff, the engine itself."""


class FieldType(StrEnum):
    """What a field's values are. As conditions compare them, a clock value is minutes since local midnight, a date days since the
    year 1; as a fact, a date is text: `2026-12-05`, or `--12-05` where the year isn't kept."""

    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    SET = "set"
    TEXT = "text"
    CLOCK = "clock"
    DATE = "date"


MOST_AHEAD_S = 600.0
"""Two clocks of a shop may differ by this much."""


LARGEST_NUMBER = 1e15
"""Beyond it a float can't count any more; what isn't a number at all isn't below it either."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, domain (None: any), the purpose it needs, and how fresh a datum must be."""

    name: str
    type: FieldType
    label: Words
    supplier: Supplier = "gateway"
    values: frozenset[str] | None = None
    purpose: str | None = None
    fresh_for_s: float | None = None
    least: float = -math.inf
    """A number below this is a mistake."""

    def is_fresh(self, age_s: float) -> bool:
        """True when a datum of that age still counts. One from the future doesn't: the clock that wrote it was wrong."""
        return self.fresh_for_s is None or -MOST_AHEAD_S <= age_s <= self.fresh_for_s

    def read(self, value: Value) -> object:
        """Return a fact as conditions compare it (of a date its ordinal or anniversary), or None where the field can't hold it."""
        if self.type is FieldType.DATE:
            return parse_fact_date(value)
        return value if self.admits(value) else None

    def admits(self, value: Value) -> bool:
        """True when a value is of this field's type and in its domain; anything else counts as unknown."""
        if self.type is FieldType.DATE:
            return parse_fact_date(value) is not None
        if self.type is FieldType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool) and self.least <= value <= LARGEST_NUMBER
        if self.type is FieldType.FLAG:
            return type(value) is bool
        if self.type is FieldType.SET:
            return isinstance(value, frozenset) and (self.values is None or value <= self.values)
        if self.type is FieldType.CLOCK:
            return type(value) is int
        return type(value) is str and not is_blank(value) and (self.values is None or value in self.values)


STAGES = ("new", "returning", "regular", "engaged", "fan", "ambassador")
INTENTS = ("goal-directed", "browsing")


def _field(name: str, kind: FieldType, label: str, supplier: Supplier = "gateway", *values: str) -> Field:
    return Field(name, kind, in_all(label), supplier, frozenset(values) or None)


_N, _C, _S, _F = FieldType.NUMBER, FieldType.CHOICE, FieldType.SET, FieldType.FLAG

BUILT_IN: Mapping[str, Field] = {
    field.name: field
    for field in (
        _field("event", _C, N_("what happened"), "engine", *EVENTS),
        _field("zone", FieldType.TEXT, N_("the zone now"), "engine"),
        _field("dwell_s", _N, N_("seconds in this zone"), "engine"),
        _field("language", _C, N_("the shopper's language"), "engine", *LANGUAGES),
        _field("attention", _N, N_("attention left (tokens)"), "engine"),
        _field("time", FieldType.CLOCK, N_("local time"), "engine"),
        _field("date", FieldType.DATE, N_("local date"), "engine"),
        _field("weekday", _C, N_("day of the week"), "engine", *WEEKDAYS),
        _field("month", _N, N_("month, 1 to 12"), "engine"),
        _field("open", _F, N_("the shop is open")),
        _field("stage", _C, N_("stage of the customer journey"), "gateway", *STAGES),
        _field("intent", _C, N_("intent of this visit"), "gateway", *INTENTS),
        _field("goal_directed", _N, N_("probability of a goal-directed visit, 0-1")),
        _field("confidence", _N, N_("confidence in the zone, 0-1")),
        _field("path", _S, N_("zones of this visit")),
        _field("entries", _N, N_("times in this zone during this visit")),
        _field("coverage", _N, N_("share of the shop seen, 0-1")),
        _field("visit_s", _N, N_("seconds since the visit began")),
        _field("visits", _N, N_("visits ever")),
        _field("visits_30d", _N, N_("visits in 30 days")),
        _field("visits_90d", _N, N_("visits in 90 days")),
        _field("days_since_visit", _N, N_("days since the visit before")),
        _field("purchase", _S, N_("just bought (categories)"), "backend"),
    )
}
"""Fields that every shop has. `engine` ones are worked out from the situation; the others are facts given with it."""

AFFINITY = "affinity"
"""`affinity("offer")` reads the fact `affinity.<offer>`: the backend's factor, 1 neutral, above it likes more."""


def affinity_field(offer: str) -> Field:
    """The field that holds the backend's affinity of a shopper for one offer."""
    label = in_all(N_("affinity for {offer}"), offer=offer)
    return Field(f"{AFFINITY}.{offer}", FieldType.NUMBER, label, "backend", purpose="offers", least=0.0)
