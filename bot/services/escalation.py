"""The requester asks a person, says why the suggestions were no help, or no longer needs any."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.errors import RefusedMove
from bot.ids import EventKind
from bot.lifecycle import AssignmentState, RequestState
from bot.services.hedges import end_hedges
from bot.services.moves import STANDS, move, move_assignment, record, require
from bot.services.suggestions import find_own, note_feedback
from bot.services.views import OfferView, RequestView, view_offer
from bot.settings import Settings
from bot.storage import queries
from bot.storage.tables import FeedbackKind

REASONS = (FeedbackKind.NOT_WHAT_I_ASKED, FeedbackKind.DID_NOT_WORK)
NOT_ASKED = "You are not asked for a reason here, or have already given one. Thank you."


@dataclass(frozen=True, slots=True)
class Escalated:
    """A request that waits for a person because the requester asked for one."""

    request: RequestView
    event_id: int


@dataclass(frozen=True, slots=True)
class ReasonGiven:
    """Why the suggestions were no help has been recorded."""

    request: RequestView
    event_id: int


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A withdrawn request, and the offers or work that ended with it. ``told_wait`` is as in ``Answered``."""

    request: RequestView
    event_id: int
    cancelled: tuple[OfferView, ...]
    told_wait: int | None


def ask_person(
    session: Session, now: datetime, *, team_id: str, user_id: str, request_id: int, settings: Settings
) -> Escalated:
    """None of the suggestions helped. Raises NotAllowed for anybody but the requester, RefusedMove when it is too late."""
    request = find_own(session, team_id, request_id, user_id)
    require(request, RequestState.SUGGESTED)
    event_id = move(
        session,
        now,
        request,
        RequestState.WAITING,
        kind=EventKind.ESCALATED,
        actor_id=user_id,
        waiting_since=now,
        deadline_at=now + timedelta(seconds=settings.firstline_deadline_s),
    )
    note_feedback(session, now, request, user_id, FeedbackKind.ASKED_PERSON)
    return Escalated(RequestView.of(request), event_id)


def give_reason(
    session: Session, now: datetime, *, team_id: str, user_id: str, request_id: int, reason: FeedbackKind
) -> ReasonGiven:
    """Record why the suggestions were no help; it changes nothing else. RefusedMove where the card does not ask it."""
    request = find_own(session, team_id, request_id, user_id)
    if request.state not in (RequestState.WAITING, RequestState.OFFERED):
        raise RefusedMove(STANDS[request.state])
    if not queries.asks_reason(session, team_id, request_id):
        raise RefusedMove(NOT_ASKED)
    note_feedback(session, now, request, user_id, reason)
    event_id = record(
        session,
        now,
        team_id,
        EventKind.REASON_GIVEN,
        request_id=request_id,
        actor_id=user_id,
        data={"reason": reason},
    )
    return ReasonGiven(RequestView.of(request), event_id)


def withdraw(session: Session, now: datetime, *, team_id: str, user_id: str, request_id: int) -> Withdrawal:
    """The requester no longer needs help; an open offer, or the work on it, ends with the request."""
    request = find_own(session, team_id, request_id, user_id)
    agent_id = request.agent_id
    event_id = move(
        session,
        now,
        request,
        RequestState.WITHDRAWN,
        kind=EventKind.WITHDRAWN,
        actor_id=user_id,
        data={"agent_id": agent_id},
        closed_at=now,
    )
    ended = [*end_hedges(session, now, request, AssignmentState.CANCELLED)]
    assignment = queries.open_assignment(session, team_id, request_id)
    if assignment is not None:
        move_assignment(session, now, assignment, AssignmentState.CANCELLED)
        ended.insert(0, assignment)
    return Withdrawal(
        RequestView.of(request),
        event_id,
        tuple(view_offer(session, each, request) for each in ended),
        queries.wait_told_of(session, team_id, request_id),
    )
