"""What vouchers stand on: the pools of codes, and the till's redemptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    text,
    tuple_,
    update,
)

from gateway.storage.metadata import metadata
from gateway.storage.packed import IdText
from gateway.storage.slices import SLICE_ROWS
from rules import code_key

pool_codes = Table(
    "pool_codes",
    metadata,
    Column("key", String(64), primary_key=True),  # what of the code counts
    Column("code", String(64), nullable=False),
    Column("offer", String(64), nullable=False),
    Column("place", Integer, nullable=False),
    Column("promise", IdText(36)),
    Index("ix_pool_codes_free", "offer", "promise", "place"),
    Index("ix_pool_codes_promise", "promise"),
)
"""The codes of the offers' pools, each with the promise that has it. A code that was shown is never given out again."""

redemptions = Table(
    "redemptions",
    metadata,
    Column("till", String(64), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("what", String(12), nullable=False),  # redeemed, reversed
    Column("promise", IdText(36)),
    Column("code", String(64), nullable=False),
    Column("answer", String(16), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("said", JSON, nullable=False),
    Index("ix_redemptions_promise", "promise"),
    Index("ix_redemptions_at", "at_s"),
)
"""What each till asked and was answered, by the till's own key: asked again, it is told the same."""


class RedemptionRecord(NamedTuple):
    """What a till asked, and the answer it got."""

    till: str
    key: str
    what: Literal["redeemed", "reversed"]
    promise: str | None
    code: str
    """As it was typed."""
    answer: str
    at_s: float
    said: Mapping[str, object]
    """All of the answer."""


_FILL = text("INSERT INTO pool_codes (key, offer, code, place) VALUES (:key, :offer, :code, :place) ON CONFLICT DO NOTHING")
_FREE = (
    select(pool_codes.c.code)
    .where(
        pool_codes.c.offer == bindparam("b_offer"),
        pool_codes.c.promise.is_(None),
        pool_codes.c.place % bindparam("b_of") == bindparam("b_part"),
    )
    .order_by(pool_codes.c.place)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def fill_pool(connection: Connection, offer: str, codes: Sequence[str], exact: bool) -> str | None:
    """Add codes to an offer's pool; taken ones stay taken. `exact`: free ones that are not among them go.

    Returns a code that another offer's pool has already; None: all are this offer's.
    """
    if exact:
        connection.execute(delete(pool_codes).where(pool_codes.c.offer == offer, pool_codes.c.promise.is_(None)))
    if not codes:
        return None
    rows = [{"key": code_key(code), "offer": offer, "code": code, "place": place} for place, code in enumerate(codes)]
    connection.execute(_FILL, rows)
    mine = set(connection.execute(select(pool_codes.c.key).where(pool_codes.c.offer == offer)).scalars())
    return next((str(row["code"]) for row in rows if row["key"] not in mine), None)


def take_code(connection: Connection, offer: str, promise: str, part: int = 0, of: int = 1) -> str | None:
    """The next free code of a pool, now this promise's; None: none is left.

    `part`, from 0, `of` so many: only every so-manyth code is this gateway's to take.
    """
    free = connection.execute(_FREE, {"b_offer": offer, "b_part": part, "b_of": of}).scalar()
    if free is None:
        return None
    mine = update(pool_codes).where(pool_codes.c.offer == offer, pool_codes.c.code == free, pool_codes.c.promise.is_(None))
    return free if connection.execute(mine.values(promise=promise)).rowcount == 1 else None


def offer_of_code(connection: Connection, code: str) -> str | None:
    """Return the offer whose pool has a code; None: it is in no pool."""
    return connection.execute(select(pool_codes.c.offer).where(pool_codes.c.key == code_key(code))).scalar()


def back_to_pool(connection: Connection, promise: str) -> bool:
    """Free the code of a promise that was certainly never shown; False: its code came from no pool."""
    return connection.execute(update(pool_codes).where(pool_codes.c.promise == promise).values(promise=None)).rowcount > 0


def asked_before(connection: Connection, till: str, key: str) -> RedemptionRecord | None:
    """Return what a till was answered to the same question."""
    row = connection.execute(select(redemptions).where(redemptions.c.till == till, redemptions.c.key == key)).first()
    return None if row is None else RedemptionRecord._make(row)


def note_answer(connection: Connection, redemption: RedemptionRecord) -> None:
    """Note what a till was answered."""
    connection.execute(insert(redemptions), redemption._asdict())


def latest_redemptions(connection: Connection, limit: int = 50) -> Sequence[RedemptionRecord]:
    """Return what tills asked and were answered, newest first."""
    rows = connection.execute(select(redemptions).order_by(redemptions.c.at_s.desc()).limit(limit))
    return [RedemptionRecord._make(row) for row in rows]


def purge(connection: Connection, before_s: float) -> int:
    """Delete a slice of the redemptions from before a moment; how many."""
    old = select(redemptions.c.till, redemptions.c.key).where(redemptions.c.at_s < before_s).limit(SLICE_ROWS)
    return connection.execute(delete(redemptions).where(tuple_(redemptions.c.till, redemptions.c.key).in_(old))).rowcount
