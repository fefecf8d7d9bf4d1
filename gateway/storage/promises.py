"""Promises as they were made, and the state each stands in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypedDict

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Select,
    String,
    Table,
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

from gateway import promise_states
from gateway.storage import caps, outbox, vouchers
from gateway.storage.caps import Taking
from gateway.storage.happenings import happenings
from gateway.storage.metadata import metadata
from gateway.storage.packed import HashText, IdText
from gateway.storage.prepared import Prepared
from gateway.storage.slices import delete_slice

_OWN_CODE, _SHARED_CODE = text("code_key IS NOT NULL AND shared = 0"), text("code_key IS NOT NULL AND shared = 1")
_NAMELESS = text("shopper IS NULL")

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
    Column("terms", JSON(none_as_null=True)),  # what the till applies
    Column("code", String(64)),  # as it is shown
    Column("code_key", String(64)),  # what of it counts: by this a till finds it
    Column("shared", Integer, nullable=False),  # 1: the same code for everybody
    Column("reward", JSON(none_as_null=True)),  # of an invitation: what who invited gets, and for what; until it is given
    Column("at_s", Float, nullable=False),
    Column("expires_at_s", Float, nullable=False),
    Column("ends_at_s", Float, nullable=False),
    Column("takings", JSON, nullable=False),
    Column("spent_cents", Integer, nullable=False),  # of an amount that may be spent bit by bit
    Column("state", String(12), nullable=False),
    Column("state_at_s", Float, nullable=False),
    Index("ix_promises_shopper", "shopper"),
    Index("ix_promises_end", "state", "ends_at_s"),
    Index("ix_promises_nameless", "ends_at_s", sqlite_where=_NAMELESS, postgresql_where=_NAMELESS),
    # A code is in one of the two: its place in an index is anywhere, so each index costs every promise a page written.
    Index("uq_promises_own_code", "code_key", unique=True, sqlite_where=_OWN_CODE, postgresql_where=_OWN_CODE),
    Index("ix_promises_shared_code", "code_key", "state", "ends_at_s", sqlite_where=_SHARED_CODE, postgresql_where=_SHARED_CODE),
)
"""One row for each promise. Of one that stands only `state`, `spent_cents` and `reward` move on; erasure takes the name off it."""


_Query = Select[tuple[object, ...]]


class Reward(TypedDict):
    """What who invited gets, for what (`share`, `review`), and how long it waits for goods to come back."""

    worth: Mapping[str, float | str]
    to: str
    wait_s: float


class PromiseRecord(NamedTuple):
    """One promise. The JSON columns hold what was shown; `shopper`, `visit`, `zone` and `decision` go with an erasure."""

    id: str
    shopper: str | None
    visit: str | None
    zone: str | None
    decision: str | None
    book: str
    offer: str
    kind: str
    language: str
    content: Mapping[str, str]
    value: Mapping[str, float | str] | None
    terms: Mapping[str, object] | None
    code: str | None
    code_key: str | None
    shared: int
    reward: Reward | None
    at_s: float
    expires_at_s: float
    ends_at_s: float
    takings: Sequence[Taking]
    spent_cents: int
    state: str
    state_at_s: float


# Built once: making a statement costs more than running it.
_ADD = Prepared(insert(promises), promises.c.keys())
_FIND = select(promises).where(promises.c.id == bindparam("b_id"))
_HOLD = _FIND.with_for_update()
_ADVANCE = (
    update(promises)
    .where(promises.c.id == bindparam("b_id"), promises.c.state == bindparam("b_before"))
    .values(state=bindparam("b_state"), state_at_s=bindparam("b_at_s"))
)
_ENDED = (
    select(promises)
    .where(promises.c.state.in_(promise_states.OPEN), promises.c.ends_at_s < bindparam("b_now_s"))
    .order_by(promises.c.ends_at_s)
    .limit(bindparam("b_limit"))
)
_HISTORY = union_all(
    select(promises.c.offer, literal("announced").label("what"), promises.c.at_s, promises.c.visit).where(
        promises.c.shopper == bindparam("b_shopper"),
        promises.c.at_s >= bindparam("b_since_s"),
        promises.c.state != promise_states.WITHDRAWN,
    ),
    select(happenings.c.offer, happenings.c.what, happenings.c.at_s, happenings.c.visit).where(
        happenings.c.shopper == bindparam("b_shopper"),
        happenings.c.at_s >= bindparam("b_since_s"),
        happenings.c.what != "delivered",
    ),
).order_by("at_s")


def add(connection: Connection, promise: PromiseRecord) -> None:
    """Write a new promise. Raises IntegrityError for a code that another promise has."""
    _ADD.run(connection, promise._asdict())


def find(connection: Connection, promise: str) -> PromiseRecord | None:
    """A promise by its id."""
    return _one(connection, _FIND, promise)


def hold(connection: Connection, promise: str) -> PromiseRecord | None:
    """A promise by its id, to be changed: nobody else can until this transaction is over."""
    return _one(connection, _HOLD, promise)


def _one(connection: Connection, query: _Query, promise: str) -> PromiseRecord | None:
    row = connection.execute(query, {"b_id": promise}).first()
    return None if row is None else PromiseRecord._make(row)


def with_own_code(connection: Connection, key: str) -> PromiseRecord | None:
    """The promise that alone has a code, held; None: no promise has it for itself."""
    row = connection.execute(select(promises).where(promises.c.code_key == key, _OWN_CODE).with_for_update()).first()
    return None if row is None else PromiseRecord._make(row)


def with_shared_code(
    connection: Connection, key: str, among: Collection[str], *, good_at_s: float | None = None, latest: bool = False
) -> PromiseRecord | None:
    """One promise with a code that everybody has, held: in one of these states, not ended at `good_at_s`, or the latest moved.

    Such a code stands on many promises; nothing here reads them all.
    """
    rows = select(promises).where(promises.c.code_key == key, _SHARED_CODE, promises.c.state.in_(among))
    if good_at_s is not None:
        rows = rows.where(promises.c.ends_at_s >= good_at_s)
    if latest:
        rows = rows.order_by(promises.c.state_at_s.desc())
    row = connection.execute(rows.limit(1).with_for_update()).first()
    return None if row is None else PromiseRecord._make(row)


def spend(connection: Connection, promise: str, spent_cents: int) -> None:
    """Note how much of a promise's amount has been spent so far."""
    connection.execute(update(promises).where(promises.c.id == promise).values(spent_cents=spent_cents))


