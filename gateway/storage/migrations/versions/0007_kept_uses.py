"""Let a shopper's own caps outlive a switch and an erasure, and note who left the measurement."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables from 0006 to 0007."""
    op.create_table(
        "kept_uses",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("opened_at_s", sa.Float(), nullable=False),
        sa.Column("erased_at_s", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "key", name=op.f("pk_kept_uses")),
    )
    op.create_index("ix_kept_uses_erased", "kept_uses", ["erased_at_s"], unique=False)
    with op.batch_alter_table("counters", schema=None) as batch_op:
        batch_op.add_column(sa.Column("worth", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("measure_left", sa.Boolean(), server_default=sa.false(), nullable=False))
