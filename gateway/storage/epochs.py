"""How far a database has come, beside the same number in the keys file: one that was restored, or lost its log, is behind."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, String, Table, insert, select, update

from gateway.storage.metadata import metadata

epochs = Table(
    "epochs",
    metadata,
    Column("gateway", String(64), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
)


def epoch_of(connection: Connection, gateway: str) -> int:
    """Return how far the database has come for a gateway; 0 before its first minute."""
    return connection.execute(select(epochs.c.epoch).where(epochs.c.gateway == gateway)).scalar() or 0


def set_epoch(connection: Connection, gateway: str, epoch: int) -> None:
    """Note how far the database has come."""
    if connection.execute(update(epochs).where(epochs.c.gateway == gateway).values(epoch=epoch)).rowcount == 0:
        connection.execute(insert(epochs), {"gateway": gateway, "epoch": epoch})