def advance(connection: Connection, promise: str, before: str, state: str, at_s: float) -> bool:
    """Put a promise that stands in state `before` in another; False: somebody else was first."""
    values = {"b_id": promise, "b_before": before, "b_state": state, "b_at_s": at_s}
    return connection.execute(_ADVANCE, values).rowcount == 1


def take_reward(connection: Connection, promise: str) -> bool:
    """Take the reward off an invitation; False: it has none (any more)."""
    unused = update(promises).where(promises.c.id == promise, promises.c.reward.is_not(null()))
    return connection.execute(unused.values(reward=null())).rowcount == 1


def history(connection: Connection, shopper: str, since_s: float) -> list[tuple[str, str, float, str]]:
    """(offer, what, at_s, visit) of a shopper since a moment, oldest first."""
    rows = connection.execute(_HISTORY, {"b_shopper": shopper, "b_since_s": since_s})
    return [(row.offer, row.what, row.at_s, row.visit) for row in rows]


def ended(connection: Connection, now_s: float, limit: int) -> Sequence[PromiseRecord]:
    """Promises whose end has passed and that stand in a state that can still expire, at most `limit`."""
    return [PromiseRecord._make(row) for row in connection.execute(_ENDED, {"b_now_s": now_s, "b_limit": limit})]


