"""Consents: what each shopper decided, how it came about, and proofs of erasure that name nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    RowMapping,
    String,
    Table,
    delete,
    false,
    func,
    insert,
    select,
    update,
)

from gateway.storage.metadata import metadata

consents = Table(
    "consents",
    metadata,
    Column("shopper", String(64), primary_key=True),
    Column("record", String(36), nullable=False),
    Column("decided_at_s", Float, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("purposes", String(64), nullable=False),  # a word each, sorted, with a space between
    Column("given_at", JSON, nullable=False),  # purpose: the latest moment it was given
    Column("withdrawn_at_s", Float),  # the latest total withdrawal before this decision
    Column("language", String(2), nullable=False),
    Column("text", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("recorded_at_s", Float, nullable=False),
    Column("ahead", Boolean, nullable=False, server_default=false()),  # counts from its receipt
    Column("measure_left", Boolean, nullable=False, server_default=false()),  # `measure` was given once and taken back
)
"""The standing decision of each shopper: one row."""

consent_events = Table(
    "consent_events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("shopper", String(64), nullable=False),
    Column("decided_at_s", Float, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("purposes", String(64), nullable=False),
    Column("language", String(2), nullable=False),
    Column("text", String(64), nullable=False),
    Column("channel", String(64), nullable=False),
    Column("recorded_at_s", Float, nullable=False),
    Index("ix_consent_events_shopper", "shopper", "decided_at_s"),
    Index("ix_consent_events_recorded", "recorded_at_s"),
)
"""Every decision that was heard, standing or overtaken: how the record came about."""

erasures = Table(
    "erasures",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("digest", LargeBinary(32)),  # keyed hash; the key is in the keys file, so nothing here can be turned back into a shopper
    Column("decided_at_s", Float, nullable=False),
    Column("erased_at_s", Float, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("version", BigInteger, nullable=False, server_default="0"),  # of the withdrawal, and whether it counts from its receipt
    Column("ahead", Boolean, nullable=False, server_default=false()),
    Index("ix_erasures_digest", "digest"),
    Index("ix_erasures_erased", "erased_at_s"),
)
"""Proof that an erasure happened. The digest keeps a late message or an old backup from bringing anyone back."""


class ConsentRecord(NamedTuple):
    """The standing decision of a shopper: a row of `consents`, in its order of columns."""

    shopper: str
    record: str
    decided_at_s: float
    version: int
    purposes: frozenset[str]
    given_at: Mapping[str, float]
    withdrawn_at_s: float | None
    language: str
    text: str
    channel: str
    recorded_at_s: float
    ahead: bool = False
    measure_left: bool = False


class ConsentEvent(NamedTuple):
    """A decision that was heard: a row of `consent_events`, in its order of columns."""

    shopper: str
    decided_at_s: float
    version: int
    purposes: frozenset[str]
    language: str
    text: str
    channel: str
    recorded_at_s: float


_EVENT_COLUMNS = [consent_events.c[name] for name in ConsentEvent._fields]


def find(connection: Connection, shopper: str) -> ConsentRecord | None:
    """The standing decision of a shopper."""
    row = connection.execute(select(consents).where(consents.c.shopper == shopper)).mappings().first()
    return None if row is None else ConsentRecord(**_fields(row))


def allows(connection: Connection, shopper: str, purpose: str) -> bool:
    """True while the shopper's consent for a purpose stands."""
    purposes = connection.execute(select(consents.c.purposes).where(consents.c.shopper == shopper)).scalar()
    return purposes is not None and purpose in purposes.split()


def covers(connection: Connection, shopper: str, purposes: frozenset[str]) -> bool:
    """True while the shopper's consent stands for all of these purposes."""
    standing = connection.execute(select(consents.c.purposes).where(consents.c.shopper == shopper)).scalar()
    return standing is not None and purposes <= set(standing.split())


def begin(connection: Connection, standing: ConsentRecord, event: ConsentEvent) -> None:
    """Write down the first decision of a shopper of whom nothing is held."""
    connection.execute(insert(consents), _row(standing))
    connection.execute(insert(consent_events), _row(event))


def put(connection: Connection, standing: ConsentRecord) -> None:
    """Let this be the shopper's standing decision."""
    connection.execute(delete(consents).where(consents.c.shopper == standing.shopper))
    connection.execute(insert(consents), _row(standing))


