"""What the shop's staff said of the shop itself, one row a fact. Nothing in here is about a shopper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import JSON, Column, Connection, Float, String, Table, delete, insert, select, update

from gateway.storage.metadata import metadata

shop_facts = Table(
    "shop_facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", JSON, nullable=False),  # a set is a list
    Column("set_at_s", Float, nullable=False),
    Column("set_by", String(64), nullable=False),
)


class FactRecord(NamedTuple):
    """One fact, who said it, and when."""

    name: str
    value: bool | int | float | str | list[str]
    set_at_s: float
    set_by: str


def every(connection: Connection) -> Sequence[FactRecord]:
    """All facts, by name."""
    return [FactRecord._make(row) for row in connection.execute(select(shop_facts).order_by(shop_facts.c.name))]


def put(connection: Connection, fact: FactRecord) -> None:
    """Write a fact down, in the place of what was said of it before."""
    said = fact._asdict()
    if connection.execute(update(shop_facts).where(shop_facts.c.name == fact.name).values(**said)).rowcount == 0:
        connection.execute(insert(shop_facts), said)


def drop(connection: Connection, name: str) -> bool:
    """Say no more of a fact; False: nothing was said."""
    return connection.execute(delete(shop_facts).where(shop_facts.c.name == name)).rowcount > 0
