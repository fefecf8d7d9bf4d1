"""Everything about one shopper, over all rooms: to erase it, and to hand it over."""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.storage import (
    caps,
    consents,
    decisions,
    happenings,
    identities,
    journey,
    outbox,
    pending_rewards,
    profiles,
    promises,
    purchases,
    quarantine,
)

ABOUT_SHOPPERS = (
    promises,
    caps,
    happenings,
    pending_rewards,
    outbox,
    quarantine,
    decisions,
    journey,
    purchases,
    profiles,
    identities,
    consents,
)
"""Each has `erase` and `export`. Promises first: what of them was never sent is released while the outbox still says so."""


def erase_all(connection: Connection, shopper: str, digest: bytes, at_s: float) -> int:
    """Erase everything about a shopper; how many rows went or were made nameless.

    Under `digest`, which stands for them in the proof, stays what they had used of their own caps on offers with a worth.
    """
    rows: int = promises.erase(connection, shopper)  # first: it gives back what was never sent
    caps.keep_uses(connection, shopper, digest, at_s)
    for room in ABOUT_SHOPPERS[1:]:
        rows += room.erase(connection, shopper)
    return rows


def export_all(connection: Connection, shopper: str) -> dict[str, object]:
    """Everything that is held about a shopper."""
    held: dict[str, object] = {}
    for room in reversed(ABOUT_SHOPPERS):
        held |= room.export(connection, shopper)
    return held
