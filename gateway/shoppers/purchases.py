"""Take in purchases and returns, inside the writer's transaction, with a promise behind them or without.

A purchase is known by its id and stands in its highest version. Returns are cumulative: each says what remains, and of each line
the lowest that was ever said counts, so repetition and reordering don't matter. A purchase counts on the journey while anything of
it remains. Product groups are kept only while a live rule reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gateway.messages import Event, Purchase, PurchaseLine, PurchaseReturned, Refusal
from gateway.shoppers.facts import restage
from gateway.shoppers.profiles import DeclaredAttributes
from gateway.storage import Connection, consents, journey, purchases
from gateway.storage.purchases import PurchaseRecord

PURCHASED = "purchased"
NO_CONSENT = Refusal(
    path="data.shopper", code="no_consent", text="the shopper did not consent to the use of purchases; nothing was kept"
)


class Bought(NamedTuple):
    """What a message about a purchase changed for a shopper."""

    shopper: str
    at_s: float
    groups: frozenset[str] = frozenset()
    """Product groups of a purchase that is new."""
    new: bool = False


def take_purchase(connection: Connection, event: Event[Purchase], declared: DeclaredAttributes) -> Bought | Refusal:
    """Write a purchase down, or say why not."""
    data, at_s = event.data, event.time.timestamp()
    standing = consents.find(connection, data.shopper)
    if standing is None or "purchases" not in standing.purposes:
        return NO_CONSENT
    lines = {line.line: (line.group if declared.reads_groups else "", line.cents) for line in data.lines}
    if len(lines) < len(data.lines):
        return Refusal(path="data.lines", code="double_line", text="two lines have the same name; give each its own")
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


def take_return(connection: Connection, event: Event[PurchaseReturned]) -> Bought | Refusal:
    """Note what remains of a purchase; one of which nothing remains counts no more."""
    data = event.data
    before = purchases.find(connection, data.purchase)
    if before is None:
        return Refusal(path="data.purchase", code="unknown_purchase", text="no such purchase is known here; send it first")
    said = _cents(data.lines)
    unknown = sorted(said.keys() - before.lines.keys())
    if unknown:
        return Refusal(path="data.lines", code="unknown_line", text="the purchase has no such line; name lines as the purchase did")
    remains = {line: min(cents, said.get(line, 0)) for line, cents in before.remains.items()}
    purchases.put(connection, before._replace(remains=remains))
    if not any(remains.values()) and journey.take_back_event(connection, before.shopper, _key(before)):
        restage(connection, before.shopper, event.time.timestamp())
    return Bought(before.shopper, before.at_s)


def _conflict(before: PurchaseRecord | None, data: Purchase, lines: Mapping[str, tuple[str, int]]) -> Refusal | None:
    """Return a refusal for a purchase that contradicts the one of its id."""
    if before is None:
        return None
    if before.shopper != data.shopper:
        return Refusal(path="data.purchase", code="known_purchase", text="this id is another purchase's; give each its own")
    if before.version == data.version and _amounts(before.lines) != _amounts(lines):
        return Refusal(
            path="data.version", code="known_version", text="this version has other lines here; raise it with each change"
        )
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
