"""What services return about a row: frozen copies, so that nothing reads the database after the transaction."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.lifecycle import AssignmentState, RequestState
from bot.storage import queries
from bot.storage.tables import Assignment, SupportRequest
from classifier import Answer


@dataclass(frozen=True, slots=True)
class RequestView:
    """A support request as it stood at the end of the service. ``text`` is plain: escape it before Slack sees it."""

    id: int
    team_id: str
    requester_id: str
    channel_id: str
    thread_ts: str
    text: str
    state: RequestState
    category: str | None
    confidence: float | None
    opened_at: datetime
    waiting_since: datetime | None
    deadline_at: datetime | None
    reopened_count: int
    agent_id: str | None

    @classmethod
    def of(cls, row: SupportRequest) -> "RequestView":
        """Copy what is shown from ``row``."""
        return cls(
            id=row.id,
            team_id=row.team_id,
            requester_id=row.requester_id,
            channel_id=row.channel_id,
            thread_ts=row.thread_ts,
            text=row.text,
            state=row.state,
            category=row.category,
            confidence=row.confidence,
            opened_at=row.opened_at,
            waiting_since=row.waiting_since,
            deadline_at=row.deadline_at,
            reopened_count=row.reopened_count,
            agent_id=row.agent_id,
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion on a card: its answer, and the wording of the button that closes the request with it."""

    suggestion_id: int
    position: int
    close_label: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class OfferView:
    """An assignment as an agent sees it. ``reason`` is routing's sentence."""

    assignment_id: int
    agent_id: str
    reason: str
    offered_at: datetime
    expires_at: datetime | None
    request: RequestView
    words: str  # everything the requester has written so far, plain
    is_hedged: bool = False  # somebody else's offer of the same request is unanswered

    @classmethod
    def of(cls, row: Assignment, request: SupportRequest, words: str) -> "OfferView":
        """Copy what is shown from the two rows."""
        return cls(
            assignment_id=row.id,
            agent_id=row.agent_id,
            reason=row.reason,
            offered_at=row.offered_at,
            expires_at=row.expires_at,
            request=RequestView.of(request),
            words=words,
            is_hedged=row.state is AssignmentState.HEDGED,
        )


def view_offer(session: Session, assignment: Assignment, request: SupportRequest) -> OfferView:
    """An assignment as its agent sees it, with everything the requester has written."""
    return OfferView.of(assignment, request, queries.words_of(session, request))
