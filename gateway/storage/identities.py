"""Identities: how each shopper's phone or tag is recognised. Keys stay in here and in memory: no export names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Column, Connection, Index, LargeBinary, String, Table, delete, insert, select

from gateway.storage.metadata import metadata

identities = Table(
    "identities",
    metadata,
    Column("shopper", String(64), primary_key=True),
    Column("uuid", LargeBinary(16), nullable=False),
    Column("major_minor", LargeBinary(4)),  # static ids; None: rotating
    Column("key", LargeBinary(16)),  # rotating ids; None: static
    Index("ix_identities_static", "uuid", "major_minor"),
)


class IdentityRecord(NamedTuple):
    """How one shopper is recognised: by `major_minor` (static) or by `key` (rotating)."""

    shopper: str
    uuid: bytes
    major_minor: bytes | None
    key: bytes | None


READ_AT_ONCE = 5_000
"""Rows fetched at a time at the start: a few hundred kB."""


def put(connection: Connection, shopper: str, uuid: bytes, major_minor: bytes | None, key: bytes | None) -> None:
    """Recognise a shopper by this and by nothing else."""
    erase(connection, shopper)
    connection.execute(insert(identities), {"shopper": shopper, "uuid": uuid, "major_minor": major_minor, "key": key})


def all_rows(connection: Connection) -> Iterator[IdentityRecord]:
    """Read how everyone is recognised."""
    columns = select(identities.c.shopper, identities.c.uuid, identities.c.major_minor, identities.c.key)
    return map(IdentityRecord._make, connection.execution_options(yield_per=READ_AT_ONCE).execute(columns))


def key_of(connection: Connection, shopper: str) -> bytes | None:
    """The key of a shopper with a rotating id."""
    return connection.execute(select(identities.c.key).where(identities.c.shopper == shopper)).scalar()


def owners(connection: Connection, uuid: bytes, major_minor: bytes) -> int:
    """Return how many shoppers a static id fits; more than one makes it nobody's."""
    fits = (identities.c.uuid == uuid, identities.c.major_minor == major_minor)
    return len(connection.execute(select(identities.c.shopper).where(*fits).limit(2)).all())


def erase(connection: Connection, shopper: str) -> int:
    """Forget how a shopper is recognised."""
    return connection.execute(delete(identities).where(identities.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper but the key, which would let its reader pass for them."""
    row = connection.execute(select(identities).where(identities.c.shopper == shopper)).first()
    if row is None:
        return {"identity": None}
    if row.major_minor is None:
        return {"identity": {"rotating": {"uuid": row.uuid.hex(), "key": "held, not shown"}}}
    major, minor = int.from_bytes(row.major_minor[:2], "big"), int.from_bytes(row.major_minor[2:], "big")
    return {"identity": {"beacon": {"uuid": row.uuid.hex(), "major": major, "minor": minor}}}
