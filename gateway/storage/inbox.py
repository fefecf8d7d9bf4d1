"""Which messages have been taken already, and how far `sync` has come.

A message is known by a hash of its reader, source and id: enough to recognise a repetition, and nothing about anyone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Float, Index, LargeBinary, String, Table, delete, insert, select, update

from gateway.storage.metadata import metadata

seen = Table(
    "inbox_seen",
    metadata,
    Column("key", LargeBinary(16), primary_key=True),
    Column("at_s", Float(53), nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_inbox_seen_at_s", seen.c.at_s)

sync_state = Table(
    "inbox_sync",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("state", String(8), nullable=False),  # asked, done
    Column("cursor", String(256)),
    Column("asked_at_s", Float(53), nullable=False),
)


@dataclass(frozen=True, slots=True)
class Sync:
    """How far the backend's answer to "everything again" has come."""

    done: bool
    cursor: str | None
    asked_at_s: float


def key_of(gateway: str, source: str, event_id: str) -> bytes:
    """16 bytes that stand for a message at a gateway: each of several on one database takes it, for it has a memory to fill."""
    return hashlib.sha256(f"{gateway}\0{source}\0{event_id}".encode()).digest()[:16]


def is_seen(connection: Connection, key: bytes) -> bool:
    """Return whether a message was taken before."""
    return connection.execute(select(seen.c.at_s).where(seen.c.key == key)).first() is not None


def mark_seen(connection: Connection, key: bytes, at_s: float) -> None:
    """Remember a message that has been taken."""
    connection.execute(insert(seen).values(key=key, at_s=at_s))


def prune(connection: Connection, before_s: float) -> int:
    """Forget messages taken before `before_s`; how many."""
    return connection.execute(delete(seen).where(seen.c.at_s < before_s)).rowcount


def sync_of(connection: Connection, gateway: str) -> Sync | None:
    """The state of the synchronisation; None when this database has never had one."""
    row = connection.execute(select(sync_state).where(sync_state.c.gateway == gateway)).first()
    return None if row is None else Sync(row.state == "done", row.cursor, row.asked_at_s)


def set_sync(connection: Connection, gateway: str, sync: Sync) -> None:
    """Remember how far the synchronisation has come."""
    values = {"state": "done" if sync.done else "asked", "cursor": sync.cursor, "asked_at_s": sync.asked_at_s}
    if connection.execute(update(sync_state).where(sync_state.c.gateway == gateway).values(values)).rowcount == 0:
        connection.execute(insert(sync_state).values(gateway=gateway, **values))
