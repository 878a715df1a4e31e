"""An agent answers an offer, or ends the work on a request. Only the agent it was given to may."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, or_, select
from sqlalchemy.orm import Session

from bot.errors import NotAllowed, RefusedMove
from bot.ids import EventKind, message_key
from bot.lifecycle import AssignmentState, RequestState
from bot.services import satisfaction
from bot.services.hedges import UNANSWERED, end_hedges, open_hedges, pass_over_others, promote
from bot.services.moves import HOW_IT_ENDED, move, move_assignment, record
from bot.services.views import OfferView, view_offer
from bot.settings import Settings
from bot.storage import queries
from bot.storage.tables import Assignment, OutboxRow, RowState, SupportRequest


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an assignment. ``event_id`` names the change, ``state`` is the assignment's now.

    ``asks_satisfaction``: the requester is to be asked how the help was.
    ``told_wait`` is the wait that the fallback was told of, None where it was not (see :func:`queries.wait_told_of`).
    """

    offer: OfferView
    state: AssignmentState
    event_id: int
    told_wait: int | None = None
    passed_over: tuple["Answered", ...] = ()  # the offers that ended because this agent took the request
    asks_satisfaction: bool = False


@dataclass(frozen=True, slots=True)
class _Ending:
    """How an unanswered offer ends: by whose doing (None: the clock's), and what else changes in its row."""

    state: AssignmentState
    kind: EventKind
    actor_id: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


def accept(session: Session, now: datetime, *, team_id: str, user_id: str, assignment_id: int) -> Answered:
    """Take the offer. Even past its time, until somebody has ended it. Raises NotAllowed or RefusedMove."""
    assignment, request = _find_theirs(session, team_id, assignment_id, user_id)
    _require(assignment, *UNANSWERED)
    others = pass_over_others(session, now, assignment, request)
    event_id = move(
        session,
        now,
        request,
        RequestState.IN_PROGRESS,
        kind=EventKind.ACCEPTED,
        actor_id=user_id,
        data={"assignment_id": assignment_id},
        accepted_at=now,
        agent_id=user_id,
    )
    move_assignment(session, now, assignment, AssignmentState.ACCEPTED, answered_at=now)
    told_wait = queries.wait_told_of(session, team_id, request.id)
    passed_over = tuple(_answered(session, other, request, event_id) for other in others)
    return replace(
        _answered(session, assignment, request, event_id), told_wait=told_wait, passed_over=passed_over
    )


def take(
    session: Session, now: datetime, *, team_id: str, user_id: str, request_id: int, settings: Settings
) -> Answered:
    """Take a request that nobody could be offered. Agents and administrators may, the requester may not.

    Even while it is offered again to somebody who was silent before: that offer ends.
    """
    request = queries.find_request(session, team_id, request_id)
    if user_id not in {*settings.firstline_agents, *settings.firstline_admins}:
        raise NotAllowed("Only agents and administrators can take requests.")
    if user_id == request.requester_id:
        raise NotAllowed("This is your own request: somebody else has to take it.")
    passed_over = _end_offers(session, now, request) if request.state is RequestState.OFFERED else ()
    move(
        session,
        now,
        request,
        RequestState.OFFERED,
        kind=EventKind.OFFERED,
        actor_id=user_id,
        data={"agent_id": user_id},
    )
    assignment = Assignment(
        team_id=team_id,
        request_id=request_id,
        agent_id=user_id,
        state=AssignmentState.OFFERED,
        cost=0.0,
        reason="You took it yourself.",
        terms={},
        offered_at=now,
    )
    session.add(assignment)
    session.flush()
    accepted = accept(session, now, team_id=team_id, user_id=user_id, assignment_id=assignment.id)
    return replace(accepted, passed_over=passed_over)


def decline(session: Session, now: datetime, *, team_id: str, user_id: str, assignment_id: int) -> Answered:
    """Pass the offer on to the next agent; the request keeps its age. Raises NotAllowed or RefusedMove."""
    assignment, request = _find_theirs(session, team_id, assignment_id, user_id)
    _require(assignment, *UNANSWERED)
    ending = _Ending(AssignmentState.DECLINED, EventKind.DECLINED, user_id, {"answered_at": now})
    event_id = _end_unanswered(session, now, assignment, request, ending)
    return _answered(session, assignment, request, event_id)


def hand_back(session: Session, now: datetime, *, team_id: str, user_id: str, assignment_id: int) -> Answered:
    """Give accepted work back; it goes to somebody else. Raises NotAllowed or RefusedMove."""
    assignment, request = _find_theirs(session, team_id, assignment_id, user_id)
    _require(assignment, AssignmentState.ACCEPTED)
    event_id = _put_back(session, now, request, EventKind.HANDED_BACK, user_id, assignment_id)
    move_assignment(session, now, assignment, AssignmentState.HANDED_BACK)
    return _answered(session, assignment, request, event_id)


