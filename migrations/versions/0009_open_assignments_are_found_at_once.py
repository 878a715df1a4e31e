"""open assignments are found at once, however many have ended

Revision: 0009, after 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_assignments_state", "assignments", ["state", "team_id"])


def downgrade() -> None:
    op.drop_index("ix_assignments_state", table_name="assignments")
