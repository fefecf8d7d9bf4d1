"""Everything about one shopper, over all rooms: to erase it, and to hand it over."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.storage import consents, decisions, happenings, identities, journey, outbox, profiles, promises, quarantine

ABOUT_SHOPPERS = (promises, happenings, outbox, quarantine, decisions, journey, profiles, identities, consents)
"""Each has `erase` and `export`. Promises first: what of them was never sent is released while the outbox still says so."""


def erase_all(connection: Connection, shopper: str) -> int:
    """Erase everything about a shopper; how many rows went or were made nameless."""
    return sum(room.erase(connection, shopper) for room in ABOUT_SHOPPERS)


def export_all(connection: Connection, shopper: str) -> dict[str, object]:
    """Everything that is held about a shopper."""
    held: dict[str, object] = {}
    for room in reversed(ABOUT_SHOPPERS):
        held |= room.export(connection, shopper)
    return held
