"""What must reach the backend: written in the transaction that decided it, removed only when it has arrived.

A message's state is in the queue beside it:

    handed_at_s NULL      certainly never given to the network, so nobody can have seen it
    handed_at_s set       given to the network, perhaps more than once; only the backend knows what became of it
    not in the queue      the broker has it. Most messages leave the table then. An announcement stays until a receipt proves that
                          it arrived, or its time is over: a broker that dies may lose what it had acknowledged, so after every
                          new connection what has no receipt goes again, under the same id

The courier's part is in `sending`, what the broker will not take in `quarantine`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError

from gateway.storage.metadata import metadata
from gateway.storage.packed import IdText, PackedText
from gateway.storage.prepared import Prepared

OUTBOX_ROWS_MAX = 200_000
"""Rows that may wait, about 200 MB: a month of a busy shop. Beyond it nothing new is promised; what was promised stays."""
OFFERS_TOPIC = "offers"
PROMISING_TOPICS = frozenset({OFFERS_TOPIC, "staff"})
"""Topics whose messages promise something new. Withdrawals and replies are taken even when the outbox is full."""
URGENT, IN_TURN, LAST = 0, 1, 2
"""Ranks in the queue: what takes something back, what promises or tells, and replies, of which a flood may make thousands."""
REPLY_TOPICS = "replies"
"""What the topics of replies begin with."""

DatabaseError = DBAPIError
"""The database refused something."""
Unwritable = OperationalError
"""The disk or a lock is in the way: the writer tries the whole transaction again."""
UNSTORABLE = (DataError, OverflowError)
"""A value that no column has room for: trying again changes nothing."""


def is_away(error: BaseException) -> bool:
    """Return whether a fault says that the database can't be reached or written now; the same may go well later."""
    return isinstance(error, OperationalError | InterfaceError) or (isinstance(error, DBAPIError) and error.connection_invalidated)


Release = Callable[[Connection, str], None]
"""Told, in the same transaction, of an event id that expired and was certainly never sent."""

_Seq = BigInteger().with_variant(Integer, "sqlite")

outbox = Table(
    "outbox",
    metadata,
    Column("seq", _Seq, primary_key=True, autoincrement=True),
    Column("event_id", IdText(128), nullable=False, unique=True),
    Column("topic", String(128), nullable=False),
    Column("shopper", String(64)),
    Column("at_s", Float(53), nullable=False),
    Column("expires_at_s", Float(53)),
    Column("urgent", Boolean(create_constraint=False), nullable=False),
    Column("resent", Integer, nullable=False, default=0),
    Column("body", PackedText, nullable=False),  # last, so that a scan of the columns before it needn't read it
    sqlite_autoincrement=True,  # a number is never used twice
)
waiting = Table(
    "outbox_waiting",
    metadata,
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("seq", _Seq, primary_key=True, autoincrement=False),
    Column("handed_at_s", Float(53)),
    sqlite_with_rowid=False,
)
"""The queue for the broker. A table of its own: a message on its way changes a few bytes here, and not the page it stands in."""

# Built once, for they run with every promise: making a statement costs more than running it.
_PUT = Prepared(
    insert(outbox).returning(outbox.c.seq),
    ("event_id", "topic", "shopper", "at_s", "expires_at_s", "urgent", "resent", "body"),
)
_QUEUE = Prepared(insert(waiting), ("rank", "seq", "handed_at_s"))
_RANK = case((outbox.c.urgent, URGENT), (outbox.c.topic.startswith(REPLY_TOPICS), LAST), else_=IN_TURN)
QUEUED = and_(waiting.c.seq == outbox.c.seq, waiting.c.rank == _RANK)
"""A message and its place in the queue."""
_SPAN = and_(outbox.c.event_id >= bindparam("begins"), outbox.c.event_id < bindparam("beyond"))
_UNQUEUE_REPLIES = Prepared(delete(waiting).where(waiting.c.rank == LAST, waiting.c.seq.in_(select(outbox.c.seq).where(_SPAN))))
_REMOVE_SPAN = Prepared(delete(outbox).where(_SPAN))
_ONE = outbox.c.event_id == bindparam("b_event_id")
_UNQUEUE_ONE = Prepared(delete(waiting).where(tuple_(waiting.c.rank, waiting.c.seq).in_(select(_RANK, outbox.c.seq).where(_ONE))))
_REMOVE_ONE = Prepared(delete(outbox).where(_ONE))
_OLDEST_SEQ = select(func.min(outbox.c.seq))


class OutboxRecord(NamedTuple):
    """A message as it is kept, here and in quarantine."""

    event_id: str
    topic: str
    shopper: str | None
    at_s: float
    expires_at_s: float | None
    urgent: bool
    body: str


