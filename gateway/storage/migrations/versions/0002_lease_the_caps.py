"""Lease the caps."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables from 0001 to 0002."""
    op.create_table(
        "leases",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("at_most", sa.BigInteger(), nullable=False),
        sa.Column("unspent", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "gateway", name=op.f("pk_leases")),
    )