def purge(connection: Connection, before_s: float, nameless_before_s: float) -> int:
    """Delete a slice of the promises that ended before a moment, and one of the nameless that can't be undone; how many."""
    done = promises.c.state.in_(promise_states.DONE)
    gone = delete_slice(connection, promises.c.id, done & (promises.c.ends_at_s < before_s))
    nameless = promises.c.shopper.is_(None) & (promises.c.ends_at_s < nameless_before_s)
    return gone + delete_slice(connection, promises.c.id, nameless & done)


def unsent_of(connection: Connection, offer: str) -> Sequence[PromiseRecord]:
    """An offer's promises whose announcement was certainly never given to the network, held."""
    unsent = select(outbox.outbox.c.event_id).where(outbox.outbox.c.topic == outbox.OFFERS_TOPIC, outbox.never_handed())
    rows = select(promises).where(promises.c.id.in_(unsent), promises.c.offer == offer, promises.c.state == promise_states.RESERVED)
    return [PromiseRecord._make(row) for row in connection.execute(rows.with_for_update())]


def standing_of(connection: Connection, offer: str, at_s: float) -> int:
    """Return how many promises of an offer can still be redeemed."""
    rows = select(func.count()).where(
        promises.c.state.in_(promise_states.OPEN), promises.c.ends_at_s >= at_s, promises.c.offer == offer
    )
    return int(connection.execute(rows).scalar_one())


def page(
    connection: Connection, *, before: str | None = None, state: str | None = None, offer: str | None = None, limit: int = 50
) -> Sequence[PromiseRecord]:
    """Promises, newest first, from before an id on."""
    rows = select(promises).order_by(promises.c.id.desc()).limit(limit)
    for column, value in ((promises.c.state, state), (promises.c.offer, offer)):
        if value is not None:
            rows = rows.where(column == value)
    if before is not None:
        rows = rows.where(promises.c.id < before)
    return [PromiseRecord._make(row) for row in connection.execute(rows)]


def tally(connection: Connection) -> list[tuple[str, str, int]]:
    """(offer, state, how many) over all promises kept."""
    rows = select(promises.c.offer, promises.c.state, func.count().label("many")).group_by(promises.c.offer, promises.c.state)
    return [(row.offer, row.state, row.many) for row in connection.execute(rows)]


def release(connection: Connection, promise: PromiseRecord, at_s: float) -> None:
    """Take back a promise that was certainly never shown: every cap gets its share again, and the pool its code."""
    caps.give_back(connection, promise.takings, promise.shopper)
    if vouchers.back_to_pool(connection, promise.id):
        connection.execute(update(promises).where(promises.c.id == promise.id).values(code=None, code_key=None))
    advance(connection, promise.id, promise.state, promise_states.WITHDRAWN, at_s)


def erase(connection: Connection, shopper: str) -> int:
    """Make a shopper's promises nameless; what can no longer be honoured goes altogether. Rows touched.

    A voucher that may have been shown keeps code, wording, value and end; who, where and why are gone. What was never handed to
    the network is cancelled, and its caps get their share back. The shopper's own counters stay: they outlive a switch.
    """
    for unsent in outbox.cancel_unsent(connection, shopper):
        promise = hold(connection, unsent)
        if promise is not None and promise.state == promise_states.RESERVED:
            release(connection, promise, promise.at_s)
    worthless = promises.c.code.is_(None) | promises.c.state.in_(promise_states.DONE)
    touched = connection.execute(delete(promises).where(promises.c.shopper == shopper, worthless)).rowcount
    nameless = {"shopper": None, "visit": None, "zone": None, "decision": None, "reward": null()}
    return touched + connection.execute(update(promises).where(promises.c.shopper == shopper).values(**nameless)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""
    made = select(promises).where(promises.c.shopper == shopper).order_by(promises.c.at_s)
    return {"promises": [dict(row) for row in connection.execute(made).mappings()]}
