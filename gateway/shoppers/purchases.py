"""Take in purchases and returns, inside the writer's transaction, with a promise behind them or without.

A purchase is known by its id and stands in its highest version. Returns are cumulative: each says what remains, and of each line
the lowest that was ever said counts, so repetition and reordering don't matter. A purchase counts on the journey while anything of
it remains. Product groups are kept only while a live rule reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.messages import Event, Purchase, PurchaseLine, PurchaseReturned
from gateway.objections import Objection
from gateway.shoppers.facts import restage
from gateway.shoppers.profiles import DeclaredAttributes
from gateway.storage import Connection, consents, journey, purchases
from gateway.storage.purchases import PurchaseRecord
from rules.texts import N_

PURCHASED = "purchased"
NO_CONSENT = Objection("data.shopper", "no_consent", N_("the shopper did not consent to the use of purchases; nothing was kept"))


class Bought(NamedTuple):
    """What a message about a purchase changed for a shopper."""

    shopper: str
    at_s: float
    groups: frozenset[str] = frozenset()
    """Product groups of a purchase that is new."""
    new: bool = False


def take_purchase(connection: Connection, event: Event[Purchase], declared: DeclaredAttributes) -> Bought | Objection:
    """Write a purchase down, or say why not."""
    data, at_s = event.data, event.time.timestamp()
    standing = consents.find(connection, data.shopper)
    if standing is None or "purchases" not in standing.purposes:
        return NO_CONSENT
    lines = {line.line: (line.group if declared.reads_groups else "", line.cents) for line in data.lines}
    if len(lines) < len(data.lines):
        return Objection("data.lines", "double_line", N_("two lines have the same name; give each its own"))
    before = purchases.find(connection, data.purchase)
    fault = _conflict(before, data, lines)
    if fault is not None:
        return fault
    if before is not None and before.version >= data.version:
        return Bought(data.shopper, before.at_s)
    known = {} if before is None else before.remains
    remains = {line: min(cents, known.get(line, cents)) for line, (_group, cents) in lines.items()}
    record = PurchaseRecord(data.purchase, data.shopper, at_s if before is None else before.at_s, data.version, lines, remains)
    purchases.put(connection, record)
    if before is not None:
        return Bought(data.shopper, before.at_s)
    if "recognise" in standing.purposes and journey.add_event(connection, data.shopper, _key(record), PURCHASED, at_s):
        restage(connection, data.shopper, at_s)
    return Bought(data.shopper, at_s, frozenset(line.group for line in data.lines), new=True)


def take_return(connection: Connection, event: Event[PurchaseReturned]) -> Bought | Objection:
    """Note what remains of a purchase; one of which nothing remains counts no more."""
    data = event.data
    before = purchases.find(connection, data.purchase)
    if before is None:
        return Objection("data.purchase", "unknown_purchase", N_("no such purchase is known here; send it first"))
    said = _cents(data.lines)
    unknown = sorted(said.keys() - before.lines.keys())
    if unknown:
        return Objection("data.lines", "unknown_line", N_("the purchase has no such line; name lines as the purchase did"))
    remains = {line: min(cents, said.get(line, 0)) for line, cents in before.remains.items()}
    purchases.put(connection, before._replace(remains=remains))
    if not any(remains.values()) and journey.take_back_event(connection, before.shopper, _key(before)):
        restage(connection, before.shopper, event.time.timestamp())
    return Bought(before.shopper, before.at_s)


def _conflict(before: PurchaseRecord | None, data: Purchase, lines: Mapping[str, tuple[str, int]]) -> Objection | None:
    """Return a refusal for a purchase that contradicts the one of its id."""
    if before is None:
        return None
    if before.shopper != data.shopper:
        return Objection("data.purchase", "known_purchase", N_("this id is another purchase's; give each its own"))
    if before.version == data.version and _amounts(before.lines) != _amounts(lines):
        return Objection("data.version", "known_version", N_("this version has other lines here; raise it with each change"))
    return None


def _amounts(lines: Mapping[str, tuple[str, int]]) -> dict[str, int]:
    return {line: cents for line, (_group, cents) in lines.items()}


def _cents(lines: Sequence[PurchaseLine]) -> dict[str, int]:
    """Return line to cents; of a line that is named twice the lower counts."""
    least: dict[str, int] = {}
    for line in lines:
        least[line.line] = min(line.cents, least.get(line.line, line.cents))
    return least


def _key(record: PurchaseRecord) -> str:
    return f"purchase/{record.purchase}"
