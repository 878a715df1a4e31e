"""Offers waiting requests to free agents: the database's rows become routing's tasks and agents, its answer becomes offers.

One matcher at a time for each workspace, whoever is alive: it holds the workspace's row in ``locks`` to its commit.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.lifecycle import OPEN_ASSIGNMENTS, AssignmentState, RequestState
from bot.services import agents, lookups
from bot.services.moves import move, record
from bot.services.views import OfferView, RequestView
from bot.settings import Settings
from bot.storage.tables import Assignment, Event, Lock, SupportRequest

PASSED = (AssignmentState.DECLINED, AssignmentState.EXPIRED, AssignmentState.HANDED_BACK)
BATCH = 500  # requests looked at in one run, longest waiting first; the rest wait for the next


@dataclass(frozen=True, slots=True)
class Stuck:
    """A request that nobody could be offered, told of for the first time. ``detail`` is routing's sentence."""

    request: RequestView
    detail: str


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
    """Offer what waits to whoever fits best; nobody is offered a request twice, nor their own."""
    _lock(session, now, f"matching:{team_id}")
    agents.seed(session, now, team_id, settings)
    waiting = _waiting(session, team_id)
    if not waiting:
        return Offered()
    passed = _passed(session, team_id, [request.id for request in waiting])
    matching = routing.match(
        [_task(request, passed[request.id]) for request in waiting], _agents(session, team_id), now
    )
    by_id = {str(request.id): request for request in waiting}
    expires_at = now + timedelta(seconds=settings.firstline_offer_s)
    offers = [
        _offer(session, now, by_id[assignment.task_id], assignment, expires_at)
        for assignment in matching.assignments
    ]
    stuck = [entry for entry in matching.waiting if _is_stuck(entry, by_id[entry.task_id], now)]
    return Offered(tuple(offers), _note_stuck(session, now, team_id, stuck, by_id))


def _is_stuck(entry: routing.Waiting, request: SupportRequest, now: datetime) -> bool:
    """Whether somebody must be told: nobody will come by waiting, or half of the time is gone."""
    if entry.reason not in (routing.WaitReason.OUTBID, routing.WaitReason.EVERYBODY_FULL):
        return True
    assert request.waiting_since is not None
    assert request.deadline_at is not None
    return now - request.waiting_since >= (request.deadline_at - request.waiting_since) / 2


def _lock(session: Session, now: datetime, name: str) -> None:
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    session.execute(insert(Lock).values(name=name, taken_at=now).on_conflict_do_nothing())
    session.execute(update(Lock).where(Lock.name == name).values(taken_at=now))


def _waiting(session: Session, team_id: str) -> Sequence[SupportRequest]:
    was_told = (
        select(Event.id)
        .where(Event.request_id == SupportRequest.id, Event.kind == EventKind.NOBODY_FREE)
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


def _passed(session: Session, team_id: str, request_ids: Sequence[int]) -> defaultdict[int, set[str]]:
    """Who has declined, let run out or handed back each request."""
    passed: defaultdict[int, set[str]] = defaultdict(set)
    rows = session.execute(
        select(Assignment.request_id, Assignment.agent_id).where(
            Assignment.team_id == team_id,
            Assignment.request_id.in_(request_ids),
            Assignment.state.in_(PASSED),
        )
    )
    for request_id, agent_id in rows:
        passed[request_id].add(agent_id)
    return passed


def _task(request: SupportRequest, passed: set[str]) -> routing.Task:
    assert request.waiting_since is not None
    assert request.deadline_at is not None
    components = routing.TaskComponents(
        risk=1.0 if request.reopened_count else None,  # somebody thought it was solved, and it was not
        complexity=None if request.confidence is None else 1.0 - request.confidence,
    )
    return routing.Task(
        id=str(request.id),
        score=routing.task_score(components),
        category=request.category,
        language=request.language,
        market=None,
        created_at=request.waiting_since,
        deadline_at=request.deadline_at,
        declined_by=frozenset(passed | {request.requester_id}),
    )


def _agents(session: Session, team_id: str) -> list[routing.Agent]:
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
            capacity=agent.capacity,
            load=loads.get(agent.user_id, 0),
            skills=agent.skills,
            languages=frozenset(agent.languages),
            on=agent.is_on,
        )
        for agent in agents.active_agents(session, team_id)
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
    return lookups.view_offer(session, assignment, request)


def _note_stuck(
    session: Session,
    now: datetime,
    team_id: str,
    left: Sequence[routing.Waiting],
    by_id: dict[str, SupportRequest],
) -> tuple[Stuck, ...]:
    """Record each request that nobody can be offered, once for each time it came to wait; leave out those told of."""
    told = set(
        session.scalars(
            select(Event.request_id)
            .join(SupportRequest, SupportRequest.id == Event.request_id)
            .where(
                Event.team_id == team_id,
                Event.kind == EventKind.NOBODY_FREE,
                Event.request_id.in_([by_id[entry.task_id].id for entry in left]),
                Event.at >= SupportRequest.waiting_since,
            )
        )
    )
    stuck = []
    for entry in left:
        request = by_id[entry.task_id]
        if request.id not in told:
            data = {"reason": entry.reason}
            record(session, now, team_id, EventKind.NOBODY_FREE, request_id=request.id, data=data)
            stuck.append(Stuck(RequestView.of(request), entry.detail))
    return tuple(stuck)
