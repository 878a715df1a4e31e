"""Offers waiting requests to free agents: the database's rows become routing's tasks and agents, its answer becomes offers.

One matcher at a time for each workspace, whoever is alive: it holds the workspace's row in ``locks`` to its commit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.lifecycle import AssignmentState, RequestState
from bot.services import agents
from bot.services.barring import read_barred
from bot.services.decision_log import Round, is_news, log_rounds
from bot.services.line import read_batch
from bot.services.moves import move
from bot.services.pool import Pool, params_of, read_pool, read_staff, task_of
from bot.services.sites import read_sites
from bot.services.stuck import Stuck, note_stuck, untold
from bot.services.views import OfferView, view_offer
from bot.settings import Settings
from bot.storage.statements import insert_into
from bot.storage.tables import Assignment, DecisionReason, Lock, SupportRequest

# The pair was possible and is only not made yet: no reason to ask the silent.
TAKES_TIME = (routing.WaitReason.OUTBID, routing.WaitReason.HOLD)


@dataclass(frozen=True, slots=True)
class Offered:
    """What one run of the matcher did."""

    offers: tuple[OfferView, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    left: Mapping[routing.WaitReason, int] = field(default_factory=dict)  # how many wait on, by why
    looked_to: int = 0  # with more waiting than one run looks at: where the next one goes on
    unreadable: tuple[str, ...] = ()  # agents who are offered nothing: their row cannot be read


@dataclass(frozen=True, slots=True)
class _Look:
    """What waits, by its task's id, and what a matching makes of it.

    ``asked_again``: why those who are now asked a second time could be offered to nobody else.
    """

    waiting: Mapping[str, SupportRequest]
    has_agents: bool
    rounds: Sequence[Round]
    asked_again: Sequence[routing.Waiting]
    looked_to: int

    @property
    def left(self) -> list[routing.Waiting]:
        """Why each that is left waits: by the last round it was in."""
        by_task = {entry.task_id: entry for each in self.rounds for entry in each.matching.waiting}
        given = {assignment.task_id for each in self.rounds for assignment in each.matching.assignments}
        return [entry for task_id, entry in by_task.items() if task_id not in given]

    @property
    def maybe_stuck(self) -> list[tuple[SupportRequest, routing.Waiting]]:
        """Where everybody was asked and stayed silent somebody is told, even while the silent are asked once more."""
        return [(self.waiting[entry.task_id], entry) for entry in (*self.left, *self.asked_again)]

    @property
    def why(self) -> Counter[routing.WaitReason]:
        """How many wait on, by why."""
        return Counter(entry.reason for entry in self.left)


def offer_waiting(
    session: Session, now: datetime, team_id: str, settings: Settings, after: int = 0
) -> Offered:
    """Offer what waits to whoever fits best, never to those whom :mod:`bot.services.barring` rules out.

    ``after`` is the last run's ``looked_to``: with it, all that waits is looked at within one run for each BATCH of it.
    """
    lock(session, now, team_id)
    agents.seed(session, now, team_id, settings)
    look = _look(session, now, team_id, settings, after, locked=True)
    expires_at = now + timedelta(seconds=settings.firstline_offer_s)
    offers = [
        offer(session, now, look.waiting[chosen.task_id], chosen, expires_at, decision_id)
        for decision_id, chosen in log_rounds(session, now, team_id, look.rounds)
    ]
    stuck = note_stuck(session, now, team_id, look.maybe_stuck, has_agents=look.has_agents)
    unreadable = agents.unreadable(session, team_id, settings)
    return Offered(tuple(offers), stuck, look.why, look.looked_to, unreadable)


def look_only(
    session: Session, now: datetime, team_id: str, settings: Settings, after: int = 0
) -> Offered | None:
    """What `offer_waiting` would come to if it changed nothing; None if it would change anything.

    With a long line and everybody busy nearly every run changes nothing: such a look holds up nobody who writes.
    """
    look = _look(session, now, team_id, settings, after, locked=False)
    if any(is_news(session, team_id, each) for each in look.rounds):
        return None
    if untold(session, now, team_id, look.maybe_stuck, has_agents=look.has_agents):
        return None
    unreadable = agents.unreadable(session, team_id, settings)
    return Offered((), (), look.why, look.looked_to, unreadable)


def _look(
    session: Session, now: datetime, team_id: str, settings: Settings, after: int, *, locked: bool
) -> _Look:
    waiting, looked_to = read_batch(session, team_id, after, locked=locked)
    if not waiting:
        return _Look({}, True, (), (), 0)
    pool = read_pool(session, now, team_id)
    staff = read_staff(session, now, team_id, pool, settings)
    rounds, asked_again = _match(session, now, team_id, waiting, staff, pool, settings)
    return _Look(
        {str(request.id): request for request in waiting}, bool(staff), rounds, asked_again, looked_to
    )


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


def _was_everybody_asked(entry: routing.Waiting) -> bool:
    return entry.reason is routing.WaitReason.ALL_DECLINED


def lock(session: Session, now: datetime, team_id: str) -> None:
    """Wait until nobody else matches in this workspace, and hold others off to the end of the transaction."""
    name = f"matching:{team_id}"
    session.execute(insert_into(session, Lock).values(name=name, taken_at=now).on_conflict_do_nothing())
    session.execute(update(Lock).where(Lock.name == name).values(taken_at=now))


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
