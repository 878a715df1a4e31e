"""Offers waiting requests to free agents: the database's rows become routing's tasks and agents, its answer becomes offers.

One matcher at a time for each workspace, whoever is alive: it holds the workspace's row in ``locks`` to its commit.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.lifecycle import OPEN_ASSIGNMENTS, AssignmentState, RequestState
from bot.services import agents
from bot.services.barring import read_barred
from bot.services.moves import move
from bot.services.stuck import Stuck, note_stuck
from bot.services.views import OfferView, view_offer
from bot.services.working_hours import read_hours
from bot.settings import Settings
from bot.storage import queries
from bot.storage.tables import Assignment, Event, Lock, SupportRequest

BATCH = 500  # requests looked at in one run, longest waiting first; the rest wait for the next


@dataclass(frozen=True, slots=True)
class Offered:
    """What one run of the matcher did."""

    offers: tuple[OfferView, ...] = ()
    stuck: tuple[Stuck, ...] = ()


def teams_waiting(session: Session) -> list[str]:
    """The workspaces that have waiting requests."""
    return list(
        session.scalars(
            select(SupportRequest.team_id).where(SupportRequest.state == RequestState.WAITING).distinct()
        )
    )


def offer_waiting(session: Session, now: datetime, team_id: str, settings: Settings) -> Offered:
    """Offer what waits to whoever fits best, never to those whom :mod:`bot.services.barring` rules out."""
    _lock(session, now, f"matching:{team_id}")
    agents.seed(session, now, team_id, settings)
    waiting = _waiting(session, team_id)
    if not waiting:
        return Offered()
    staff = _agents(session, team_id, settings)
    matching, asked_again = _match(session, now, team_id, waiting, staff, settings)
    by_id = {str(request.id): request for request in waiting}
    expires_at = now + timedelta(seconds=settings.firstline_offer_s)
    offers = [
        _offer(session, now, by_id[assignment.task_id], assignment, expires_at)
        for assignment in matching.assignments
    ]
    # Everybody was asked and stayed silent: somebody is told, even while the silent are asked once more.
    left = [(by_id[entry.task_id], entry) for entry in (*matching.waiting, *asked_again)]
    return Offered(tuple(offers), note_stuck(session, now, team_id, left, has_agents=bool(staff)))


def _match(
    session: Session,
    now: datetime,
    team_id: str,
    waiting: Sequence[SupportRequest],
    staff: Sequence[routing.Agent],
    settings: Settings,
) -> tuple[routing.Matching, list[routing.Waiting]]:
    """Match, and where that leaves nobody, once more with those who were silent and have rested.

    Beside the matching: why those who are now asked again could be offered to nobody else.
    """
    barred = read_barred(session, now, team_id, [request.id for request in waiting], settings)
    listed = frozenset(category for agent in staff for category in agent.skills)
    first = routing.match([_task(request, barred[request.id].now, listed) for request in waiting], staff, now)
    left = {entry.task_id for entry in first.waiting if entry.reason is not routing.WaitReason.OUTBID}
    again = [request for request in waiting if str(request.id) in left and barred[request.id].rested]
    if not again:
        return first, []
    given = Counter(assignment.agent_id for assignment in first.assignments)
    second = routing.match(
        [_task(request, barred[request.id].still, listed) for request in again],
        [replace(agent, load=agent.load + given[agent.id]) for agent in staff],
        now,
    )
    retried = {str(request.id) for request in again}
    kept = (entry for entry in first.waiting if entry.task_id not in retried)
    matching = routing.Matching((*first.assignments, *second.assignments), (*kept, *second.waiting))
    offered = {assignment.task_id for assignment in second.assignments}
    return matching, [
        entry for entry in first.waiting if entry.task_id in offered and _was_everybody_asked(entry)
    ]


def _was_everybody_asked(entry: routing.Waiting) -> bool:
    return entry.reason is routing.WaitReason.ALL_DECLINED


def _lock(session: Session, now: datetime, name: str) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    session.execute(insert(Lock).values(name=name, taken_at=now).on_conflict_do_nothing())
    session.execute(update(Lock).where(Lock.name == name).values(taken_at=now))


def _waiting(session: Session, team_id: str) -> Sequence[SupportRequest]:
    was_told = (
        select(Event.id)
        .where(
            Event.team_id == team_id,
            Event.request_id == SupportRequest.id,
            Event.kind == EventKind.NOBODY_FREE,
            Event.id > queries.wait_of(),
        )
        .exists()
    )
    return session.scalars(
        select(SupportRequest)
        .where(SupportRequest.team_id == team_id, SupportRequest.state == RequestState.WAITING)
        # Those that nobody could be offered come last: however many there are, they must not hold up the others.
        .order_by(was_told, SupportRequest.waiting_since, SupportRequest.id)
        .limit(BATCH)
        # What somebody is withdrawing at this moment is left to the next run.
        .with_for_update(skip_locked=True)
    ).all()


def _task(request: SupportRequest, barred: frozenset[str], listed: frozenset[str]) -> routing.Task:
    """``listed`` are the categories that some agent has said a level for: one that no form shows bars nobody."""
    assert request.waiting_since is not None
    assert request.deadline_at is not None
    components = routing.TaskComponents(
        risk=1.0 if request.reopened_count else None,  # somebody thought it was solved, and it was not
        complexity=None if request.confidence is None else 1.0 - request.confidence,
    )
    return routing.Task(
        id=str(request.id),
        score=routing.task_score(components),
        category=request.category if request.category in listed else None,
        language=request.language,
        market=None,
        created_at=request.waiting_since,
        deadline_at=request.deadline_at,
        declined_by=barred | {request.requester_id},
    )


def _agents(session: Session, team_id: str, settings: Settings) -> list[routing.Agent]:
    loads = dict(
        session.execute(
            select(Assignment.agent_id, func.count())
            .where(Assignment.team_id == team_id, Assignment.state.in_(OPEN_ASSIGNMENTS))
            .group_by(Assignment.agent_id)
        ).all()
    )
    # Accuracy and speed are not measured yet: every agent has the prior's score.
    score = routing.agent_score(routing.AgentComponents())
    return [
        routing.Agent(
            id=agent.user_id,
            score=score,
            capacity=agents.capacity_of(agent, settings),
            load=loads.get(agent.user_id, 0),
            skills=agent.skills,
            languages=frozenset(agent.languages),
            markets=frozenset(agent.sites or ()),
            on=agent.is_on,
            hours=read_hours(agent.hours),
        )
        for agent in agents.active_agents(session, team_id, settings)
    ]


def _offer(
    session: Session,
    now: datetime,
    request: SupportRequest,
    chosen: routing.Assignment,
    expires_at: datetime,
) -> OfferView:
    # The request first: withdrawing it takes the two rows in the same order.
    assignment = Assignment(
        team_id=request.team_id,
        request_id=request.id,
        agent_id=chosen.agent_id,
        state=AssignmentState.OFFERED,
        cost=chosen.cost,
        reason=routing.explain(chosen),
        terms={term.name: term.value for term in chosen.terms},
        offered_at=now,
        expires_at=expires_at,
    )
    move(
        session,
        now,
        request,
        RequestState.OFFERED,
        kind=EventKind.OFFERED,
        data={"agent_id": chosen.agent_id, "cost": chosen.cost},
    )
    session.add(assignment)
    session.flush()
    return view_offer(session, assignment, request)