class OutboxFull(Exception):
    """The outbox holds all it may: the caller's transaction is taken back, and nothing is promised."""


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
    seq = add(connection, OutboxRecord(event_id, topic, shopper, at_s, expires_at_s, urgent, body))
    if topic in PROMISING_TOPICS and not urgent and _is_full(connection, seq):
        raise OutboxFull(f"{OUTBOX_ROWS_MAX} messages wait for the broker; nothing is promised until it takes some")


def add(connection: Connection, message: OutboxRecord, handed_at_s: float | None = None) -> int:
    """Write a message and queue it; its number."""
    seq = int(_PUT.run(connection, {**message._asdict(), "resent": 0}).fetchone()[0])
    rank = URGENT if message.urgent else LAST if message.topic.startswith(REPLY_TOPICS) else IN_TURN
    _QUEUE.run(connection, {"rank": rank, "seq": seq, "handed_at_s": handed_at_s})
    return seq


def remove_replies(connection: Connection, begins: str) -> None:
    """Take out replies whose event id begins so, also those that are on their way: another takes their place."""
    span = {"begins": begins, "beyond": begins[:-1] + chr(ord(begins[-1]) + 1)}
    _UNQUEUE_REPLIES.run(connection, span)
    _REMOVE_SPAN.run(connection, span)


def remove_arrived(connection: Connection, event_id: str) -> None:
    """Take out one message, which the backend has shown to have."""
    _UNQUEUE_ONE.run(connection, {"b_event_id": event_id})
    _REMOVE_ONE.run(connection, {"b_event_id": event_id})


def _is_full(connection: Connection, newest_seq: int) -> bool:
    """The span of numbers is free to look up and never too small; the exact count is made only when the span says full."""
    if newest_seq <= OUTBOX_ROWS_MAX:
        return False
    oldest_seq = connection.execute(_OLDEST_SEQ).scalar_one()
    if newest_seq - oldest_seq < OUTBOX_ROWS_MAX:
        return False
    return _rows(connection, outbox) > OUTBOX_ROWS_MAX


def _rows(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def count(connection: Connection, topics: Collection[str] | None = None) -> int:
    """Messages that wait for the broker, on all topics or on these."""
    if topics is None:
        return _rows(connection, waiting)
    rows = select(func.count()).select_from(waiting)
    return int(connection.execute(rows.where(QUEUED, outbox.c.topic.in_(topics))).scalar_one())


def awaiting_receipt(connection: Connection) -> int:
    """Announcements that the broker has acknowledged and the backend has not yet shown to have, by a receipt."""
    return _rows(connection, outbox) - _rows(connection, waiting)


def oldest_at_s(connection: Connection) -> float | None:
    """Return when the longest waiting message was put in; None when none waits."""
    first = select(func.min(waiting.c.seq)).scalar_subquery()
    return connection.execute(select(outbox.c.at_s).where(outbox.c.seq == first)).scalar()


def remove(connection: Connection, event_ids: Collection[str]) -> None:
    """Take out messages that have arrived or expired."""
    if event_ids:
        remove_where(connection, outbox.c.event_id.in_(event_ids))


def remove_where(connection: Connection, which: ColumnElement[bool]) -> int:
    """Take out messages, also from the queue; how many."""
    unqueue(connection, which)
    return connection.execute(delete(outbox).where(which)).rowcount


def unqueue(connection: Connection, which: ColumnElement[bool]) -> None:
    """Let messages wait no more."""
    connection.execute(delete(waiting).where(their_places(which)))


def their_places(which: ColumnElement[bool]) -> ColumnElement[bool]:
    """The places in the queue of messages."""
    return tuple_(waiting.c.rank, waiting.c.seq).in_(select(_RANK, outbox.c.seq).where(which))


def cancel_unsent(connection: Connection, shopper: str) -> list[str]:
    """Remove every message for `shopper`, so that no further offer leaves; the event ids never handed to the network."""
    mine = _about(shopper)
    unsent = select(outbox.c.event_id).where(mine, never_handed()).order_by(outbox.c.seq)
    event_ids = list(connection.execute(unsent).scalars())
    remove_where(connection, mine)
    return event_ids


def never_handed() -> ColumnElement[bool]:
    """Messages that certainly were never given to the network."""
    return exists().where(QUEUED, waiting.c.handed_at_s.is_(None))


def _about(shopper: str) -> ColumnElement[bool]:
    """A shopper's messages but for the urgent ones: those are the withdrawals."""
    return (outbox.c.shopper == shopper) & outbox.c.urgent.is_(False)


def erase(connection: Connection, shopper: str) -> int:
    """Remove what waits for or about `shopper`; rows gone. Urgent messages stay."""
    return remove_where(connection, _about(shopper))


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """Return what waits for `shopper`, as it will be sent."""
    bodies = select(outbox.c.body).where(outbox.c.shopper == shopper).order_by(outbox.c.seq)
    return {"waiting": list(connection.execute(bodies).scalars())}
