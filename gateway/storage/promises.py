"""Promises as they were made, and what came of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
    update,
)

from gateway.storage import caps, outbox, vouchers
from gateway.storage.metadata import metadata
from gateway.storage.packed import HashText, IdText
from gateway.storage.prepared import Prepared

_OWN_CODE, _SHARED_CODE = text("code IS NOT NULL AND shared = 0"), text("code IS NOT NULL AND shared = 1")

promises = Table(
    "promises",
    metadata,
    Column("id", IdText(36), primary_key=True),
    Column("shopper", String(64)),
    Column("visit", String(64)),
    Column("zone", String(64)),
    Column("decision", IdText(36)),
    Column("book", HashText(64), nullable=False),
    Column("offer", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("language", String(2), nullable=False),
    Column("content", JSON, nullable=False),
    Column("value", JSON(none_as_null=True)),
    Column("code", String(64)),
    Column("shared", Integer, nullable=False),  # 1: the same code for everybody
    Column("reward", JSON(none_as_null=True)),  # of an invitation: what who invited gets, until it is given
    Column("at_s", Float, nullable=False),
    Column("expires_at_s", Float, nullable=False),
    Column("ends_at_s", Float, nullable=False),
    Column("takings", JSON, nullable=False),
    Column("state", String(12), nullable=False),
    Column("state_at_s", Float, nullable=False),
    Index("ix_promises_shopper", "shopper"),
    Index("ix_promises_end", "state", "ends_at_s"),
    # A code is in one of the two: its place in an index is anywhere, so each index costs every promise a page written.
    Index("uq_promises_own_code", "code", unique=True, sqlite_where=_OWN_CODE, postgresql_where=_OWN_CODE),
    Index("ix_promises_shared_code", "code", "state", "ends_at_s", sqlite_where=_SHARED_CODE, postgresql_where=_SHARED_CODE),
)
"""One row for each promise. Of one that stands only `state` and `reward` move on; erasure takes the name off it."""

happenings = Table(
    "happenings",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("promise", IdText(36)),
    Column("event_id", String(128), nullable=False),
    Column("shopper", String(64)),
    Column("offer", String(64), nullable=False),
    Column("visit", String(64), nullable=False),
    Column("what", String(12), nullable=False),
    Column("at_s", Float, nullable=False),
    UniqueConstraint("promise", "what", "event_id"),
    Index("ix_happenings_shopper", "shopper", "at_s"),
    Index("ix_happenings_at", "at_s"),
)
"""Receipts, redemptions, and what was announced to a control group's shopper as a ghost (no promise)."""

