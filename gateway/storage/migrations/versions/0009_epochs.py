"""Count how far a database has come, so that one that was restored is known for it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables from 0008 to 0009."""
    op.create_table(
        "epochs",
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_epochs")),
    )
