"""Messages that the broker will not take, set aside so that they hold up no others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Float, Select, String, Table, Text, delete, insert, select

from gateway.storage import outbox
from gateway.storage.metadata import metadata
from gateway.storage.outbox import OutboxRecord

KEPT_S = 30 * 86_400.0
"""How long a quarantined message stays for a person to look at, after it has expired."""

quarantine = Table(
    "outbox_quarantine",
    metadata,
    Column("event_id", String(128), primary_key=True),
    Column("topic", String(128), nullable=False),
    Column("shopper", String(64)),
    Column("at_s", Float(53), nullable=False),
    Column("expires_at_s", Float(53)),
    Column("urgent", Boolean(create_constraint=False), nullable=False),
    Column("quarantined_at_s", Float(53), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("body", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One message that was set aside, and why."""

    event_id: str
    topic: str
    at_s: float
    expires_at_s: float | None
    quarantined_at_s: float
    reason: str


def set_aside(connection: Connection, event_id: str, reason: str, at_s: float) -> None:
    """Move a message that the broker will not take out of the queue, with the reason for whoever looks."""
    row = connection.execute(_message(outbox.outbox).where(outbox.outbox.c.event_id == event_id)).first()
    if row is None:
        return
    values = OutboxRecord(*row)._asdict() | {"quarantined_at_s": at_s, "reason": reason[:200]}
    outbox.remove(connection, [event_id])
    connection.execute(insert(quarantine).values(values))


def quarantined(connection: Connection, limit: int = 100) -> list[Quarantined]:
    """Return what was set aside, newest first."""
    names = [quarantine.c[name] for name in Quarantined.__slots__]
    rows = connection.execute(select(*names).order_by(quarantine.c.quarantined_at_s.desc()).limit(limit))
    return [Quarantined(*row) for row in rows]


def retry(connection: Connection, event_id: str | None = None) -> int:
    """Put a quarantined message (None: all of them) back at the end of the queue; how many. Handed once, it stays handed."""
    chosen = _message(quarantine).add_columns(quarantine.c.quarantined_at_s).order_by(quarantine.c.at_s)
    if event_id is not None:
        chosen = chosen.where(quarantine.c.event_id == event_id)
    rows = connection.execute(chosen).all()
    for *message, quarantined_at_s in rows:
        back = OutboxRecord(*message)
        outbox.add(connection, back, handed_at_s=quarantined_at_s)
        connection.execute(delete(quarantine).where(quarantine.c.event_id == back.event_id))
    return len(rows)


def purge(connection: Connection, at_s: float) -> int:
    """Delete what ended long ago; rows gone."""
    return connection.execute(delete(quarantine).where(quarantine.c.expires_at_s <= at_s - KEPT_S)).rowcount


def erase(connection: Connection, shopper: str) -> int:
    """Delete what is about a shopper; rows gone."""
    return connection.execute(delete(quarantine).where(quarantine.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """Return what was set aside of what was meant for `shopper`."""
    return {"quarantined": list(connection.execute(select(quarantine.c.body).where(quarantine.c.shopper == shopper)).scalars())}


def _message(table: Table) -> Select[Any]:
    """The columns of a message, in the order of OutboxRecord."""
    return select(*(table.c[name] for name in OutboxRecord._fields))
