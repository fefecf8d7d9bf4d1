"""Short ids, and a queue beside the messages."""

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_IDS = (
    ("promises", "id"), ("promises", "decision"), ("happenings", "promise"), ("pool_codes", "promise"), ("redemptions", "promise"),
    ("decisions", "id"), ("outbox", "event_id"),
)  # fmt: skip
_HASHES = (("promises", "book"), ("decisions", "book"), ("decisions", "inputs_hash"))
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"(?:[0-9a-f]{2})+")


def upgrade() -> None:
    """Bring the tables from 0002 to 0003."""
    op.create_table(
        "outbox_waiting",
        sa.Column("rank", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", _SEQ, autoincrement=False, nullable=False),
        sa.Column("handed_at_s", sa.Float(precision=53), nullable=True),
        sa.PrimaryKeyConstraint("rank", "seq", name=op.f("pk_outbox_waiting")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO outbox_waiting (rank, seq, handed_at_s) "
        "SELECT CASE WHEN urgent THEN 0 ELSE 1 END, seq, handed_at_s FROM outbox WHERE acked_at_s IS NULL"
    )
    op.drop_index("ix_outbox_waiting", table_name="outbox")
    op.drop_column("outbox", "acked_at_s")
    op.drop_column("outbox", "handed_at_s")
    op.drop_index("ix_decisions_at", table_name="decisions")
    op.drop_index("ix_promises_shopper", table_name="promises")
    op.create_index("ix_promises_shopper", "promises", ["shopper"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        _shorten(_IDS, _UUID)
        _shorten(_HASHES, _HASH)


def _shorten(columns: tuple[tuple[str, str], ...], digits: re.Pattern[str]) -> None:
    """Hexadecimal text as its bytes; anything else stays as it is."""

    def short(text: str | bytes) -> str | bytes:
        return bytes.fromhex(text.replace("-", "")) if isinstance(text, str) and digits.fullmatch(text) else text

    driver: Any = op.get_bind().connection.driver_connection
    driver.create_function("short", 1, short, deterministic=True)
    for table, column in columns:
        op.execute(f"UPDATE {table} SET {column} = short({column}) WHERE {column} IS NOT NULL")  # noqa: S608  # names from above
