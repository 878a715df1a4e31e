"""Offers waiting requests to free agents: the database's rows become routing's tasks and agents, its answer becomes offers.

One matcher at a time for each workspace, whoever is alive: it holds the workspace's row in ``locks`` to its commit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.lifecycle import AssignmentState, RequestState
from bot.services import agents
from bot.services.barring import read_barred
from bot.services.decision_log import Round, log_rounds
from bot.services.moves import move
from bot.services.pool import Pool, params_of, read_pool, read_staff, task_of
from bot.services.sites import read_sites
from bot.services.stuck import Stuck, note_stuck
from bot.services.views import OfferView, view_offer
from bot.settings import Settings
from bot.storage import queries
from bot.storage.statements import insert_into
from bot.storage.tables import Assignment, DecisionReason, Event, Lock, SupportRequest

# The pair was possible and is only not made yet: no reason to ask the silent.
TAKES_TIME = (routing.WaitReason.OUTBID, routing.WaitReason.HOLD)
BATCH = 500  # requests looked at in every run, longest waiting first, and as many of the others in turn


@dataclass(frozen=True, slots=True)
class Offered:
    """What one run of the matcher did."""

    offers: tuple[OfferView, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    left: Mapping[routing.WaitReason, int] = field(default_factory=dict)  # how many wait on, by why
    looked_to: int = 0  # with more waiting than one run looks at: where the next one goes on
    unreadable: tuple[str, ...] = ()  # agents who are offered nothing: their hours cannot be read


def teams_waiting(session: Session) -> list[str]:
    """The workspaces that have waiting requests."""
    return list(
        session.scalars(
            select(SupportRequest.team_id).where(SupportRequest.state == RequestState.WAITING).distinct()
        )
    )


def offer_waiting(
    session: Session, now: datetime, team_id: str, settings: Settings, after: int = 0
) -> Offered:
    """Offer what waits to whoever fits best, never to those whom :mod:`bot.services.barring` rules out.

    ``after`` is the last run's ``looked_to``: with it, all that waits is looked at within one run for each BATCH of it.
    """
    lock(session, now, team_id)
    agents.seed(session, now, team_id, settings)
    waiting, looked_to = _look(session, team_id, after)
    if not waiting:
        return Offered()
    pool = read_pool(session, now, team_id)
    staff = read_staff(session, now, team_id, pool, settings)
    rounds, asked_again = _match(session, now, team_id, waiting, staff, pool, settings)
    by_id = {str(request.id): request for request in waiting}
    expires_at = now + timedelta(seconds=settings.firstline_offer_s)
    offers = [
        offer(session, now, by_id[chosen.task_id], chosen, expires_at, decision_id)
        for decision_id, chosen in log_rounds(session, now, team_id, rounds)
    ]
    # Everybody was asked and stayed silent: somebody is told, even while the silent are asked once more.
    left = [(by_id[entry.task_id], entry) for entry in (*_left(rounds), *asked_again)]
    stuck = note_stuck(session, now, team_id, left, has_agents=bool(staff))
    left_by_why = Counter(entry.reason for entry in _left(rounds))
    unreadable = agents.with_unreadable_hours(session, team_id, settings)
    return Offered(tuple(offers), stuck, left_by_why, looked_to, unreadable)


def _match(
    session: Session,
    now: datetime,
    team_id: str,
    waiting: Sequence[SupportRequest],
    staff: Sequence[routing.Agent],
    pool: Pool,
    settings: Settings,
) -> tuple[list[Round], list[routing.Waiting]]:
    """Match, and where that leaves nobody, once more with those who were silent and have rested.

    Beside the rounds: why those who are now asked again could be offered to nobody else.
    """
    params = params_of(settings)
    sites = read_sites(session, team_id, {request.requester_id for request in waiting})
    barred = read_barred(session, now, team_id, [request.id for request in waiting], settings)
    tasks = [task_of(request, barred[request.id].now, pool, sites) for request in waiting]
    first = Round.of(DecisionReason.OFFER, tasks, staff, now, params)
    left = {entry.task_id for entry in first.matching.waiting if entry.reason not in TAKES_TIME}
    again = [request for request in waiting if str(request.id) in left and barred[request.id].rested]
    if not again:
        return [first], []
    given = Counter(assignment.agent_id for assignment in first.matching.assignments)
    tasks = [task_of(request, barred[request.id].still, pool, sites) for request in again]
    later = [replace(agent, load=agent.load + given[agent.id]) for agent in staff]
    second = Round.of(DecisionReason.ASKED_AGAIN, tasks, later, now, params)
    offered = {assignment.task_id for assignment in second.matching.assignments}
    return [first, second], [
        entry for entry in first.matching.waiting if entry.task_id in offered and _was_everybody_asked(entry)
    ]


def _left(rounds: Sequence[Round]) -> list[routing.Waiting]:
    """Why each that is left waits: by the last round it was in."""
    by_task = {entry.task_id: entry for each in rounds for entry in each.matching.waiting}
    given = {assignment.task_id for each in rounds for assignment in each.matching.assignments}
    return [entry for task_id, entry in by_task.items() if task_id not in given]


def _was_everybody_asked(entry: routing.Waiting) -> bool:
    return entry.reason is routing.WaitReason.ALL_DECLINED


def lock(session: Session, now: datetime, team_id: str) -> None:
    """Wait until nobody else matches in this workspace, and hold others off to the end of the transaction."""
    name = f"matching:{team_id}"
    session.execute(insert_into(session, Lock).values(name=name, taken_at=now).on_conflict_do_nothing())
    session.execute(update(Lock).where(Lock.name == name).values(taken_at=now))


def _look(session: Session, team_id: str, after: int) -> tuple[list[SupportRequest], int]:
    """What one run looks at, and where the next goes on.

    However many wait that no agent who is free can take, they hold up nobody: beside the longest waiting come the
    others in turn, by id.
    """
    longest = read_waiting(session, team_id)
    if len(longest) < BATCH:
        return [*longest], 0
    in_turn = read_in_turn(session, team_id, after)
    looked_to = in_turn[-1].id if len(in_turn) == BATCH else 0
    known = {request.id for request in longest}
    return [*longest, *(request for request in in_turn if request.id not in known)], looked_to


def read_in_turn(session: Session, team_id: str, after: int) -> Sequence[SupportRequest]:
    """A batch of what waits, locked, by id, beginning behind ``after``."""
    return session.scalars(
        select(SupportRequest)
        .where(
            SupportRequest.team_id == team_id,
            SupportRequest.state == RequestState.WAITING,
            SupportRequest.id > after,
        )
        .order_by(SupportRequest.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def read_waiting(session: Session, team_id: str) -> Sequence[SupportRequest]:
    """A batch of what waits, locked, longest first."""
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


def as_chosen(
    request: SupportRequest,
    chosen: routing.Assignment,
    state: AssignmentState,
    now: datetime,
    expires_at: datetime | None,
    decision_id: int,
) -> Assignment:
    """The row of what routing chose, offered or hedged, with its reasons; not yet in a session."""
    return Assignment(
        team_id=request.team_id,
        request_id=request.id,
        agent_id=chosen.agent_id,
        state=state,
        cost=chosen.cost,
        reason=routing.explain(chosen),
        terms={term.name: term.value for term in chosen.terms},
        offered_at=now,
        expires_at=expires_at,
        routing_decision_id=decision_id,
    )


def offer(
    session: Session,
    now: datetime,
    request: SupportRequest,
    chosen: routing.Assignment,
    expires_at: datetime | None,
    decision_id: int,
) -> OfferView:
    """Offer a waiting request to the agent who was chosen for it. RefusedMove when it no longer waits."""
    # The request first: withdrawing it takes the two rows in the same order.
    assignment = as_chosen(request, chosen, AssignmentState.OFFERED, now, expires_at, decision_id)
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
