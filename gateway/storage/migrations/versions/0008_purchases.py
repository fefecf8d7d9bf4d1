"""Keep purchases, with a promise behind them or without."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables from 0007 to 0008."""
    op.create_table(
        "purchases",
        sa.Column("purchase", sa.String(length=128), nullable=False),
        sa.Column("shopper", sa.String(length=64), nullable=False),
        sa.Column("at_s", sa.Float(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("remains", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("purchase", name=op.f("pk_purchases")),
    )
    op.create_index("ix_purchases_at", "purchases", ["at_s"], unique=False)
    op.create_index("ix_purchases_shopper", "purchases", ["shopper", "at_s"], unique=False)
