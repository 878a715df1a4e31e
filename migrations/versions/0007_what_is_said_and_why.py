"""what is said names the delivery and the request it is about; waiting requests are found without a workspace

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.add_column(sa.Column("delivery_key", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("request_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_support_requests_waits", "support_requests", ["state", "waiting_since"])


def downgrade() -> None:
    op.drop_index("ix_support_requests_waits", table_name="support_requests")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_column("request_id")
        batch_op.drop_column("arrived_at")
        batch_op.drop_column("delivery_key")
