"""Profiles: values of declared attributes and affinities, each with its moment, its supplier and, for an answer, its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import JSON, BigInteger, Column, Connection, Float, Index, String, Table, delete, func, insert, select

from gateway.storage.metadata import metadata

Json = str | float | int | bool | list[str]
"""A value of an attribute as it is kept, and as messages bring it."""

profile_values = Table(
    "profile_values",
    metadata,
    Column("shopper", String(64), primary_key=True),
    Column("field", String(80), primary_key=True),
    Column("supplier", String(8), primary_key=True),  # backend, or the shopper's own answer
    Column("value", JSON, nullable=False),
    Column("at_s", Float, nullable=False),
    Column("ends_at_s", Float),
    Index("ix_profile_values_field", "field"),
    Index("ix_profile_values_at", "at_s"),
)

profile_versions = Table(
    "profile_versions",
    metadata,
    Column("shopper", String(64), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("at_s", Float, nullable=False),
)
"""The version of the backend's latest profile of each shopper: an older one that comes late changes nothing."""


class ProfileValue(NamedTuple):
    """One value of a shopper's profile: a row of `profile_values`."""

    field: str
    supplier: str
    value: Json
    at_s: float
    ends_at_s: float | None


_VALUE_COLUMNS = [profile_values.c[name] for name in ProfileValue._fields]


def values(connection: Connection, shopper: str) -> list[ProfileValue]:
    """Return all that is kept of a shopper's profile."""
    rows = select(*_VALUE_COLUMNS).where(profile_values.c.shopper == shopper)
    found = connection.execute(rows.order_by(profile_values.c.field, profile_values.c.supplier))
    return [ProfileValue(*row) for row in found]


def version(connection: Connection, shopper: str) -> int:
    """The version of the backend's latest profile; 0 before the first."""
    found = connection.execute(select(profile_versions.c.version).where(profile_versions.c.shopper == shopper)).scalar()
    return int(found or 0)


def replace(connection: Connection, shopper: str, version_: int, at_s: float, kept: Mapping[str, object]) -> None:
    """Let these be the backend's values; what an earlier profile said and this one doesn't is gone."""
    gone = (profile_values.c.shopper == shopper, profile_values.c.supplier == "backend")
    connection.execute(delete(profile_values).where(*gone))
    rows = [
        {"shopper": shopper, "field": field, "supplier": "backend", "value": value, "at_s": at_s, "ends_at_s": None}
        for field, value in kept.items()
    ]
    if rows:
        connection.execute(insert(profile_values), rows)
    connection.execute(delete(profile_versions).where(profile_versions.c.shopper == shopper))
    connection.execute(insert(profile_versions), {"shopper": shopper, "version": version_, "at_s": at_s})


def answer(connection: Connection, shopper: str, field: str, value: object, at_s: float, ends_at_s: float) -> bool:
    """Keep a shopper's own answer until its end; False: a later answer is there already."""
    mine = (profile_values.c.shopper == shopper, profile_values.c.field == field, profile_values.c.supplier == "shopper")
    latest = connection.execute(select(profile_values.c.at_s).where(*mine)).scalar()
    if latest is not None and latest > at_s:
        return False
    connection.execute(delete(profile_values).where(*mine))
    row = {"shopper": shopper, "field": field, "supplier": "shopper", "value": value, "at_s": at_s, "ends_at_s": ends_at_s}
    connection.execute(insert(profile_values), row)
    return True


def fields(connection: Connection) -> dict[tuple[str, str], int]:
    """(field, supplier) to how many shoppers have a value."""
    table = profile_values.c
    rows = connection.execute(select(table.field, table.supplier, func.count()).group_by(table.field, table.supplier))
    return {(field, supplier): count for field, supplier, count in rows}


def delete_fields(connection: Connection, gone: Iterable[str]) -> int:
    """Delete everyone's values of these fields."""
    return sum(connection.execute(delete(profile_values).where(profile_values.c.field == field)).rowcount for field in gone)


def keep_only(connection: Connection, shopper: str, kept: Collection[str]) -> int:
    """Delete a shopper's values of all other fields."""
    gone = [row.field for row in values(connection, shopper) if row.field not in kept]
    mine = profile_values.c.shopper == shopper
    return sum(
        connection.execute(delete(profile_values).where(mine, profile_values.c.field == field)).rowcount for field in set(gone)
    )


def erase(connection: Connection, shopper: str) -> int:
    """Delete all that is kept here about a shopper."""
    gone = connection.execute(delete(profile_values).where(profile_values.c.shopper == shopper)).rowcount
    return gone + connection.execute(delete(profile_versions).where(profile_versions.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""
    return {"profile": [value._asdict() for value in values(connection, shopper)]}