def note(connection: Connection, event: ConsentEvent) -> None:
    """Add to how a shopper's record came about, once for each decision."""
    row = _row(event)
    same = [consent_events.c[name] == row[name] for name in ("shopper", "decided_at_s", "version", "text", "channel")]
    if connection.execute(select(consent_events.c.seq).where(*same).limit(1)).first() is None:
        connection.execute(insert(consent_events), row)


def events(connection: Connection, shopper: str) -> list[ConsentEvent]:
    """Return how a shopper's record came about, oldest decision first."""
    rows = select(*_EVENT_COLUMNS).where(consent_events.c.shopper == shopper)
    rows = rows.order_by(consent_events.c.decided_at_s, consent_events.c.seq)
    return [ConsentEvent(**_fields(row)) for row in connection.execute(rows).mappings()]


def page(connection: Connection, after: str = "", limit: int = 50) -> list[ConsentRecord]:
    """Standing decisions by shopper, from after one on."""
    rows = select(consents).where(consents.c.shopper > after).order_by(consents.c.shopper).limit(limit)
    return [ConsentRecord(**_fields(row)) for row in connection.execute(rows).mappings()]


def tally(connection: Connection) -> dict[str, int]:
    """Return how many shoppers' consent stands, in all (`shoppers`) and for each purpose."""
    counts = {"shoppers": 0}
    for purposes, number in connection.execute(select(consents.c.purposes, func.count()).group_by(consents.c.purposes)):
        counts["shoppers"] += number
        for purpose in purposes.split():
            counts[purpose] = counts.get(purpose, 0) + number
    return counts


class ErasureProof(NamedTuple):
    """The withdrawal that an erasure followed from: when it counts from, its version, and whether its own time lay ahead."""

    decided_at_s: float
    version: int = 0
    ahead: bool = False


def prove_erasure(connection: Connection, digest: bytes, proof: ErasureProof, erased_at_s: float, rows: int) -> None:
    """Write the proof; one row for each digest, the latest decision counts."""
    before = connection.execute(
        select(erasures.c.seq, erasures.c.decided_at_s, erasures.c.rows).where(erasures.c.digest == digest)
    ).first()
    if before is None:
        connection.execute(insert(erasures), {"digest": digest, "erased_at_s": erased_at_s, "rows": rows, **proof._asdict()})
        return
    values: dict[str, object] = {"erased_at_s": erased_at_s, "rows": rows + before.rows}
    if proof.decided_at_s >= before.decided_at_s:
        values |= proof._asdict()
    connection.execute(update(erasures).where(erasures.c.seq == before.seq).values(**values))


def proof_of(connection: Connection, digest: bytes) -> ErasureProof | None:
    """Return the withdrawal that was proven under a digest."""
    columns = (erasures.c.decided_at_s, erasures.c.version, erasures.c.ahead)
    row = connection.execute(select(*columns).where(erasures.c.digest == digest)).first()
    return None if row is None else ErasureProof(*row)


def erasures_so_far(connection: Connection) -> tuple[int, float]:
    """(how many proofs, the latest moment): changes with every erasure."""
    row = connection.execute(select(func.count().label("number"), func.max(erasures.c.erased_at_s).label("latest"))).one()
    return row.number, row.latest or 0.0


def proven(connection: Connection) -> dict[bytes, float]:
    """Every proven erasure that still has its digest: digest to the withdrawal's own time."""
    rows = select(erasures.c.digest, erasures.c.decided_at_s).where(erasures.c.digest.is_not(None))
    return {row.digest: row.decided_at_s for row in connection.execute(rows)}


def erase(connection: Connection, shopper: str) -> int:
    """Delete a shopper's decisions; the proof is another function's."""
    gone = connection.execute(delete(consents).where(consents.c.shopper == shopper)).rowcount
    return gone + connection.execute(delete(consent_events).where(consent_events.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""
    standing = connection.execute(select(consents).where(consents.c.shopper == shopper)).mappings().first()
    heard = select(consent_events).where(consent_events.c.shopper == shopper)
    rows = connection.execute(heard.order_by(consent_events.c.decided_at_s, consent_events.c.seq)).mappings()
    return {"consent": dict(standing) if standing is not None else None, "consent_events": [dict(row) for row in rows]}


def _fields(row: RowMapping) -> dict[str, Any]:  # the driver's own values
    return {**row, "purposes": frozenset(row["purposes"].split())}


def _row(record: ConsentRecord | ConsentEvent) -> dict[str, object]:
    return record._asdict() | {"purposes": " ".join(sorted(record.purposes))}
