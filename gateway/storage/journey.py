"""The customer journey: visits, what a shopper did with offers, the stage they stand in, and their attention budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.storage.happenings import happenings
from gateway.storage.metadata import metadata

DAY_S = 86_400.0

visits = Table(
    "visits",
    metadata,
    Column("visit", String(64), primary_key=True),
    Column("shopper", String(64), nullable=False),
    Column("started_at_s", Float, nullable=False),
    Column("ended_at_s", Float, nullable=False),
    Column("zones", JSON, nullable=False),
    Index("ix_visits_shopper", "shopper", "started_at_s"),
    Index("ix_visits_ended", "ended_at_s"),
)

journey_events = Table(
    "journey_events",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("shopper", String(64), nullable=False),
    Column("event_id", String(260), nullable=False),
    Column("what", String(12), nullable=False),
    Column("at_s", Float, nullable=False),
    UniqueConstraint("shopper", "event_id"),
    Index("ix_journey_events_shopper", "shopper", "at_s"),
    Index("ix_journey_events_at", "at_s"),
)
"""What receipts told: engaged, redeemed, dismissed, purchased, reviewed, shared. Redemptions count by the ledger's own word."""

journeys = Table(
    "journeys",
    metadata,
    Column("shopper", String(64), primary_key=True),
    Column("stage", String(12), nullable=False),
    Column("since_s", Float, nullable=False),
    Column("reason", JSON, nullable=False),
    Column("set_by", String(64)),  # who set the stage by hand; None: it follows the signals
    Column("visits_ever", Integer, nullable=False),
)

stage_changes = Table(
    "stage_changes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("shopper", String(64), nullable=False),
    Column("stage", String(12), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("reason", JSON, nullable=False),
    Index("ix_stage_changes_shopper", "shopper", "at_s"),
    Index("ix_stage_changes_at", "at_s"),
)

attention = Table(
    "attention",
    metadata,
    Column("shopper", String(64), primary_key=True),
    Column("tokens", Float, nullable=False),
    Column("at_s", Float, nullable=False),
    Index("ix_attention_at", "at_s"),
)
"""The token bucket as it stood at `at_s`; what has dripped in since is worked out when it is read."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a shopper did over rolling windows that end at one moment."""

    visits_ever: int
    visits_30d: int
    visits_90d: int
    last_visit_s: float | None
    events_90d: Mapping[str, int]
    events_365d: Mapping[str, int]
    redeemed_90d: int
    """Promises redeemed, at the till or by the backend's word."""


class VisitRecord(NamedTuple):
    """A finished visit: a row of `visits`."""

    visit: str
    shopper: str
    started_at_s: float
    ended_at_s: float
    zones: list[str]


class JourneyRecord(NamedTuple):
    """Where a shopper stands: a row of `journeys`, in its order of columns."""

    shopper: str
    stage: str
    since_s: float
    reason: dict[str, object]
    set_by: str | None
    visits_ever: int


def add_visit(connection: Connection, over: VisitRecord) -> bool:
    """Keep a finished visit once; False: it is there already."""
    if connection.execute(select(visits.c.visit).where(visits.c.visit == over.visit)).first() is not None:
        return False
    connection.execute(insert(visits), over._asdict())
    return True


def add_event(connection: Connection, shopper: str, event_id: str, what: str, at_s: float) -> bool:
    """Keep what a shopper did once; False: it is there already."""
    same = (journey_events.c.shopper == shopper, journey_events.c.event_id == event_id)
    if connection.execute(select(journey_events.c.seq).where(*same)).first() is not None:
        return False
    connection.execute(insert(journey_events), {"shopper": shopper, "event_id": event_id, "what": what, "at_s": at_s})
    return True


def take_back_event(connection: Connection, shopper: str, event_id: str) -> bool:
    """Delete what a shopper did and undid; False: there is nothing such."""
    same = (journey_events.c.shopper == shopper, journey_events.c.event_id == event_id)
    return connection.execute(delete(journey_events).where(*same)).rowcount > 0


def find(connection: Connection, shopper: str) -> JourneyRecord | None:
    """Return where a shopper stands."""
    row = connection.execute(select(journeys).where(journeys.c.shopper == shopper)).first()
    return None if row is None else JourneyRecord(*row)


def put(connection: Connection, standing: JourneyRecord) -> None:
    """Let a shopper stand there."""
    connection.execute(delete(journeys).where(journeys.c.shopper == standing.shopper))
    connection.execute(insert(journeys), standing._asdict())


def note_change(connection: Connection, shopper: str, stage: str, at_s: float, reason: Mapping[str, object]) -> None:
    """Keep why a shopper's stage changed."""
    connection.execute(insert(stage_changes), {"shopper": shopper, "stage": stage, "at_s": at_s, "reason": dict(reason)})


def counts(connection: Connection, shopper: str, now_s: float, standing: JourneyRecord | None) -> Counts:
    """A shopper's signals over the windows that end at `now_s`; `standing` is what `find` gave."""
    visits_30d, visits_90d, last_visit_s = connection.execute(
        _VISITS, {"shopper": shopper, "since_30d_s": now_s - 30 * DAY_S, "since_90d_s": now_s - 90 * DAY_S}
    ).one()
    since = {"shopper": shopper, "since_90d_s": now_s - 90 * DAY_S, "since_365d_s": now_s - 365 * DAY_S}
    events = connection.execute(_EVENTS, since).all()
    return Counts(
        visits_ever=standing.visits_ever if standing is not None else 0,
        visits_30d=visits_30d,
        visits_90d=visits_90d,
        last_visit_s=last_visit_s,
        events_90d={row.what: row.in_90d for row in events},
        events_365d={row.what: row.in_365d for row in events},
        redeemed_90d=connection.execute(_REDEEMED, {"shopper": shopper, "since_s": now_s - 90 * DAY_S}).scalar_one(),
    )


def _number_since(moment: Column[float], since: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((moment > bindparam(since), 1), else_=0)), 0)


