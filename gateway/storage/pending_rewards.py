"""Rewards that wait: an invitation was used, and the goods its friend bought may still come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, Float, Index, String, Table, delete, insert, select

from gateway.storage.metadata import metadata
from gateway.storage.packed import IdText

pending_rewards = Table(
    "pending_rewards",
    metadata,
    Column("invitation", IdText(36), primary_key=True),
    Column("shopper", String(64), nullable=False),
    Column("due_at_s", Float, nullable=False),
    Index("ix_pending_rewards_due", "due_at_s"),
    Index("ix_pending_rewards_shopper", "shopper"),
)


class PendingRewardRecord(NamedTuple):
    """The reward of an invitation (its promise's id), and when it is due."""

    invitation: str
    shopper: str
    due_at_s: float


def put(connection: Connection, pending: PendingRewardRecord) -> None:
    """Let a reward wait from now on, once for each invitation: the first use counts."""
    same = select(pending_rewards.c.invitation).where(pending_rewards.c.invitation == pending.invitation)
    if connection.execute(same).first() is None:
        connection.execute(insert(pending_rewards), pending._asdict())


def drop(connection: Connection, invitation: str) -> bool:
    """Let a reward wait no more; False: it didn't."""
    return connection.execute(delete(pending_rewards).where(pending_rewards.c.invitation == invitation)).rowcount > 0


def due(connection: Connection, now_s: float, limit: int) -> Sequence[PendingRewardRecord]:
    """Rewards that have waited long enough, the longest first."""
    rows = select(pending_rewards).where(pending_rewards.c.due_at_s <= now_s).order_by(pending_rewards.c.due_at_s).limit(limit)
    return [PendingRewardRecord._make(row) for row in connection.execute(rows)]


def erase(connection: Connection, shopper: str) -> int:
    """Delete a shopper's pending rewards; rows gone."""
    return connection.execute(delete(pending_rewards).where(pending_rewards.c.shopper == shopper)).rowcount


def export(connection: Connection, shopper: str) -> dict[str, object]:
    """All that is kept here about a shopper."""
    mine = select(pending_rewards.c.invitation, pending_rewards.c.due_at_s).where(pending_rewards.c.shopper == shopper)
    return {"pending_rewards": [dict(row) for row in connection.execute(mine).mappings()]}
