"""What must reach the backend: written in the transaction that decided it, removed only when it has arrived.

A row's two times tell its state:

    handed_at_s NULL      certainly never given to the network, so nobody can have seen it
    handed_at_s set       given to the network, perhaps more than once; only the backend knows what became of it
    acked_at_s set        the broker has it. Most messages leave the table then. An announcement stays until a receipt proves that
                          it arrived, or its time is over: a broker that dies may lose what it had acknowledged, so after every
                          new connection what has no receipt goes again, under the same id
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, OperationalError

from gateway.storage.metadata import metadata
from gateway.storage.packed import PackedText
from gateway.storage.prepared import Prepared

OUTBOX_ROWS_MAX = 200_000
"""Rows that may wait, about 200 MB: a month of a busy shop. Beyond it nothing new is promised; what was promised stays."""
EXPIRED_PER_TURN = 64
"""Expired rows that one look at the head of the queue clears away: bounds how long the writer is held."""
QUARANTINE_KEPT_S = 30 * 86_400.0
"""How long a quarantined message stays for a person to look at, after it has expired."""
RESENDS_MAX = 3
"""Times an announcement without a receipt goes again: a backend that is away for a week must not find it a hundred times."""
RECEIPTED_TOPIC = "offers"
"""The topic whose messages are answered with receipts."""
PROMISING_TOPICS = frozenset({"offers", "staff"})
"""Topics whose messages promise something new. Withdrawals and replies are taken even when the outbox is full."""

DatabaseError = DBAPIError
"""The database refused something."""
Unwritable = OperationalError
"""The disk or a lock is in the way: the writer tries the whole transaction again."""

Release = Callable[[Connection, str], None]
"""Told, in the same transaction, of an event id that expired and was certainly never sent."""

_Seq = BigInteger().with_variant(Integer, "sqlite")

outbox = Table(
    "outbox",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("event_id", String(128), nullable=False, unique=True),
    Column("topic", String(128), nullable=False),
    Column("shopper", String(64)),
    Column("at_s", Float(53), nullable=False),
    Column("expires_at_s", Float(53)),
    Column("urgent", Boolean(create_constraint=False), nullable=False),
    Column("handed_at_s", Float(53)),
    Column("acked_at_s", Float(53)),
    Column("resent", Integer, nullable=False, default=0),
    Column("body", PackedText, nullable=False),  # last, so that a scan of the columns before it needn't read it
    sqlite_autoincrement=True,  # a number is never used twice
)
# Small and partial: what waits is found at once, in its order, however much has been sent and awaits its receipt.
_WAITING = outbox.c.acked_at_s.is_(None)
_IN_TURN = (outbox.c.urgent.desc(), outbox.c.seq)
Index("ix_outbox_waiting", *_IN_TURN, sqlite_where=_WAITING, postgresql_where=_WAITING)

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


# Built once, for they run with every promise: making a statement costs more than running it.
_PUT = Prepared(
    insert(outbox).returning(outbox.c.seq),
    ("event_id", "topic", "shopper", "at_s", "expires_at_s", "urgent", "resent", "body"),
)
_OLDEST_SEQ = select(func.min(outbox.c.seq))
_AHEAD = (
    select(*(outbox.c[name] for name in ("event_id", "topic", "shopper", "body", "expires_at_s", "handed_at_s")))
    .where(
        _WAITING,
        outbox.c.event_id.not_in(bindparam("busy", expanding=True)),
        or_(outbox.c.shopper.is_(None), outbox.c.shopper.not_in(bindparam("busy_shoppers", expanding=True))),
    )
    .order_by(*_IN_TURN)
    .limit(bindparam("ahead"))
)
_THESE = outbox.c.event_id.in_(bindparam("event_ids", expanding=True))
_CLAIM = update(outbox).where(_THESE, outbox.c.handed_at_s.is_(None)).values(handed_at_s=bindparam("now_s"))
# Rows another gateway is at are passed over: nobody waits in the commit of a promise.
_FIRST = select(outbox.c.seq).where(_WAITING).order_by(*_IN_TURN).limit(bindparam("ahead")).with_for_update(skip_locked=True)
_CLAIM_FIRST = Prepared(
    update(outbox)
    .where(outbox.c.seq.in_(_FIRST), outbox.c.handed_at_s.is_(None))
    .where(or_(outbox.c.expires_at_s.is_(None), outbox.c.expires_at_s > bindparam("at_s")))
    .values(handed_at_s=bindparam("now_s"))
)
_STILL_THERE = select(outbox.c.event_id).where(_THESE)
_ACKNOWLEDGE = update(outbox).where(_THESE, outbox.c.topic == RECEIPTED_TOPIC).values(acked_at_s=bindparam("now_s"))
_DELIVERED = delete(outbox).where(_THESE, outbox.c.topic != RECEIPTED_TOPIC)


class OutboxFull(Exception):
    """The outbox holds all it may: the caller's transaction is taken back, and nothing is promised."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message on its way out."""

    event_id: str
    topic: str
    shopper: str | None
    body: str
    expires_at_s: float | None
    handed_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One message that was set aside, and why."""

    event_id: str
    topic: str
    at_s: float
    expires_at_s: float | None
    quarantined_at_s: float
    reason: str


def put(
    connection: Connection,
    *,
    event_id: str,
    topic: str,
    shopper: str | None,
    body: str,
    at_s: float,
    expires_at_s: float | None,
    urgent: bool = False,
) -> None:
    """Add a message: `topic` is what follows `etalage/v1/<chain>/<store>/`, `body` the CloudEvent as JSON.

    Raises OutboxFull for a new promise when `OUTBOX_ROWS_MAX` rows wait; IntegrityError for an event id that is there already.
    """
    row = {
        "event_id": event_id,
        "topic": topic,
        "shopper": shopper,
        "body": body,
        "at_s": at_s,
        "expires_at_s": expires_at_s,
        "urgent": urgent,
        "resent": 0,
    }
    seq = _PUT.run(connection, row).scalar_one()
    if topic in PROMISING_TOPICS and not urgent and _is_full(connection, seq):
        raise OutboxFull(f"{OUTBOX_ROWS_MAX} messages wait for the broker; nothing is promised until it takes some")


def _is_full(connection: Connection, newest_seq: int) -> bool:
    """The span of numbers is free to look up and never too small; the exact count is made only when the span says full."""
    if newest_seq <= OUTBOX_ROWS_MAX:
        return False
    oldest_seq = connection.execute(_OLDEST_SEQ).scalar_one()
    if newest_seq - oldest_seq < OUTBOX_ROWS_MAX:
        return False
    return int(connection.execute(select(func.count()).select_from(outbox)).scalar_one()) > OUTBOX_ROWS_MAX


def count(connection: Connection, topics: Collection[str] | None = None) -> int:
    """Messages that wait for the broker, on all topics or on these."""
    rows = select(func.count()).select_from(outbox).where(_WAITING)
    if topics is not None:
        rows = rows.where(outbox.c.topic.in_(topics))
    return int(connection.execute(rows).scalar_one())


def awaiting_receipt(connection: Connection) -> int:
    """Announcements that the broker has acknowledged and the backend has not yet shown to have, by a receipt."""
    return int(connection.execute(select(func.count()).select_from(outbox).where(outbox.c.acked_at_s.is_not(None))).scalar_one())


def oldest_at_s(connection: Connection) -> float | None:
    """When the longest waiting message was put in; None when none waits."""
    return connection.execute(select(outbox.c.at_s).where(_WAITING).order_by(outbox.c.seq).limit(1)).scalar()


def look(
    connection: Connection, *, room: int, at_s: float, busy: Collection[str] = (), busy_shoppers: Collection[str] = ()
) -> tuple[list[Waiting], list[str]]:
    """Up to `room` messages that may go next, and the event ids of expired ones met on the way. Changes nothing.

    Urgent ones first, then by age; one per shopper, which keeps their order whatever the network does. `busy` event ids and
    `busy_shoppers` are passed over.
    """
    ready: list[Waiting] = []
    expired: list[str] = []
    shoppers: set[str | None] = set()
    bounds = {"busy": list(busy), "busy_shoppers": list(busy_shoppers), "ahead": room + EXPIRED_PER_TURN}
    for row in connection.execute(_AHEAD, bounds):
        if len(ready) == room:
            break
        if row.expires_at_s is not None and row.expires_at_s <= at_s:
            expired.append(row.event_id)
        elif row.shopper is None or row.shopper not in shoppers:
            ready.append(Waiting(*row))
            shoppers.add(row.shopper)
    return ready, expired


def look_at(connection: Connection, event_id: str, at_s: float) -> tuple[list[Waiting], list[str]]:
    """The same for one message."""
    columns = [outbox.c[name] for name in Waiting.__slots__]
    row = connection.execute(select(*columns).where(outbox.c.event_id == event_id, _WAITING)).first()
    if row is None:
        return [], []
    if row.expires_at_s is not None and row.expires_at_s <= at_s:
        return [], [event_id]
    return [Waiting(*row)], []


def claim(connection: Connection, event_ids: Collection[str], at_s: float) -> set[str]:
    """Mark messages as handed to the network; those that are still there. Only they may be sent."""
    connection.execute(_CLAIM, {"event_ids": list(event_ids), "now_s": at_s})
    return set(connection.execute(_STILL_THERE, {"event_ids": list(event_ids)}).scalars())


def claim_first(connection: Connection, ahead: int, at_s: float) -> None:
    """Mark what is valid of the first `ahead` messages as handed to the network."""
    _CLAIM_FIRST.run(connection, {"ahead": ahead, "at_s": at_s, "now_s": at_s})


def expire(connection: Connection, event_ids: Collection[str], release: Release) -> None:
    """Remove expired messages; `release` hears of those that were never handed to the network."""
    rows = connection.execute(select(outbox.c.event_id, outbox.c.handed_at_s).where(outbox.c.event_id.in_(event_ids))).all()
    remove(connection, [row.event_id for row in rows])
    for row in rows:
        if row.handed_at_s is None:
            release(connection, row.event_id)


def acknowledge(connection: Connection, event_ids: Collection[str], at_s: float) -> None:
    """The broker has these: announcements now wait for a receipt, all others have arrived as far as we can know."""
    if event_ids:
        connection.execute(_ACKNOWLEDGE, {"event_ids": list(event_ids), "now_s": at_s})
        connection.execute(_DELIVERED, {"event_ids": list(event_ids)})


def resend(connection: Connection) -> int:
    """Put announcements without a receipt back in the queue, at their old place: the broker may have lost them; how many."""
    again = outbox.c.acked_at_s.is_not(None) & (outbox.c.resent < RESENDS_MAX)
    return connection.execute(update(outbox).where(again).values(acked_at_s=None, resent=outbox.c.resent + 1)).rowcount


def remove(connection: Connection, event_ids: Collection[str]) -> None:
    """Take out messages that have arrived or expired."""
    if event_ids:
        connection.execute(delete(outbox).where(outbox.c.event_id.in_(event_ids)))


def sweep(connection: Connection, at_s: float, release: Release, limit: int = 1000) -> int:
    """Remove up to `limit` expired messages wherever they stand in the queue, and old ones from quarantine; how many went."""
    over = list(connection.execute(select(outbox.c.event_id).where(outbox.c.expires_at_s <= at_s).limit(limit)).scalars())
    expire(connection, over, release)
    old = connection.execute(delete(quarantine).where(quarantine.c.expires_at_s <= at_s - QUARANTINE_KEPT_S))
    return len(over) + old.rowcount


def cancel_unsent(connection: Connection, shopper: str) -> list[str]:
    """Remove every message for `shopper`, so that no further offer leaves; the event ids never handed to the network."""
    mine = (outbox.c.shopper == shopper) & outbox.c.urgent.is_(False)
    unsent = connection.execute(select(outbox.c.event_id).where(mine, outbox.c.handed_at_s.is_(None)).order_by(outbox.c.seq))
    event_ids = list(unsent.scalars())
    connection.execute(delete(outbox).where(mine))
    return event_ids


def erase(connection: Connection, shopper: str) -> int:
    """Remove what waits for or about `shopper`, also in quarantine; rows gone. Urgent messages stay: they are the withdrawals."""
    gone = connection.execute(delete(outbox).where(outbox.c.shopper == shopper, outbox.c.urgent.is_(False))).rowcount
    return gone + connection.execute(delete(quarantine).where(quarantine.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """What waits for `shopper`, as it will be sent."""
    waiting = connection.execute(select(outbox.c.body).where(outbox.c.shopper == shopper).order_by(outbox.c.seq)).scalars()
    aside = connection.execute(select(quarantine.c.body).where(quarantine.c.shopper == shopper)).scalars()
    return {"waiting": list(waiting), "quarantined": list(aside)}


# ---- quarantine ------------------------------------------------------------------------------------------------------------

_SHARED = ("event_id", "topic", "shopper", "at_s", "expires_at_s", "urgent", "body")


def set_aside(connection: Connection, event_id: str, reason: str, at_s: float) -> None:
    """Move a message that the broker will not take out of the queue, with the reason for whoever looks."""
    row = connection.execute(select(outbox).where(outbox.c.event_id == event_id)).mappings().first()
    if row is None:
        return
    values = {name: row[name] for name in _SHARED} | {"quarantined_at_s": at_s, "reason": reason[:200]}
    remove(connection, [event_id])
    connection.execute(insert(quarantine).values(values))


def quarantined(connection: Connection, limit: int = 100) -> list[Quarantined]:
    """What was set aside, newest first."""
    names = [quarantine.c[name] for name in Quarantined.__slots__]
    rows = connection.execute(select(*names).order_by(quarantine.c.quarantined_at_s.desc()).limit(limit))
    return [Quarantined(*row) for row in rows]


def retry(connection: Connection, event_id: str | None = None) -> int:
    """Put a quarantined message (None: all of them) back at the end of the queue; how many. Handed once, it stays handed."""
    chosen = select(quarantine) if event_id is None else select(quarantine).where(quarantine.c.event_id == event_id)
    rows = connection.execute(chosen.order_by(quarantine.c.at_s)).mappings().all()
    for row in rows:
        values = {name: row[name] for name in _SHARED} | {"handed_at_s": row["quarantined_at_s"]}
        connection.execute(insert(outbox).values(values))
        connection.execute(delete(quarantine).where(quarantine.c.event_id == row["event_id"]))
    return len(rows)