# Made once: they are asked at each visit's first move, and SQLAlchemy needs longer to make one than SQLite to answer it.
_VISITS = select(
    _number_since(visits.c.started_at_s, "since_30d_s"),
    _number_since(visits.c.started_at_s, "since_90d_s"),
    func.max(visits.c.started_at_s),
).where(visits.c.shopper == bindparam("shopper"))
_EVENTS = (
    select(
        journey_events.c.what,
        _number_since(journey_events.c.at_s, "since_90d_s").label("in_90d"),
        func.count().label("in_365d"),
    )
    .where(journey_events.c.shopper == bindparam("shopper"), journey_events.c.at_s > bindparam("since_365d_s"))
    .group_by(journey_events.c.what)
)
_REDEEMED = select(func.count(happenings.c.promise.distinct())).where(
    happenings.c.shopper == bindparam("shopper"), happenings.c.what == "redeemed", happenings.c.at_s > bindparam("since_s")
)


def bucket(connection: Connection, shopper: str) -> tuple[float, float] | None:
    """(tokens, at_s) of a shopper's attention budget; None: it was never touched."""
    row = connection.execute(select(attention.c.tokens, attention.c.at_s).where(attention.c.shopper == shopper)).first()
    return (row.tokens, row.at_s) if row is not None else None


def put_bucket(connection: Connection, shopper: str, tokens: float, at_s: float) -> None:
    """Let a shopper's attention budget stand so."""
    mine = attention.c.shopper == shopper
    if connection.execute(update(attention).where(mine).values(tokens=tokens, at_s=at_s)).rowcount == 0:
        connection.execute(insert(attention), {"shopper": shopper, "tokens": tokens, "at_s": at_s})


def stages(connection: Connection) -> dict[str, int]:
    """Return how many shoppers stand in each stage."""
    counted = select(journeys.c.stage, func.count().label("number")).group_by(journeys.c.stage)
    return {row.stage: row.number for row in connection.execute(counted)}


def erase_events(connection: Connection, shopper: str, what: Collection[str]) -> int:
    """Delete what a shopper did of these kinds."""
    mine = (journey_events.c.shopper == shopper, journey_events.c.what.in_(what))
    return connection.execute(delete(journey_events).where(*mine)).rowcount


def erase(connection: Connection, shopper: str) -> int:
    """Delete all that is kept here about a shopper."""
    tables = (visits, journey_events, journeys, stage_changes, attention)
    return sum(connection.execute(delete(table).where(table.c.shopper == shopper)).rowcount for table in tables)


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""

    def rows(table: Table, order: str) -> list[dict[str, object]]:
        found = connection.execute(select(table).where(table.c.shopper == shopper).order_by(table.c[order]))
        return [dict(row) for row in found.mappings()]

    standing, tokens = find(connection, shopper), bucket(connection, shopper)
    return {
        "journey": standing._asdict() if standing is not None else None,
        "stage_changes": rows(stage_changes, "at_s"),
        "visits": rows(visits, "started_at_s"),
        "journey_events": rows(journey_events, "at_s"),
        "attention": {"tokens": tokens[0], "at_s": tokens[1]} if tokens is not None else None,
    }
