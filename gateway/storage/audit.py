"""Who did what, when: rows that nobody can change, kept for the period in the settings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, Float, Index, Integer, String, Table, insert, select

from gateway.storage.metadata import metadata

OBJECT_MAX = 128


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One deed. `deed` is a code with a sentence in the catalogue; `object` is what it was done to."""

    seq: int
    at_s: float
    who: str
    deed: str
    object: str


audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_s", Float, nullable=False),
    Column("who", String(64), nullable=False),
    Column("deed", String(48), nullable=False),
    Column("object", String(OBJECT_MAX), nullable=False),
    Index(None, "at_s"),
)


def note(connection: Connection, at_s: float, who: str, deed: str, object_: str = "") -> None:
    """Write down a deed, in the transaction of the deed itself: either both stand or neither."""
    connection.execute(insert(audit).values(at_s=at_s, who=who[:64], deed=deed, object=object_[:OBJECT_MAX]))


def page(
    connection: Connection, *, before: int | None = None, who: str | None = None, deed: str | None = None, limit: int = 50
) -> list[AuditRow]:
    """Return the newest rows, newest first; `before`: those older than a row's number."""
    rows = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        rows = rows.where(audit.c.seq < before)
    if who is not None:
        rows = rows.where(audit.c.who == who)
    if deed is not None:
        rows = rows.where(audit.c.deed == deed)
    return [AuditRow(row.seq, row.at_s, row.who, row.deed, row.object) for row in connection.execute(rows)]
