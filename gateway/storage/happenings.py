"""What came of promises: receipts, redemptions, ghosts; and receipts that fit no promise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
)

from gateway.storage.metadata import metadata
from gateway.storage.packed import IdText
from gateway.storage.slices import delete_slice

happenings = Table(
    "happenings",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("promise", IdText(36)),
    Column("event_id", String(128), nullable=False),
    Column("shopper", String(64)),
    Column("offer", String(64), nullable=False),
    Column("visit", String(64), nullable=False),
    Column("what", String(12), nullable=False),
    Column("at_s", Float, nullable=False),
    UniqueConstraint("promise", "what", "event_id"),
    Index("ix_happenings_shopper", "shopper", "at_s"),
    Index("ix_happenings_at", "at_s"),
)
"""Receipts, redemptions, and what was announced to a control group's shopper as a ghost (no promise)."""

unmatched_receipts = Table(
    "unmatched_receipts",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("event_id", String(128), nullable=False),
    Column("promise", String(128), nullable=False),
    Column("what", String(12), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("at_s", Float, nullable=False),
    Index("ix_unmatched_receipts_at", "at_s"),
)
"""Receipts that fit no promise: kept for the report."""

_SAME = select(happenings.c.seq).where(
    happenings.c.promise == bindparam("b_promise"),
    happenings.c.what == bindparam("b_what"),
    happenings.c.event_id == bindparam("b_event_id"),
)


class HappeningRecord(NamedTuple):
    """One thing that happened with an offer to a shopper. `promise` None: a ghost's announcement."""

    promise: str | None
    event_id: str
    shopper: str | None
    offer: str
    visit: str
    what: str
    at_s: float


class UnmatchedRecord(NamedTuple):
    """A receipt that fits no promise, and why."""

    event_id: str
    promise: str
    what: str
    reason: str
    at_s: float


def note(connection: Connection, happening: HappeningRecord) -> bool:
    """Note a happening once; False: this one was noted before."""
    same = {"b_promise": happening.promise, "b_what": happening.what, "b_event_id": happening.event_id}
    if happening.promise is not None and connection.execute(_SAME, same).first() is not None:
        return False
    connection.execute(insert(happenings), happening._asdict())
    return True


def take_back(connection: Connection, promise: str, what: str, event_id: str | None = None) -> list[HappeningRecord]:
    """Delete what happened to a promise, of one kind (and one event): it was undone. Return what it was."""
    columns = (happenings.c[name] for name in HappeningRecord._fields)
    which = [happenings.c.promise == promise, happenings.c.what == what]
    if event_id is not None:
        which.append(happenings.c.event_id == event_id)
    undone = [HappeningRecord._make(row) for row in connection.execute(select(*columns).where(*which))]
    connection.execute(delete(happenings).where(*which))
    return undone


def note_unmatched(connection: Connection, receipt: UnmatchedRecord) -> None:
    """Keep a receipt that fits no promise."""
    connection.execute(insert(unmatched_receipts), receipt._asdict())


def latest_unmatched(connection: Connection, limit: int = 50) -> Sequence[UnmatchedRecord]:
    """Receipts that fit no promise, the latest to come first."""
    columns = (unmatched_receipts.c[name] for name in UnmatchedRecord._fields)
    rows = connection.execute(select(*columns).order_by(unmatched_receipts.c.seq.desc()).limit(limit))
    return [UnmatchedRecord._make(row) for row in rows]


def purge(connection: Connection, before_s: float) -> int:
    """Delete a slice of the happenings, and one of the unmatched receipts, from before a moment; how many."""
    gone = delete_slice(connection, happenings.c.seq, happenings.c.at_s < before_s)
    return gone + delete_slice(connection, unmatched_receipts.c.seq, unmatched_receipts.c.at_s < before_s)


def erase(connection: Connection, shopper: str, what: str | None = None) -> int:
    """Delete what happened with a shopper's offers, of one kind or all; rows gone."""
    mine = delete(happenings).where(happenings.c.shopper == shopper)
    return connection.execute(mine if what is None else mine.where(happenings.c.what == what)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""
    shown = (happenings.c.promise, happenings.c.offer, happenings.c.what, happenings.c.at_s, happenings.c.visit)
    rows = select(*shown).where(happenings.c.shopper == shopper).order_by(happenings.c.at_s)
    return {"happenings": [dict(row) for row in connection.execute(rows).mappings()]}
