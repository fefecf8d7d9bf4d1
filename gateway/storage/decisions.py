"""The log of decisions: what went in, what came out, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypedDict

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    String,
    Table,
    delete,
    insert,
    select,
)

from gateway.storage.metadata import metadata
from gateway.storage.packed import SITUATIONS, HashText, IdText, PackedJson
from gateway.storage.prepared import Prepared
from gateway.storage.slices import delete_slice

decisions = Table(
    "decisions",
    metadata,
    Column("id", IdText(36), primary_key=True),  # of UUID version 7, so in the order of time
    Column("at_s", Float, nullable=False),
    Column("shopper", String(64), nullable=False),
    Column("event", String(16), nullable=False),
    Column("zone", String(64)),
    Column("visit", String(64), nullable=False),
    Column("book", HashText(64), nullable=False),
    Column("inputs_hash", HashText(64), nullable=False),
    Column("inputs", PackedJson(SITUATIONS), nullable=False),
    Column("test_group", String(12), nullable=False),
    Column("outcome", PackedJson, nullable=False),
    Index("ix_decisions_shopper", "shopper"),
)
"""One row for each decision for which at least one offer's moment had come; the many others would drown it."""


class OfferSummary(TypedDict):
    """An offer that was chosen, or would have been."""

    offer: str
    kind: str
    score: float
    propensity: float


class OutcomeRecord(TypedDict):
    """What came out of a decision, and what the ledger made of it."""

    chosen: list[OfferSummary]
    ghosts: list[OfferSummary]
    stopped: dict[str, list[str]]
    """Gate to the offers it stopped."""
    promises: dict[str, str]
    """Offer to its promise."""
    refused: dict[str, str]
    """Offer to the cap that was in the way."""


class DecisionRecord(NamedTuple):
    """One logged decision: what went in (`inputs`) and what came out (`outcome`), as the rules write them as plain data."""

    id: str
    at_s: float
    shopper: str
    event: str
    zone: str | None
    visit: str
    book: str
    inputs_hash: str
    inputs: Mapping[str, object]
    test_group: str
    outcome: OutcomeRecord


_LOG = Prepared(insert(decisions), decisions.c.keys())


def log(connection: Connection, decision: DecisionRecord) -> None:
    """Write a decision down."""
    _LOG.run(connection, decision._asdict())


def find(connection: Connection, decision: str) -> DecisionRecord | None:
    """A logged decision by its id."""
    row = connection.execute(select(decisions).where(decisions.c.id == decision)).first()
    return None if row is None else DecisionRecord._make(row)


def since(connection: Connection, from_s: float, batch: int = 500) -> Iterator[DecisionRecord]:
    """The logged decisions from a moment on, oldest first, read in batches."""
    after = _before_all(from_s)
    while True:
        later = (decisions.c.id > after) & (decisions.c.at_s >= from_s)
        rows = connection.execute(select(decisions).where(later).order_by(decisions.c.id).limit(batch)).all()
        yield from map(DecisionRecord._make, rows)
        if len(rows) < batch:
            return
        after = rows[-1].id


def page(
    connection: Connection, *, before: str | None = None, shopper: str | None = None, limit: int = 50
) -> Sequence[DecisionRecord]:
    """Logged decisions, newest first, from before an id on."""
    rows = select(decisions).order_by(decisions.c.id.desc()).limit(limit)
    if before is not None:
        rows = rows.where(decisions.c.id < before)
    if shopper is not None:
        rows = rows.where(decisions.c.shopper == shopper)
    return [DecisionRecord._make(row) for row in connection.execute(rows)]


def purge(connection: Connection, before_s: float) -> int:
    """Delete a slice of what was decided before a moment; how many."""
    return delete_slice(connection, decisions.c.id, decisions.c.id < _before_all(before_s))


def _before_all(at_s: float) -> str:
    """An id before those of all decisions from a moment on: a UUID of version 7 begins with its milliseconds."""
    milliseconds = f"{max(0, int(at_s * 1000)):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-000000000000"


def erase(connection: Connection, shopper: str) -> int:
    """Delete every decision about a shopper."""
    return connection.execute(delete(decisions).where(decisions.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """Every decision about a shopper, without the packed inputs: those are the facts exported elsewhere."""
    shown = [column for column in decisions.c if column.name not in ("inputs", "shopper")]
    rows = connection.execute(select(*shown).where(decisions.c.shopper == shopper).order_by(decisions.c.at_s)).mappings()
    return {"decisions": [dict(row) for row in rows]}
