"""A rule book ready to decide with: immutable, indexed by event and zone, and able to say what it needs to know."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from rules.engine.evaluate import SHOP, FactsView
from rules.engine.rule import Rule, Trigger
from rules.format.document import Attention, Document, Offer, ShopFact
from rules.format.fields import BUILT_IN, Field, FieldType
from rules.format.schema_parts import Attribute
from rules.local_time import Local, is_open, within
from rules.situation import Situation, Value
from rules.texts import in_each, spoken


class Offered(NamedTuple):
    """A rule at one event and zone."""

    rule: Rule
    dwell_s: float
    """Before so long in the zone it can't match."""
    triggers: tuple[Trigger, ...]
    """The moments that can make it match there, where more is asked than having been there long enough."""


@dataclass(frozen=True, slots=True)
class Book:
    """A loaded, checked and compiled rule book."""

    document: Document
    hash: str
    """SHA-256 of the book's content: the same for YAML and JSON, however it is laid out."""
    rules: tuple[Rule, ...]
    zone: ZoneInfo
    fields: Mapping[str, Field]
    """Every field a condition may name: built in, declared attributes, shop facts."""
    readers: tuple[Field, ...]
    """The fields that some rule reads from the given facts."""
    engine_reads: frozenset[str]
    """The fields that some rule reads and the engine works out itself."""
    scopes: Mapping[str, tuple[str, ...]]
    index: Mapping[tuple[str, str | None], tuple[Offered, ...]]
    by_offer: Mapping[str, Rule]
    """In the book's order."""
    has_yielding: bool
    """Whether any offer ever gives way to another."""

    @property
    def id(self) -> str:
        """The book's name."""
        return self.document.book

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """Return what may be known of a shopper: type, values, label, purpose, freshness, supplier."""
        return self.document.attributes

    @property
    def shop_facts(self) -> Mapping[str, ShopFact]:
        """Return what the shop itself may set: weather, stock. About nobody."""
        return self.document.shop_facts

    @property
    def attention(self) -> Attention:
        """The token bucket's values: capacity, refill per day, what a dismissal costs, what engagement refills."""
        return self.document.attention

    def may_approach(self, at_s: float) -> bool:
        """Tell whether shoppers may be approached at a moment: the shop is open by the book's hours, and it is no quiet hour."""
        local, hours = Local(at_s, self.zone), self.document.hours
        return (hours is None or is_open(hours, local)) and not within(self.document.quiet, local.minute)

    def dwell_steps_s(self, zone: str) -> tuple[float, ...]:
        """The dwell times in seconds, rising, at which some offer waits in a zone."""
        triggers = [trigger for rule in self.rules for trigger in rule.triggers if trigger.event == "dwell"]
        return tuple(sorted({trigger.dwell_s for trigger in triggers if not trigger.zones or zone in trigger.zones}))

    def offered_at(self, event: str, zone: str | None) -> tuple[Offered, ...]:
        """The offers whose moment can match there; all others are passed by unseen."""
        found = self.index.get((event, zone))
        return found if found is not None else self.index.get((event, None), ())

    def view_of(self, situation: Situation, local: Local) -> FactsView:
        """The facts that may be used: of the declared type, in the domain, fresh, and with consent. The rest is unknown."""
        values: dict[str, object] = {}
        facts, times, purposes = situation.facts, situation.fact_times, situation.purposes
        for field in self.readers:
            given = facts.get(field.name)
            if given is None or (field.purpose is not None and field.purpose not in purposes):
                continue
            value = field.read(given)
            if value is None:
                continue
            if field.fresh_for_s is not None and not field.is_fresh(situation.at_s - times.get(field.name, 0.0)):
                continue
            values[field.name] = value
        for name in self.engine_reads:
            known = _worked_out(name, situation, local)
            if known is not None:
                values[name] = known
        return FactsView(situation.at_s, local.day, values, situation.history, self.scopes)


def _worked_out(name: str, situation: Situation, local: Local) -> Value | None:
    match name:
        case "time":
            return local.minute
        case "date":
            return local.day
        case "weekday":
            return local.weekday
        case "month":
            return local.moment.month
        case _:
            value: Value | None = getattr(situation, name)
            return value


def content_hash(data: object) -> str:
    """SHA-256 over canonical JSON."""
    written = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def assemble(data: object, book: Document, rules: tuple[Rule, ...], fields: Mapping[str, Field], zone: ZoneInfo) -> Book:
    """A book from its compiled rules."""
    read = {name: field for rule in rules for name, field in rule.reads().items()}
    read |= {rule.asks.attribute: fields[rule.asks.attribute] for rule in rules if rule.asks is not None}
    read["open"] = BUILT_IN["open"]
    engine = frozenset(name for name, field in read.items() if field.supplier == "engine")
    return Book(
        document=book,
        hash=content_hash(data),
        rules=rules,
        zone=zone,
        fields=fields,
        readers=tuple(read[name] for name in sorted(read) if name not in engine),
        engine_reads=engine,
        scopes={rule.id: _scopes(rule.offer) for rule in rules},
        index=_index(rules),
        by_offer={rule.id: rule for rule in rules},
        has_yielding=any(rule.yields_to for rule in rules),
    )


def _scopes(offer: Offer) -> tuple[str, ...]:
    category = (f"category/{offer.category}",) if offer.category else ()
    return (SHOP, *category, f"group/{offer.group}") if offer.group else (SHOP, *category)


def _index(rules: tuple[Rule, ...]) -> dict[tuple[str, str | None], tuple[Offered, ...]]:
    """For every event with every zone that is named, and with None for all others: who may match there, in the book's order."""
    zones: list[str | None] = [None, *sorted({zone for rule in rules for trigger in rule.triggers for zone in trigger.zones})]
    events = sorted({trigger.event for rule in rules for trigger in rule.triggers})
    index: dict[tuple[str, str | None], list[Offered]] = {(event, zone): [] for event in events for zone in zones}
    for rule in rules:
        places: dict[tuple[str, str | None], list[Trigger]] = {}
        for trigger in rule.triggers:
            for zone in trigger.zones or zones:
                places.setdefault((trigger.event, zone), []).append(trigger)
        for place, triggers in places.items():
            plain = len(triggers) == 1 and not triggers[0].returns and not triggers[0].of
            index[place].append(Offered(rule, min(trigger.dwell_s for trigger in triggers), () if plain else tuple(triggers)))
    return {place: tuple(offered) for place, offered in index.items()}


def field_of(name: str, declared: Attribute | ShopFact) -> Field:
    """The field that an attribute or a fact of the shop declares."""
    return Field(
        name=name,
        type=FieldType(declared.type),
        label=in_each(lambda language: spoken(declared.label, language)),
        supplier=declared.supplier if isinstance(declared, Attribute) else "shop",
        values=frozenset(declared.values) if declared.values else None,
        purpose=declared.purpose if isinstance(declared, Attribute) else None,
        fresh_for_s=declared.fresh_for,
    )