def resolve(
    session: Session, now: datetime, *, team_id: str, user_id: str, assignment_id: int, settings: Settings
) -> Answered:
    """The work is done. Administrators may say so too. Raises NotAllowed or RefusedMove."""
    assignment, request = queries.find_assignment(session, team_id, assignment_id)
    if user_id != assignment.agent_id and user_id not in settings.firstline_admins:
        raise NotAllowed("Only the agent who works on this request can resolve it.")
    _require(assignment, AssignmentState.ACCEPTED)
    event_id = move(
        session,
        now,
        request,
        RequestState.RESOLVED,
        kind=EventKind.RESOLVED,
        actor_id=user_id,
        data={"assignment_id": assignment_id},
        closed_at=now,
    )
    move_assignment(session, now, assignment, AssignmentState.RESOLVED)
    asks = satisfaction.ask(session, now, request, assignment, settings)
    return replace(_answered(session, assignment, request, event_id), asks_satisfaction=asks)


def is_any_over(session: Session, now: datetime) -> bool:
    """Whether :func:`expire` has anything to do."""
    return session.execute(_over(now).limit(1)).first() is not None


def expire(session: Session, now: datetime) -> tuple[Answered, ...]:
    """End every offer that nobody answered in time, in all workspaces; each goes to the next agent."""
    ended = []
    # By request, the order in which everybody locks them.
    over = _over(now).order_by(Assignment.request_id, Assignment.id).limit(200)
    for team_id, assignment_id in session.execute(over).all():
        assignment, request = queries.find_assignment(session, team_id, assignment_id)
        if assignment.state not in UNANSWERED:
            continue  # answered, or withdrawn, while we were looking
        ended.append(_expire(session, now, assignment, request))
    return tuple(ended)


def _over(now: datetime) -> Select[str, int]:
    """Workspace and id of every offer whose time is up, or whose card Slack refused for good: nobody will ever answer it."""
    card = Assignment.team_id + f":{message_key('offer', '')}" + cast(Assignment.id, String)
    was_given_up = (
        select(OutboxRow.id).where(OutboxRow.dedupe_key == card, OutboxRow.state == RowState.DEAD).exists()
    )
    return select(Assignment.team_id, Assignment.id).where(
        Assignment.state.in_(UNANSWERED), or_(Assignment.expires_at <= now, was_given_up)
    )


def _end_offers(session: Session, now: datetime, request: SupportRequest) -> tuple[Answered, ...]:
    """End whatever is unanswered, and leave the request waiting."""
    hedges = end_hedges(session, now, request, AssignmentState.PASSED_OVER)
    offered = queries.open_assignment(session, request.team_id, request.id)
    if offered is None:
        return ()
    first = _expire(session, now, offered, request)
    return (first, *(_answered(session, hedge, request, first.event_id) for hedge in hedges))


def _expire(session: Session, now: datetime, assignment: Assignment, request: SupportRequest) -> Answered:
    ending = _Ending(AssignmentState.EXPIRED, EventKind.EXPIRED)
    event_id = _end_unanswered(session, now, assignment, request, ending)
    return _answered(session, assignment, request, event_id)


def _end_unanswered(
    session: Session, now: datetime, assignment: Assignment, request: SupportRequest, ending: _Ending
) -> int:
    """End one offer; the request waits again unless others have been asked. Returns the event's id."""
    is_hedge = assignment.state is AssignmentState.HEDGED
    if not is_hedge and not open_hedges(session, request):
        event_id = _put_back(session, now, request, ending.kind, ending.actor_id, assignment.id)
        move_assignment(session, now, assignment, ending.state, **ending.changes)
        return event_id
    move_assignment(session, now, assignment, ending.state, **ending.changes)
    if not is_hedge:
        promote(session, now, request)
    data = {"from": request.state, "assignment_id": assignment.id}
    return record(
        session,
        now,
        request.team_id,
        ending.kind,
        request_id=request.id,
        actor_id=ending.actor_id,
        data=data,
    )


def _put_back(
    session: Session,
    now: datetime,
    request: SupportRequest,
    kind: EventKind,
    actor_id: str | None,
    assignment_id: int,
) -> int:
    # waiting_since and the deadline stay: the person has waited all along.
    return move(
        session,
        now,
        request,
        RequestState.WAITING,
        kind=kind,
        actor_id=actor_id,
        data={"assignment_id": assignment_id},
        agent_id=None,
        accepted_at=None,
    )


def _find_theirs(
    session: Session, team_id: str, assignment_id: int, user_id: str
) -> tuple[Assignment, SupportRequest]:
    assignment, request = queries.find_assignment(session, team_id, assignment_id)
    if assignment.agent_id != user_id:
        raise NotAllowed("Only the agent this request was offered to can press this button.")
    return assignment, request


def _require(assignment: Assignment, *states: AssignmentState) -> None:
    if assignment.state not in states:
        raise RefusedMove(HOW_IT_ENDED[assignment.state])


def _answered(session: Session, assignment: Assignment, request: SupportRequest, event_id: int) -> Answered:
    return Answered(view_offer(session, assignment, request), assignment.state, event_id)
