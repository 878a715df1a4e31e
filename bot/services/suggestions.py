"""The requester answers a suggestion: "Yes, close my request", or takes that back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.errors import NotAllowed, RefusedMove
from bot.ids import EventKind
from bot.lifecycle import RequestState
from bot.services.moves import STANDS, move, require
from bot.services.reopening import may_reopen, reopen
from bot.services.views import RequestView
from bot.settings import Settings
from bot.storage import queries
from bot.storage.tables import Feedback, FeedbackKind, SupportRequest
from classifier import Answer

ONLY_REQUESTER = "Only the person who opened this request can press this button."


@dataclass(frozen=True, slots=True)
class Closed:
    """A request closed with a suggestion. ``title`` is its answer's, or the category's name if the answer is gone."""

    request: RequestView
    title: str
    event_id: int


@dataclass(frozen=True, slots=True)
class Reopened:
    """A request that goes to a person after all."""

    request: RequestView
    event_id: int


def close(
    session: Session,
    now: datetime,
    *,
    team_id: str,
    user_id: str,
    request_id: int,
    suggestion_id: int,
    answers: Mapping[str, Answer],
) -> Closed:
    """Close with a suggestion. Raises NotAllowed for anybody but the requester, RefusedMove when it is too late."""
    request = find_own(session, team_id, request_id, user_id)
    suggestion = queries.find_suggestion(session, request, suggestion_id)
    event_id = move(
        session,
        now,
        request,
        RequestState.CLOSED_BY_SUGGESTION,
        kind=EventKind.CLOSED_BY_SUGGESTION,
        actor_id=user_id,
        data={
            "suggestion_id": suggestion.id,
            "category": suggestion.category,
            "position": suggestion.position,
        },
        closed_at=now,
        category=suggestion.category,  # the requester knows better than the model which of the two it was
        confidence=suggestion.probability,
    )
    note_feedback(session, now, request, user_id, FeedbackKind.CLOSED, suggestion_id)
    return Closed(RequestView.of(request), title_of(suggestion.category, answers), event_id)


def undo(
    session: Session, now: datetime, *, team_id: str, user_id: str, request_id: int, settings: Settings
) -> Reopened:
    """Take a close back: the request goes to a person. RefusedMove when it was never closed or the window has passed."""
    request = find_own(session, team_id, request_id, user_id)
    require(request, RequestState.CLOSED_BY_SUGGESTION)
    if not may_reopen(request, now, settings):
        raise RefusedMove(STANDS[RequestState.CLOSED])
    event_id = reopen(session, now, request, user_id, settings)
    note_feedback(session, now, request, user_id, FeedbackKind.UNDONE)
    return Reopened(RequestView.of(request), event_id)


def title_of(category: str | None, answers: Mapping[str, Answer]) -> str:
    """What a request was closed with, in words."""
    known = answers.get(category or "")
    return known.title if known else category or "a suggestion"


def find_own(session: Session, team_id: str, request_id: int, user_id: str) -> SupportRequest:
    """The request, if ``user_id`` opened it; else NotAllowed. Only the requester's click counts."""
    request = queries.find_request(session, team_id, request_id)
    if request.requester_id != user_id:
        raise NotAllowed(ONLY_REQUESTER)
    return request


def note_feedback(
    session: Session,
    now: datetime,
    request: SupportRequest,
    user_id: str,
    kind: FeedbackKind,
    suggestion_id: int | None = None,
) -> None:
    """Record one click of the requester's."""
    session.add(
        Feedback(
            team_id=request.team_id,
            request_id=request.id,
            suggestion_id=suggestion_id,
            kind=kind,
            user_id=user_id,
            at=now,
        )
    )
    session.flush()
