"""The log of decisions: what went in, what came out, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    Index,
    LargeBinary,
    Row,
    String,
    Table,
    delete,
    insert,
    select,
)

from gateway.storage.metadata import metadata
from gateway.storage.packed import PackedJson
from gateway.storage.prepared import Prepared

decisions = Table(
    "decisions",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("at_s", Float, nullable=False),
    Column("shopper", String(64), nullable=False),
    Column("event", String(16), nullable=False),
    Column("zone", String(64)),
    Column("visit", String(64), nullable=False),
    Column("book", String(64), nullable=False),
    Column("inputs_hash", String(64), nullable=False),
    Column("inputs", LargeBinary, nullable=False),
    Column("test_group", String(12), nullable=False),
    Column("outcome", PackedJson, nullable=False),
    Index("ix_decisions_shopper", "shopper"),
    Index("ix_decisions_at", "at_s"),
)
"""One row for each decision for which at least one offer's moment had come; the many others would drown it."""
_LOG = Prepared(insert(decisions), decisions.c.keys())


def log(connection: Connection, row: dict[str, Any]) -> None:
    """Write a decision down."""
    _LOG.run(connection, row)


def find(connection: Connection, decision: str) -> Row[Any] | None:
    """A logged decision by its id."""
    return connection.execute(select(decisions).where(decisions.c.id == decision)).first()


def since(connection: Connection, from_s: float, batch: int = 500) -> Iterator[Row[Any]]:
    """The logged decisions from a moment on, oldest first, read in batches."""
    place = (from_s, "")
    while True:
        later = (decisions.c.at_s > place[0]) | ((decisions.c.at_s == place[0]) & (decisions.c.id > place[1]))
        rows = connection.execute(select(decisions).where(later).order_by(decisions.c.at_s, decisions.c.id).limit(batch)).all()
        yield from rows
        if len(rows) < batch:
            return
        place = (rows[-1].at_s, rows[-1].id)


def page(connection: Connection, *, before: str | None = None, shopper: str | None = None, limit: int = 50) -> Sequence[Row[Any]]:
    """Logged decisions, newest first, from before an id on."""
    rows = select(decisions).order_by(decisions.c.id.desc()).limit(limit)
    if before is not None:
        rows = rows.where(decisions.c.id < before)
    if shopper is not None:
        rows = rows.where(decisions.c.shopper == shopper)
    return connection.execute(rows).all()


def purge(connection: Connection, before_s: float) -> int:
    """Delete what was decided before a moment."""
    return connection.execute(delete(decisions).where(decisions.c.at_s < before_s)).rowcount


def erase(connection: Connection, shopper: str) -> int:
    """Delete every decision about a shopper."""
    return connection.execute(delete(decisions).where(decisions.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """Every decision about a shopper, without the packed inputs: those are the facts exported elsewhere."""
    shown = [column for column in decisions.c if column.name not in ("inputs", "shopper")]
    rows = connection.execute(select(*shown).where(decisions.c.shopper == shopper).order_by(decisions.c.at_s)).mappings()
    return {"decisions": [dict(row) for row in rows]}
