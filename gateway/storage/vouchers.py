"""What vouchers stand on: the counters of their caps, the pools of codes, and the till's redemptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)

from gateway.storage.metadata import metadata
from gateway.storage.prepared import Prepared

Taking = Sequence[Any]
"""[key, per shopper (0 or 1), kind of cap, amount]: what a promise took of one counter, as it stands in its row."""

counters = Table(
    "counters",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("shopper", String(64), primary_key=True),  # "" where the cap is not per shopper
    Column("used", BigInteger, nullable=False),  # issues, redemptions or cents
    Column("opened_at_s", Float, nullable=False),
)
"""What each cap has given out."""

pool_codes = Table(
    "pool_codes",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("offer", String(64), nullable=False),
    Column("place", Integer, nullable=False),
    Column("promise", String(36)),
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
    Column("promise", String(36)),
    Column("code", String(64), nullable=False),
    Column("answer", String(16), nullable=False),
    Column("at_s", Float, nullable=False),
    Column("said", JSON, nullable=False),
    Index("ix_redemptions_promise", "promise"),
    Index("ix_redemptions_at", "at_s"),
)
"""What each till asked and was answered, by the till's own key: asked again, it is told the same."""

_TAKE = Prepared(
    update(counters)
    .where(
        counters.c.key == bindparam("b_key"),
        counters.c.shopper == bindparam("b_shopper"),
        counters.c.used + bindparam("b_amount") <= bindparam("b_at_most"),
    )
    .values(used=counters.c.used + bindparam("b_amount"))
)
_GIVE_BACK = (
    update(counters)
    .where(counters.c.key == bindparam("b_key"), counters.c.shopper == bindparam("b_shopper"))
    .values(used=counters.c.used - bindparam("b_amount"))
)
_OPEN = text("INSERT INTO counters (key, shopper, used, opened_at_s) VALUES (:key, :shopper, 0, :at_s) ON CONFLICT DO NOTHING")
_FILL = text("INSERT INTO pool_codes (offer, code, place) VALUES (:offer, :code, :place) ON CONFLICT DO NOTHING")
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


def take(connection: Connection, key: str, shopper: str, amount: int, at_most: int, at_s: float) -> bool:
    """Add `amount` to a counter if the sum stays at or below `at_most`, in one conditional write; False: it doesn't fit."""
    values = {"b_key": key, "b_shopper": shopper, "b_amount": amount, "b_at_most": at_most}
    if _TAKE.run(connection, values).rowcount == 1:
        return True
    # Whoever opens it, here or in another gateway at this very moment: after this it is there.
    connection.execute(_OPEN, {"key": key, "shopper": shopper, "at_s": at_s})
    return _TAKE.run(connection, values).rowcount == 1


def give_back(connection: Connection, takings: Iterable[Taking], shopper: str | None) -> None:
    """Take off the counters again what a promise took of them."""
    for key, per_shopper, _kind, amount in takings:
        of = (shopper or "") if per_shopper else ""
        connection.execute(_GIVE_BACK, {"b_key": key, "b_shopper": of, "b_amount": amount})


def used(connection: Connection, key: str, shopper: str = "") -> int:
    """What a counter stands at; 0 before its first use."""
    row = connection.execute(select(counters.c.used).where(counters.c.key == key, counters.c.shopper == shopper)).first()
    return int(row[0]) if row else 0


def all_used(connection: Connection) -> list[tuple[str, int]]:
    """(key, used) of every counter that is not one shopper's own."""
    rows = select(counters.c.key, counters.c.used).where(counters.c.shopper == "").order_by(counters.c.key)
    return [(row.key, row.used) for row in connection.execute(rows)]


def fill_pool(connection: Connection, offer: str, codes: Sequence[str], exact: bool) -> str | None:
    """Add codes to an offer's pool; taken ones stay taken. `exact`: free ones that are not among them go.

    Returns a code that another offer's pool has already; None: all are this offer's.
    """
    if exact:
        connection.execute(delete(pool_codes).where(pool_codes.c.offer == offer, pool_codes.c.promise.is_(None)))
    if not codes:
        return None
    connection.execute(_FILL, [{"offer": offer, "code": code, "place": place} for place, code in enumerate(codes)])
    mine = set(connection.execute(select(pool_codes.c.code).where(pool_codes.c.offer == offer)).scalars())
    return next((code for code in codes if code not in mine), None)


def take_code(connection: Connection, offer: str, promise: str, part: int = 0, of: int = 1) -> str | None:
    """The next free code of a pool, now this promise's; None: none is left.

    `part`, from 0, `of` so many: only every so-manyth code is this gateway's to take.
    """
    free = connection.execute(_FREE, {"b_offer": offer, "b_part": part, "b_of": of}).scalar()
    if free is None:
        return None
    mine = update(pool_codes).where(pool_codes.c.offer == offer, pool_codes.c.code == free, pool_codes.c.promise.is_(None))
    return free if connection.execute(mine.values(promise=promise)).rowcount == 1 else None


def back_to_pool(connection: Connection, promise: str) -> bool:
    """Free the code of a promise that was certainly never shown; False: its code came from no pool."""
    return connection.execute(update(pool_codes).where(pool_codes.c.promise == promise).values(promise=None)).rowcount > 0


def asked_before(connection: Connection, till: str, key: str) -> Row[Any] | None:
    """What a till was answered to the same question."""
    return connection.execute(select(redemptions).where(redemptions.c.till == till, redemptions.c.key == key)).first()


def answered(connection: Connection, row: dict[str, Any]) -> None:
    """Note what a till was answered."""
    connection.execute(insert(redemptions), row)


def latest_redemptions(connection: Connection, limit: int = 50) -> Sequence[Row[Any]]:
    """What tills asked and were answered, newest first."""
    return connection.execute(select(redemptions).order_by(redemptions.c.at_s.desc()).limit(limit)).all()


def purge(connection: Connection, before_s: float, windows_opened_before_s: float) -> None:
    """Delete redemptions from before a moment, and the counters of windows that were opened before another.

    Counters of no window stay: a cap for the whole life of an offer must not begin anew.
    """
    connection.execute(delete(redemptions).where(redemptions.c.at_s < before_s))
    of_a_window = counters.c.key.contains("@", autoescape=True)
    connection.execute(delete(counters).where(of_a_window, counters.c.opened_at_s < windows_opened_before_s))


def erase(connection: Connection, shopper: str) -> int:
    """Delete a shopper's own counters. Redemptions carry no shopper."""
    return connection.execute(delete(counters).where(counters.c.shopper == shopper)).rowcount
