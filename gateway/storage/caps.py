"""What the caps have given out: one counter each; and the leases by which several gateways on one database share a counter.

A counter says what is out: promised, or leased and not spent yet. Where a gateway has the database to itself, each promise raises
the counters by one conditional write. On a shared one every gateway would then wait for the commits of all the others, so there a
promise spends from its own gateway's lease, a row that nobody else writes to, and only when that is spent a block more is taken
from the counter. A lease has no end and needs no clock: whoever finds a counter too full takes back what others, alive or dead,
have not spent of it. Spending and taking back are in the transaction of the promise, so that a gateway killed at any instant leaves
a lease that is exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    false,
    func,
    insert,
    select,
    text,
    update,
)

from gateway.storage.metadata import metadata
from gateway.storage.prepared import Prepared

BLOCK_PARTS = 8
"""A block is an eighth of what is left: large while there is much, one by one at the end, where it might lie idle."""


class Taking(NamedTuple):
    """What a promise took of one counter, as it stands in its row."""

    key: str
    per_shopper: int
    """1: of this shopper's own counter."""
    kind: str
    amount: int


counters = Table(
    "counters",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("shopper", String(64), primary_key=True),  # "" where the cap is not per shopper
    Column("used", BigInteger, nullable=False),  # issues, redemptions or cents
    Column("opened_at_s", Float, nullable=False),
    Column("worth", Boolean, nullable=False, server_default=false()),  # what it counts has a worth, so it outlives an erasure
)
"""What is out of each cap."""

kept_uses = Table(
    "kept_uses",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),  # keyed hash, as in the proof of the erasure
    Column("key", String(200), primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("opened_at_s", Float, nullable=False),
    Column("erased_at_s", Float, nullable=False),
    Index("ix_kept_uses_erased", "erased_at_s"),
)
"""What an erased shopper had used of their own caps on offers with a worth: erasing oneself must not pay."""

leases = Table(
    "leases",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("gateway", String(64), primary_key=True),
    Column("at_most", BigInteger, nullable=False),  # the cap it was cut from: a changed one is cut anew
    Column("unspent", BigInteger, nullable=False),
)
"""What a gateway has taken of a counter beforehand and not promised yet."""

_TAKE = Prepared(
    update(counters)
    .where(
        counters.c.key == bindparam("b_key"),
        counters.c.shopper == bindparam("b_shopper"),
        counters.c.used + bindparam("b_amount") <= bindparam("b_at_most"),
    )
    .values(used=counters.c.used + bindparam("b_amount"))
)
_SPEND = Prepared(
    update(leases)
    .where(
        leases.c.key == bindparam("b_key"),
        leases.c.gateway == bindparam("b_gateway"),
        leases.c.at_most == bindparam("b_at_most"),
        leases.c.unspent >= bindparam("b_amount"),
    )
    .values(unspent=leases.c.unspent - bindparam("b_amount"))
)
_SHOPS_OWN = (counters.c.key == bindparam("b_key")) & (counters.c.shopper == "")
_HOLD = select(counters.c.used).where(_SHOPS_OWN).with_for_update()
_SET = update(counters).where(_SHOPS_OWN).values(used=bindparam("b_used"))
_END_ALL = delete(leases).where(leases.c.key == bindparam("b_key")).returning(leases.c.unspent)
_END_OWN = _END_ALL.where(leases.c.gateway == bindparam("b_gateway"))
_UNSPENT = select(func.coalesce(func.sum(leases.c.unspent), 0)).where(leases.c.key == counters.c.key).scalar_subquery()
_PROMISED = select(counters.c.key, counters.c.used - _UNSPENT).where(counters.c.shopper == "").order_by(counters.c.key)
_GIVE_BACK = (
    update(counters)
    .where(counters.c.key == bindparam("b_key"), counters.c.shopper == bindparam("b_shopper"))
    .values(used=counters.c.used - bindparam("b_amount"))
)
_PURGE = delete(counters).where(counters.c.key.contains("@", autoescape=True), counters.c.opened_at_s < bindparam("b_before_s"))
_PURGE_KEPT = delete(kept_uses).where(
    kept_uses.c.key.contains("@", autoescape=True), kept_uses.c.opened_at_s < bindparam("b_before_s")
)
_PURGE_LEASES = delete(leases).where(leases.c.key.not_in(select(counters.c.key)))
_OPEN = text(
    "INSERT INTO counters (key, shopper, used, opened_at_s, worth) VALUES (:key, :shopper, 0, :at_s, :worth) ON CONFLICT DO NOTHING"
)


