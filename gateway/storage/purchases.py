"""Purchases that tills and the app tell of, whether an offer led to them or not, and what remains of each after returns."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import JSON, BigInteger, Column, Connection, Float, Index, String, Table, delete, insert, select

from gateway.storage.metadata import metadata

purchases = Table(
    "purchases",
    metadata,
    Column("purchase", String(128), primary_key=True),
    Column("shopper", String(64), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("lines", JSON, nullable=False),  # line: [product group, "" where nothing reads it; cents]
    Column("remains", JSON, nullable=False),  # line: cents
    Index("ix_purchases_shopper", "shopper", "at_s"),
    Index("ix_purchases_at", "at_s"),
)


class PurchaseRecord(NamedTuple):
    """One purchase. `lines`: line to (product group, cents); `remains`: line to the cents that no return took back."""

    purchase: str
    shopper: str
    at_s: float
    version: int
    lines: dict[str, tuple[str, int]]
    remains: dict[str, int]


def find(connection: Connection, purchase: str) -> PurchaseRecord | None:
    """Return a purchase by its id."""
    row = connection.execute(select(purchases).where(purchases.c.purchase == purchase)).first()
    if row is None:
        return None
    lines = {line: (group, cents) for line, (group, cents) in row.lines.items()}
    return PurchaseRecord(row.purchase, row.shopper, row.at_s, row.version, lines, row.remains)


def put(connection: Connection, record: PurchaseRecord) -> None:
    """Write a purchase down, in place of an earlier state of it."""
    connection.execute(delete(purchases).where(purchases.c.purchase == record.purchase))
    connection.execute(insert(purchases), record._asdict())


def erase(connection: Connection, shopper: str) -> int:
    """Delete a shopper's purchases; rows gone."""
    return connection.execute(delete(purchases).where(purchases.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """Return all that is kept here about a shopper."""
    rows = select(purchases).where(purchases.c.shopper == shopper).order_by(purchases.c.at_s)
    return {"purchases": [dict(row) for row in connection.execute(rows).mappings()]}