unmatched_receipts = Table(
    "unmatched_receipts",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("event_id", String(128), nullable=False),
    Column("promise", String(128), nullable=False),
    Column("what", String(12), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("at_s", Float, nullable=False),
)
"""Receipts that fit no promise: kept for the report."""

# Built once: making a statement costs more than running it.
_ADD = Prepared(insert(promises), promises.c.keys())
_FIND = select(promises).where(promises.c.id == bindparam("b_id"))
_HOLD = _FIND.with_for_update()
_ADVANCE = (
    update(promises)
    .where(promises.c.id == bindparam("b_id"), promises.c.state == bindparam("b_before"))
    .values(state=bindparam("b_state"), state_at_s=bindparam("b_at_s"))
)
_SAME = select(happenings.c.seq).where(
    happenings.c.promise == bindparam("b_promise"),
    happenings.c.what == bindparam("b_what"),
    happenings.c.event_id == bindparam("b_event_id"),
)
_ENDED = (
    select(promises)
    .where(promises.c.state.in_(("reserved", "announced", "shown", "reversed")), promises.c.ends_at_s < bindparam("b_now_s"))
    .order_by(promises.c.ends_at_s)
    .limit(bindparam("b_limit"))
)
_PURGE_HAPPENINGS = delete(happenings).where(happenings.c.at_s < bindparam("b_before_s"))
_PURGE_UNMATCHED = delete(unmatched_receipts).where(unmatched_receipts.c.at_s < bindparam("b_before_s"))
_PURGE = delete(promises).where(
    promises.c.state.in_(("expired", "withdrawn", "redeemed")),
    (promises.c.ends_at_s < bindparam("b_before_s"))
    | (promises.c.shopper.is_(None) & (promises.c.ends_at_s < bindparam("b_nameless_before_s"))),
)
_HISTORY = union_all(
    select(promises.c.offer, literal("announced").label("what"), promises.c.at_s, promises.c.visit).where(
        promises.c.shopper == bindparam("b_shopper"), promises.c.at_s >= bindparam("b_since_s"), promises.c.state != "withdrawn"
    ),
    select(happenings.c.offer, happenings.c.what, happenings.c.at_s, happenings.c.visit).where(
        happenings.c.shopper == bindparam("b_shopper"),
        happenings.c.at_s >= bindparam("b_since_s"),
        happenings.c.what != "delivered",
    ),
).order_by("at_s")


def add(connection: Connection, row: dict[str, Any]) -> None:
    """Write a new promise. Raises IntegrityError for a code that another promise has."""
    _ADD.run(connection, row)


def find(connection: Connection, promise: str) -> Row[Any] | None:
    """A promise by its id."""
    return connection.execute(_FIND, {"b_id": promise}).first()


def hold(connection: Connection, promise: str) -> Row[Any] | None:
    """A promise by its id, to be changed: nobody else can until this transaction is over."""
    return connection.execute(_HOLD, {"b_id": promise}).first()


def with_code(
    connection: Connection, code: str, states: Collection[str], *, good_at_s: float | None = None, latest: bool = False
) -> Row[Any] | None:
    """One promise with a code in one of these states, held: one not ended at `good_at_s`, or the one that got there last.

    A code that everybody has stands on many promises; nothing here reads them all.
    """
    for whose in (_OWN_CODE, _SHARED_CODE):
        found = _with_code(
            connection, select(promises).where(promises.c.code == code, whose, promises.c.state.in_(states)), good_at_s, latest
        )
        if found is not None:
            return found
    return None


def _with_code(connection: Connection, rows: Select[Any], good_at_s: float | None, latest: bool) -> Row[Any] | None:
    if good_at_s is not None:
        rows = rows.where(promises.c.ends_at_s >= good_at_s)
    if latest:
        rows = rows.order_by(promises.c.state_at_s.desc())
    return connection.execute(rows.limit(1).with_for_update()).first()


def advance(connection: Connection, promise: str, before: str, state: str, at_s: float) -> bool:
    """Put a promise that stands in state `before` in another; False: somebody else was first."""
    values = {"b_id": promise, "b_before": before, "b_state": state, "b_at_s": at_s}
    return connection.execute(_ADVANCE, values).rowcount == 1


def take_reward(connection: Connection, promise: str) -> bool:
    """Take the reward off an invitation; False: it has none (any more)."""
    unused = update(promises).where(promises.c.id == promise, promises.c.reward.is_not(null()))
    return connection.execute(unused.values(reward=null())).rowcount == 1


def happened(connection: Connection, row: dict[str, Any]) -> bool:
    """Note a happening once; False: this one was noted before."""
    same = {f"b_{name}": row[name] for name in ("promise", "what", "event_id")}
    if row["promise"] is not None and connection.execute(_SAME, same).first() is not None:
        return False
    connection.execute(insert(happenings), row)
    return True


def note_unmatched(connection: Connection, row: dict[str, Any]) -> None:
    """Keep a receipt that fits no promise."""
    connection.execute(insert(unmatched_receipts), row)


def latest_unmatched(connection: Connection, limit: int = 50) -> Sequence[Row[Any]]:
    """Receipts that fit no promise, the latest to come first."""
    return connection.execute(select(unmatched_receipts).order_by(unmatched_receipts.c.seq.desc()).limit(limit)).all()


def history(connection: Connection, shopper: str, since_s: float) -> list[tuple[str, str, float, str]]:
    """(offer, what, at_s, visit) of a shopper since a moment, oldest first."""
    rows = connection.execute(_HISTORY, {"b_shopper": shopper, "b_since_s": since_s})
    return [(row.offer, row.what, row.at_s, row.visit) for row in rows]


def ended(connection: Connection, now_s: float, limit: int) -> Sequence[Row[Any]]:
    """Promises whose end has passed and that stand in a state that can still expire, at most `limit`."""
    return connection.execute(_ENDED, {"b_now_s": now_s, "b_limit": limit}).all()


def purge(connection: Connection, before_s: float, nameless_before_s: float) -> int:
    """Delete promises that ended, and happenings and unmatched receipts from before a moment; how many promises went.

    A nameless one goes as soon as it can no longer be honoured or undone.
    """
    connection.execute(_PURGE_HAPPENINGS, {"b_before_s": before_s})
    connection.execute(_PURGE_UNMATCHED, {"b_before_s": before_s})
    return connection.execute(_PURGE, {"b_before_s": before_s, "b_nameless_before_s": nameless_before_s}).rowcount


def page(
    connection: Connection, *, before: str | None = None, state: str | None = None, offer: str | None = None, limit: int = 50
) -> Sequence[Row[Any]]:
    """Promises, newest first, from before an id on."""
    rows = select(promises).order_by(promises.c.id.desc()).limit(limit)
    for column, value in ((promises.c.state, state), (promises.c.offer, offer)):
        if value is not None:
            rows = rows.where(column == value)
    if before is not None:
        rows = rows.where(promises.c.id < before)
    return connection.execute(rows).all()


def tally(connection: Connection) -> list[tuple[str, str, int]]:
    """(offer, state, how many) over all promises kept."""
    rows = select(promises.c.offer, promises.c.state, func.count().label("many")).group_by(promises.c.offer, promises.c.state)
    return [(row.offer, row.state, row.many) for row in connection.execute(rows)]


def release(connection: Connection, promise: Row[Any], at_s: float) -> None:
    """Take back a promise that was certainly never shown: every cap gets its share again, and the pool its code."""
    caps.give_back(connection, promise.takings, promise.shopper)
    if vouchers.back_to_pool(connection, promise.id):
        connection.execute(update(promises).where(promises.c.id == promise.id).values(code=None))
    advance(connection, promise.id, promise.state, "withdrawn", at_s)


def erase_happenings(connection: Connection, shopper: str, what: str) -> int:
    """Delete what of one kind happened with a shopper's offers; rows gone."""
    return connection.execute(delete(happenings).where(happenings.c.shopper == shopper, happenings.c.what == what)).rowcount


def erase(connection: Connection, shopper: str) -> int:
    """Make a shopper's promises nameless; what can no longer be honoured goes altogether. Rows touched.

    A voucher that may have been shown keeps code, wording, value and end; who, where and why are gone. What was never handed to
    the network is cancelled, and its caps get their share back.
    """
    for unsent in outbox.cancel_unsent(connection, shopper):
        promise = hold(connection, unsent)
        if promise is not None and promise.state == "reserved":
            release(connection, promise, promise.at_s)
    touched = connection.execute(delete(happenings).where(happenings.c.shopper == shopper)).rowcount
    touched += caps.erase(connection, shopper)
    worthless = promises.c.code.is_(None) | promises.c.state.in_(("expired", "withdrawn", "redeemed"))
    touched += connection.execute(delete(promises).where(promises.c.shopper == shopper, worthless)).rowcount
    nameless = {"shopper": None, "visit": None, "zone": None, "decision": None, "reward": null()}
    return touched + connection.execute(update(promises).where(promises.c.shopper == shopper).values(**nameless)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""
    made = select(promises).where(promises.c.shopper == shopper).order_by(promises.c.at_s)
    came_of_it = select(happenings.c.promise, happenings.c.offer, happenings.c.what, happenings.c.at_s, happenings.c.visit)
    came_of_it = came_of_it.where(happenings.c.shopper == shopper).order_by(happenings.c.at_s)
    return {
        "promises": [dict(row) for row in connection.execute(made).mappings()],
        "happenings": [dict(row) for row in connection.execute(came_of_it).mappings()],
    }
