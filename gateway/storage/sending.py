"""The courier's part of the outbox: what may go next, what it is about to send, what the broker has, and what is over."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, exists, insert, or_, select, text, update

from gateway.storage import quarantine
from gateway.storage.outbox import (
    IN_TURN,
    OFFERS_TOPIC,
    QUEUED,
    URGENT,
    Release,
    never_handed,
    outbox,
    remove,
    their_places,
    unqueue,
    waiting,
)
from gateway.storage.prepared import Prepared

EXPIRED_PER_TURN = 64
"""Expired rows that one look at the head of the queue clears away: bounds how long the writer is held."""
RESENDS_MAX = 3
"""Times an announcement without a receipt goes again: a backend that is away for a week must not find it a hundred times."""

_ORDER = (waiting.c.rank, waiting.c.seq)
_MESSAGE: Select[Any] = select(
    *(outbox.c[name] for name in ("event_id", "topic", "shopper", "body", "expires_at_s")), waiting.c.handed_at_s, outbox.c.seq
).where(QUEUED)
# One parameter however many they are: hundreds may wait for the commit that takes them out, and this runs every few messages.
_NOT_DONE = {
    "sqlite": text("outbox_waiting.seq NOT IN (SELECT value FROM json_each(:done))"),
    "postgresql": text(
        "outbox_waiting.seq NOT IN (SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(:done AS JSON)))"
    ),
}
_AHEAD = {
    dialect: _MESSAGE.where(
        not_done,
        outbox.c.event_id.not_in(bindparam("busy", expanding=True)),
        outbox.c.topic.not_in(bindparam("held_topics", expanding=True)),
        or_(outbox.c.shopper.is_(None), outbox.c.shopper.not_in(bindparam("busy_shoppers", expanding=True))),
    )
    .order_by(*_ORDER)
    .limit(bindparam("ahead"))
    for dialect, not_done in _NOT_DONE.items()
}
_ONE = _MESSAGE.where(outbox.c.event_id == bindparam("event_id"))
_THESE = outbox.c.event_id.in_(bindparam("event_ids", expanding=True))
_UNHANDED = update(waiting).where(waiting.c.handed_at_s.is_(None)).values(handed_at_s=bindparam("now_s"))
_CLAIM = _UNHANDED.where(their_places(_THESE))
# Rows another gateway is at are passed over: nobody waits in the commit of a promise.
_FIRST = select(waiting.c.seq).order_by(*_ORDER).limit(bindparam("ahead")).with_for_update(skip_locked=True).cte("first")
_VALID = or_(outbox.c.expires_at_s.is_(None), outbox.c.expires_at_s > bindparam("at_s"))
_CLAIM_FIRST = Prepared(_UNHANDED.where(their_places(outbox.c.seq.in_(select(_FIRST.c.seq)) & _VALID)))
_STILL_THERE = select(outbox.c.event_id).where(_THESE)
_DELIVERED = delete(outbox).where(_THESE, outbox.c.topic != OFFERS_TOPIC)
_UNRECEIPTED = ~exists().where(QUEUED) & (outbox.c.resent < RESENDS_MAX)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message on its way out."""

    event_id: str
    topic: str
    shopper: str | None
    body: str
    expires_at_s: float | None
    handed_at_s: float | None = None
    seq: int = 0

    def is_over(self, at_s: float) -> bool:
        """Return whether its end has come."""
        return self.expires_at_s is not None and self.expires_at_s <= at_s


def look(
    connection: Connection,
    *,
    room: int,
    at_s: float,
    busy: Collection[str] = (),
    busy_shoppers: Collection[str] = (),
    done: Collection[int] = (),
    held_topics: Collection[str] = (),
) -> tuple[list[Waiting], list[str]]:
    """Up to `room` messages that may go next, and the event ids of expired ones met on the way. Changes nothing.

    Urgent ones first, then by age; one per shopper, which keeps their order whatever the network does. `busy` event ids and
    `busy_shoppers` are passed over, the numbers of messages that are `done` and will soon be gone, and messages of `held_topics`.
    """
    ready: list[Waiting] = []
    expired: list[str] = []
    shoppers: set[str | None] = set()
    bounds = {
        "busy": list(busy),
        "busy_shoppers": list(busy_shoppers),
        "held_topics": list(held_topics),
        "ahead": room + EXPIRED_PER_TURN,
    }
    for row in connection.execute(_AHEAD[connection.dialect.name], {**bounds, "done": json.dumps(list(done))}):
        if len(ready) == room:
            break
        message = Waiting(*row)
        if message.is_over(at_s):
            expired.append(message.event_id)
        elif message.shopper is None or message.shopper not in shoppers:
            ready.append(message)
            shoppers.add(message.shopper)
    return ready, expired


def look_at(connection: Connection, event_id: str, at_s: float) -> tuple[list[Waiting], list[str]]:
    """The same for one message."""
    row = connection.execute(_ONE, {"event_id": event_id}).first()
    if row is None:
        return [], []
    message = Waiting(*row)
    return ([], [event_id]) if message.is_over(at_s) else ([message], [])


def claim(connection: Connection, event_ids: Collection[str], at_s: float) -> set[str]:
    """Mark messages as handed to the network; those that are still there. Only they may be sent."""
    connection.execute(_CLAIM, {"event_ids": list(event_ids), "now_s": at_s})
    return set(connection.execute(_STILL_THERE, {"event_ids": list(event_ids)}).scalars())


def claim_first(connection: Connection, ahead: int, at_s: float) -> None:
    """Mark what is valid of the first `ahead` messages as handed to the network."""
    _CLAIM_FIRST.run(connection, {"ahead": ahead, "at_s": at_s, "now_s": at_s})


def acknowledge(connection: Connection, event_ids: Collection[str]) -> None:
    """The broker has these: announcements now wait for a receipt, all others have arrived as far as we can know."""
    if event_ids:
        unqueue(connection, outbox.c.event_id.in_(event_ids))
        connection.execute(_DELIVERED, {"event_ids": list(event_ids)})


def resend(connection: Connection, at_s: float) -> int:
    """Put announcements without a receipt back in the queue, at their old place: the broker may have lost them; how many."""
    rows = connection.execute(select(outbox.c.seq, outbox.c.urgent).where(_UNRECEIPTED)).all()
    if rows:
        connection.execute(update(outbox).where(_UNRECEIPTED).values(resent=outbox.c.resent + 1))
        connection.execute(
            insert(waiting), [{"rank": URGENT if row.urgent else IN_TURN, "seq": row.seq, "handed_at_s": at_s} for row in rows]
        )
    return len(rows)


def expire(connection: Connection, event_ids: Collection[str], release: Release) -> None:
    """Remove expired messages; `release` hears of those that were never handed to the network."""
    unsent = select(outbox.c.event_id).where(outbox.c.event_id.in_(event_ids), never_handed()).order_by(outbox.c.seq)
    released = list(connection.execute(unsent).scalars())
    remove(connection, event_ids)
    for event_id in released:
        release(connection, event_id)


def sweep(connection: Connection, at_s: float, release: Release, limit: int = 1000) -> int:
    """Remove up to `limit` expired messages wherever they stand in the queue, and old ones from quarantine; how many went."""
    over = list(connection.execute(select(outbox.c.event_id).where(outbox.c.expires_at_s <= at_s).limit(limit)).scalars())
    expire(connection, over, release)
    return len(over) + quarantine.purge(connection, at_s)
