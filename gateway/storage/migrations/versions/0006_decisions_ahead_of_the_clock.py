"""Note which decisions count from their receipt, and the version of a withdrawal that is proven."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables from 0004 to 0005."""
    with op.batch_alter_table("consents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ahead", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("erasures", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("ahead", sa.Boolean(), server_default=sa.false(), nullable=False))
