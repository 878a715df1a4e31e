"""Why a request went to whom it did: read from the log of routing decisions, for its agent and for administrators."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import routing
from bot.errors import NotAllowed
from bot.lifecycle import AssignmentState
from bot.services.demand import doubt
from bot.services.permissions import require_admin
from bot.settings import Settings
from bot.storage import queries
from bot.storage.tables import Assignment, DecisionReason, RoutingDecision, SupportRequest
from routing.explaining import smallest_flip, why_not
from routing.explaining.record import RULES
from routing.plain import parse_time, read_agent, read_params, read_similarity, read_task

ONLY_STAFF = "Only agents and administrators can ask why a request was offered to somebody."
UNKNOWN = "There is no such request here. Give its number or a link to its message."
UNREADABLE = "Ask about a request (its number, or a link to its message), about a @person, or both."
NEVER_OFFERED = "This request has been offered to nobody so far."
NOTHING_OFFERED = "Nothing has been offered so far."
FORGOTTEN = "What this decision was made of is no longer kept."
ASKED_THEMSELVES = "the one who has it asked for work with /firstline next, so nobody else was looked at"
LATEST = 3  # offers that an agent is told of
FLIP_PAIRS = 500  # in decisions with more tasks times agents, looking for the smallest change takes too long

_BEFORE: dict[AssignmentState, str] = {
    AssignmentState.DECLINED: "had declined it",
    AssignmentState.HANDED_BACK: "had handed it back",
    AssignmentState.EXPIRED: "had not answered an offer of it in time",
    AssignmentState.OFFERED: "was asked before and has not answered yet",
    AssignmentState.HEDGED: "was asked before and has not answered yet",
    AssignmentState.PASSED_OVER: "was asked before, and somebody else was quicker",
}


@dataclass(frozen=True, slots=True)
class Question:
    """What an administrator asks about: a request by its number or by a message in it, a person, both, or neither."""

    request_id: int | None = None
    message: tuple[str, str] | None = None  # channel and ts
    person: str | None = None

    @property
    def names_request(self) -> bool:
        return self.request_id is not None or self.message is not None


@dataclass(frozen=True, slots=True)
class WhyNotThem:
    """Why a request did not go to ``person``: half a sentence about them."""

    person: str
    detail: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why one offer went to ``agent_id``. ``terms`` add up to ``cost``; they have no meaning where the record is gone.

    ``reason`` is the sentence on the offer's card. ``flip`` is the smallest change that would have given it to another.
    ``staff`` are the agents there were. ``doubt`` is how unsure the classifier was, one part of what the request asks for.
    """

    request_id: int
    category: str | None
    agent_id: str
    state: AssignmentState
    offered_at: datetime
    reason: str
    cost: float
    terms: tuple[routing.Term, ...]
    runner_up: routing.RunnerUp | None = None
    not_them: WhyNotThem | None = None
    flip: str | None = None
    staff: frozenset[str] = frozenset()
    doubt: float | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """What is told: to agents their own offers without others' names, to administrators one offer with everything."""

    offers: tuple[Why, ...]
    for_admin: bool


def explain(
    session: Session, *, team_id: str, user_id: str, question: Question | None, settings: Settings
) -> Explained:
    """Answer ``/firstline why``. Nothing is written. Raises NotAllowed."""
    is_agent = user_id in settings.firstline_agents
    if question is None:
        raise NotAllowed(UNREADABLE if is_agent or user_id in settings.firstline_admins else ONLY_STAFF)
    if is_agent and question == Question():
        return Explained(_latest_of(session, team_id, user_id), for_admin=False)
    if is_agent or user_id in settings.firstline_admins:
        require_admin(user_id, settings)
    else:
        raise NotAllowed(ONLY_STAFF)
    return Explained((_of_request(session, team_id, question),), for_admin=True)


def _latest_of(session: Session, team_id: str, user_id: str) -> tuple[Why, ...]:
    rows = session.execute(
        _offers(team_id).where(Assignment.agent_id == user_id).order_by(Assignment.id.desc()).limit(LATEST)
    ).all()
    if not rows:
        raise NotAllowed(NOTHING_OFFERED)
    return tuple(_why(assignment, request, decision) for assignment, request, decision in rows)


