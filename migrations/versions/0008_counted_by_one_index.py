"""statistics count by one index; every request that got no suggestion says so itself

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

COUNTED_BY = [
    "team_id",
    "category",
    "no_suggestion",
    "language",
    "opened_at",
    "state",
    "agent_id",
    "reopened_count",
    "answered_at",
    "waiting_since",
    "accepted_at",
    "closed_at",
]
# Requests from before revision 0002: whether suggestions were shown was only to be read from the suggestions.
UNRECORDED = """
    UPDATE support_requests SET no_suggestion = 'unrecorded'
    WHERE no_suggestion IS NULL AND answered_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM suggestions WHERE suggestions.request_id = support_requests.id)
"""


def upgrade() -> None:
    op.execute(sa.text(UNRECORDED))
    op.create_index("ix_support_requests_counted", "support_requests", COUNTED_BY)
    op.create_index("ix_satisfaction_questions_answer", "satisfaction_questions", ["team_id", "answer"])
    op.create_index(
        "ix_satisfaction_questions_answered", "satisfaction_questions", ["team_id", "answered_at"]
    )


def downgrade() -> None:
    op.drop_index("ix_satisfaction_questions_answered", table_name="satisfaction_questions")
    op.drop_index("ix_satisfaction_questions_answer", table_name="satisfaction_questions")
    op.drop_index("ix_support_requests_counted", table_name="support_requests")
    op.execute("UPDATE support_requests SET no_suggestion = NULL WHERE no_suggestion = 'unrecorded'")
