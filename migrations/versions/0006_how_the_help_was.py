"""requesters say how the help was

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "satisfaction_questions",
        sa.Column("id", row_id, nullable=False),
        sa.Column("team_id", sa.String(length=32), nullable=False),
        sa.Column("request_id", row_id, nullable=False),
        sa.Column("assignment_id", row_id, nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(length=32), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_satisfaction_questions")),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["support_requests.id"],
            name=op.f("fk_satisfaction_questions_request_id_support_requests"),
        ),
        sa.ForeignKeyConstraint(
            ["assignment_id"],
            ["assignments.id"],
            name=op.f("fk_satisfaction_questions_assignment_id_assignments"),
        ),
        sa.UniqueConstraint("request_id", name=op.f("uq_satisfaction_questions_request_id")),
    )


def downgrade() -> None:
    op.drop_table("satisfaction_questions")