def _of_request(session: Session, team_id: str, question: Question) -> Why:
    offers = _offers(team_id)
    if question.names_request:
        offers = offers.where(Assignment.request_id == _find(session, team_id, question))
    row = session.execute(offers.order_by(Assignment.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotAllowed(NEVER_OFFERED if question.names_request else NOTHING_OFFERED)
    assignment, request, decision = row
    told = _why(assignment, request, decision)
    flip = None if decision is None else _flip(assignment, decision)
    if question.person is None:
        return replace(told, flip=flip)
    detail = _asked_before(session, assignment, request, question.person) or _why_not(
        assignment, decision, question.person
    )
    return replace(told, flip=flip, not_them=WhyNotThem(question.person, detail))


def _offers(team_id: str) -> Any:
    return (
        select(Assignment, SupportRequest, RoutingDecision)
        .join(SupportRequest, SupportRequest.id == Assignment.request_id)
        .outerjoin(
            RoutingDecision,
            (RoutingDecision.id == Assignment.routing_decision_id) & (RoutingDecision.team_id == team_id),
        )
        .where(Assignment.team_id == team_id, SupportRequest.team_id == team_id)
    )


def _find(session: Session, team_id: str, question: Question) -> int:
    if question.message is not None:
        request_id = queries.request_id_of_message(session, team_id, *question.message)
    else:
        request_id = session.scalar(
            select(SupportRequest.id).where(
                SupportRequest.team_id == team_id, SupportRequest.id == question.request_id
            )
        )
    if request_id is None:
        raise NotAllowed(UNKNOWN)
    return request_id


def _why(assignment: Assignment, request: SupportRequest, decision: RoutingDecision | None) -> Why:
    told = None if decision is None else _told(decision.record, assignment)
    terms = told["terms"] if told else [_bare(name, value) for name, value in assignment.terms.items()]
    return Why(
        request_id=request.id,
        category=request.category,
        agent_id=assignment.agent_id,
        state=assignment.state,
        offered_at=assignment.offered_at,
        reason=assignment.reason,
        cost=assignment.cost,
        terms=tuple(routing.Term(**term) for term in terms),
        runner_up=routing.RunnerUp(**told["runner_up"]) if told and told["runner_up"] else None,
        staff=frozenset(agent["id"] for agent in decision.record["agents"]) if decision else frozenset(),
        doubt=doubt(request) if told else None,
    )


def _bare(name: str, value: float) -> dict[str, Any]:
    return {"name": name, "value": value, "meaning": ""}


def _asked_before(
    session: Session, assignment: Assignment, request: SupportRequest, person: str
) -> str | None:
    """What had come between ``person`` and the request before this offer; None: nothing."""
    if person == assignment.agent_id:
        return "is the one it was given to"
    if person == request.requester_id:
        return "wrote it themselves"
    state = session.scalar(
        select(Assignment.state)
        .where(
            Assignment.team_id == assignment.team_id,
            Assignment.request_id == assignment.request_id,
            Assignment.agent_id == person,
            Assignment.id < assignment.id,
        )
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    return None if state is None else _BEFORE.get(state)


def _told(record: Mapping[str, Any], assignment: Assignment) -> dict[str, Any] | None:
    """The assignment as the record holds it."""
    entries = record["outcome"]["assignments"]
    found: dict[str, Any] | None = next(
        (entry for entry in entries if entry["task_id"] == str(assignment.request_id)), None
    )
    return found


def _why_not(assignment: Assignment, decision: RoutingDecision | None, person: str) -> str:
    if decision is None or decision.record["rules"] != RULES:
        return FORGOTTEN
    if decision.reason is DecisionReason.PULL:
        return ASKED_THEMSELVES
    try:
        return why_not(*_inputs(decision.record), str(assignment.request_id), person).detail
    except routing.InvalidAgent:
        return "was not among the agents then"


def _flip(assignment: Assignment, decision: RoutingDecision) -> str | None:
    record = decision.record
    too_many = len(record["tasks"]) * len(record["agents"]) > FLIP_PAIRS
    if too_many or record["rules"] != RULES or decision.reason is DecisionReason.PULL:
        return None
    flip = smallest_flip(*_inputs(record), str(assignment.request_id))
    return None if flip is None else flip.sentence


def _inputs(
    record: Mapping[str, Any],
) -> tuple[
    list[routing.Task], list[routing.Agent], datetime, routing.MatchParams, dict[tuple[str, str], float]
]:
    return (
        [read_task(entry) for entry in record["tasks"]],
        [read_agent(entry) for entry in record["agents"]],
        parse_time(record["now"]),
        read_params(record["params"]),
        read_similarity(record["similarity"]),
    )