def take(connection: Connection, key: str, shopper: str, amount: int, at_most: int, at_s: float, *, worth: bool = False) -> bool:
    """Add `amount` to a counter if the sum stays at or below `at_most`, in one conditional write; False: it doesn't fit.

    `worth`: what is counted has a worth, so a shopper's own count is kept after their erasure, without a name.
    """
    values = {"b_key": key, "b_shopper": shopper, "b_amount": amount, "b_at_most": at_most}
    if _TAKE.run(connection, values).rowcount == 1:
        return True
    # Whoever opens it, here or in another gateway at this very moment: after this it is there.
    connection.execute(_OPEN, {"key": key, "shopper": shopper, "at_s": at_s, "worth": worth})
    return _TAKE.run(connection, values).rowcount == 1


def take_leased(connection: Connection, key: str, gateway: str, amount: int, at_most: int, at_s: float) -> bool:
    """The same for one of several gateways: from its own lease, or else from the counter, with a block for what comes next."""
    if _SPEND.run(connection, {"b_key": key, "b_gateway": gateway, "b_amount": amount, "b_at_most": at_most}).rowcount == 1:
        return True
    connection.execute(_OPEN, {"key": key, "shopper": "", "at_s": at_s, "worth": False})
    out: int = connection.execute(_HOLD, {"b_key": key}).scalar_one()
    out -= sum(connection.execute(_END_OWN, {"b_key": key, "b_gateway": gateway}).scalars())
    if out + amount > at_most:
        out -= sum(connection.execute(_END_ALL, {"b_key": key}).scalars())
    fits = out + amount <= at_most
    block = max(amount, (at_most - out) // BLOCK_PARTS) if fits else 0
    connection.execute(_SET, {"b_key": key, "b_used": out + block})
    if block > amount:
        connection.execute(insert(leases), {"key": key, "gateway": gateway, "at_most": at_most, "unspent": block - amount})
    return fits


def give_back(connection: Connection, takings: Iterable[Taking], shopper: str | None) -> None:
    """Take off the counters again what a promise took of them."""
    for key, per_shopper, _kind, amount in takings:
        of = (shopper or "") if per_shopper else ""
        connection.execute(_GIVE_BACK, {"b_key": key, "b_shopper": of, "b_amount": amount})


def take_again(connection: Connection, takings: Iterable[Taking], shopper: str | None) -> None:
    """Put back on the counters what a promise took of them, also over their caps: it was given back by mistake."""
    give_back(connection, (taking._replace(amount=-taking.amount) for taking in map(Taking._make, takings)), shopper)


def used(connection: Connection, key: str) -> int:
    """Return what was promised of a cap; 0 before its first use."""
    return dict(all_used(connection)).get(key, 0)


def all_used(connection: Connection) -> list[tuple[str, int]]:
    """(key, promised) of every cap that is not one shopper's own."""
    return [(key, int(promised)) for key, promised in connection.execute(_PROMISED)]


def purge(connection: Connection, windows_opened_before_s: float) -> None:
    """Delete the counters of windows that were opened before a moment, with their leases.

    Counters of no window stay: a cap for the whole life of an offer must not begin anew.
    """
    connection.execute(_PURGE, {"b_before_s": windows_opened_before_s})
    connection.execute(_PURGE_KEPT, {"b_before_s": windows_opened_before_s})
    connection.execute(_PURGE_LEASES)


def keep_uses(connection: Connection, shopper: str, digest: bytes, erased_at_s: float) -> None:
    """Note without a name what a shopper who is being erased has used of their own caps on offers with a worth."""
    columns = (counters.c.key, counters.c.used, counters.c.opened_at_s)
    used = select(*columns).where(counters.c.shopper == shopper, counters.c.worth, counters.c.used > 0)
    rows = [dict(row) for row in connection.execute(used).mappings()]
    connection.execute(delete(kept_uses).where(kept_uses.c.digest == digest))
    if rows:
        connection.execute(insert(kept_uses), [row | {"digest": digest, "erased_at_s": erased_at_s} for row in rows])


def take_up_uses(connection: Connection, shopper: str, digest: bytes) -> None:
    """Let a shopper who comes back after an erasure go on where their own caps stood."""
    kept = select(kept_uses.c.key, kept_uses.c.used, kept_uses.c.opened_at_s).where(kept_uses.c.digest == digest)
    rows = [dict(row) | {"shopper": shopper, "worth": True} for row in connection.execute(kept).mappings()]
    if rows:
        connection.execute(insert(counters), rows)
        connection.execute(delete(kept_uses).where(kept_uses.c.digest == digest))


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """Return what a shopper has used of their own caps."""
    used = select(counters.c.key, counters.c.used, counters.c.opened_at_s).where(counters.c.shopper == shopper)
    return {"counters": [dict(row) for row in connection.execute(used.order_by(counters.c.key)).mappings()]}


def erase(connection: Connection, shopper: str) -> int:
    """Delete a shopper's own counters; rows gone."""
    return connection.execute(delete(counters).where(counters.c.shopper == shopper)).rowcount
