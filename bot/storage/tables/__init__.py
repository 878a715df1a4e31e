"""Every table. The schema changes only by a migration in ``migrations/``; ``alembic check`` compares the two.

Every row of people's data carries its Slack workspace (``team_id``), and every query names it: data of two
workspaces never meet.
"""

from bot.storage.tables.columns import ID_LENGTH, Base, HandWritten, UtcDateTime
from bot.storage.tables.jobs import JobSlot, Lock
from bot.storage.tables.log import Event
from bot.storage.tables.people import Agent, Requester
from bot.storage.tables.queues import (
    LET_GO,
    SETTLED,
    Conversation,
    InboxKind,
    InboxRow,
    OutboxKind,
    OutboxRow,
    PostedMessage,
    RowState,
)
from bot.storage.tables.requests import (
    Feedback,
    FeedbackKind,
    RequestMessage,
    Satisfaction,
    SatisfactionQuestion,
    Suggestion,
    SupportRequest,
)
from bot.storage.tables.routing import Assignment, DecisionReason, RoutingDecision

__all__ = [
    "ID_LENGTH",
    "LET_GO",
    "SETTLED",
    "Agent",
    "Assignment",
    "Base",
    "Conversation",
    "DecisionReason",
    "Event",
    "Feedback",
    "FeedbackKind",
    "HandWritten",
    "InboxKind",
    "InboxRow",
    "JobSlot",
    "Lock",
    "OutboxKind",
    "OutboxRow",
    "PostedMessage",
    "RequestMessage",
    "Requester",
    "RoutingDecision",
    "RowState",
    "Satisfaction",
    "SatisfactionQuestion",
    "Suggestion",
    "SupportRequest",
    "UtcDateTime",
]
