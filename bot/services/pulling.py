"""An agent asks for work: of what waits they get what fits them best, accepted at once, or are told why there is none.

Who asks is there, so presence, hours and earlier silence do not count; what they declined, capacity and skills do.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

import routing
from bot.errors import NotAllowed
from bot.services import agents, assignments, line, matching
from bot.services.assignments import Answered
from bot.services.barring import read_barred
from bot.services.decision_log import Round, log_decision
from bot.services.hedges import UNANSWERED
from bot.services.pool import Pool, params_of, read_pool, read_staff, task_of
from bot.services.sites import read_sites
from bot.settings import Settings
from bot.storage.tables import Assignment, DecisionReason, SupportRequest
from routing.explaining import Barrier, why_not

ONLY_AGENTS = "Only agents can ask for the next request. An administrator names agents in FIRSTLINE_AGENTS."
NOTHING_WAITS = "Nothing waits for somebody at the moment."
HAS_OFFER = "An offer waits for your answer above. Accept or decline it first."
MOST_BATCHES = 10  # looked through for an agent who may have nothing of the longest waiting: 5,000 requests
ASKED_FOR = 50  # requests whose reasons are counted when none of them is for this agent
_BARRIERS: dict[Barrier, str] = {
    Barrier.OWN_REQUEST: "you wrote yourself",
    Barrier.DECLINED: "you declined or handed back",
    Barrier.SKILL: "for somebody with a skill you do not have",
    Barrier.LANGUAGE: "in a language you do not speak",
    Barrier.MARKET: "from a site you do not look after",
    Barrier.SCORE: "for somebody with more experience, for now",
    Barrier.SHIFT: "too long for the rest of your hours",
}
_OTHERWISE = "better kept for somebody else, for now"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an agent got; without it, ``why_none`` is a sentence or two."""

    answered: Answered | None
    why_none: str = ""


def pull(session: Session, now: datetime, *, team_id: str, user_id: str, settings: Settings) -> Pulled:
    """Give ``user_id`` the waiting request that fits them best. Raises NotAllowed for people who are no agents."""
    if user_id not in settings.firstline_agents:
        raise NotAllowed(ONLY_AGENTS)
    matching.lock(session, now, team_id)
    agents.seed(session, now, team_id, settings)
    if _has_offer(session, team_id, user_id):
        return Pulled(None, HAS_OFFER)
    pool = read_pool(session, now, team_id)
    staff = _alone(read_staff(session, now, team_id, pool, settings), user_id)
    me = next(agent for agent in staff if agent.id == user_id)
    if not me.free_places:
        return Pulled(None, _say_full(me))
    first: Round | None = None
    for waiting in _batches(session, team_id):
        made = _choose(session, now, team_id, waiting, staff, pool, settings)
        if made.matching.assignments:
            return _give(session, now, team_id, user_id, waiting, made)
        first = first or made
    return Pulled(None, _say_none(first, now, user_id) if first else NOTHING_WAITS)


def _batches(session: Session, team_id: str) -> Iterator[Sequence[SupportRequest]]:
    """What waits, longest first; with more than one batch of it the rest by id, to a bound."""
    batch = line.read_longest(session, team_id)
    looked_to, is_last = 0, len(batch) < line.BATCH
    if batch:
        yield batch
    for _ in range(0 if is_last else MOST_BATCHES):
        batch = line.read_in_turn(session, team_id, looked_to)
        if not batch:
            return
        yield batch
        looked_to = batch[-1].id


def _choose(
    session: Session,
    now: datetime,
    team_id: str,
    waiting: Sequence[SupportRequest],
    staff: Sequence[routing.Agent],
    pool: Pool,
    settings: Settings,
) -> Round:
    barred = read_barred(session, now, team_id, [request.id for request in waiting], settings)
    sites = read_sites(session, team_id, {request.requester_id for request in waiting})
    tasks = [task_of(request, barred[request.id].for_good, pool, sites) for request in waiting]
    return _choose_one(Round.of(DecisionReason.PULL, tasks, staff, now, params_of(settings)))


def _give(
    session: Session,
    now: datetime,
    team_id: str,
    user_id: str,
    waiting: Sequence[SupportRequest],
    made: Round,
) -> Pulled:
    (chosen,) = made.matching.assignments
    request = next(request for request in waiting if str(request.id) == chosen.task_id)
    decision_id = log_decision(session, now, team_id, made)
    offer = matching.offer(session, now, request, chosen, None, decision_id)
    which = {"team_id": team_id, "user_id": user_id}
    return Pulled(assignments.accept(session, now, **which, assignment_id=offer.assignment_id))


def _has_offer(session: Session, team_id: str, user_id: str) -> bool:
    open_offer = select(Assignment.id).where(
        Assignment.team_id == team_id,
        Assignment.agent_id == user_id,
        Assignment.state.in_(UNANSWERED),
    )
    return session.scalar(open_offer.limit(1)) is not None


def _alone(staff: Sequence[routing.Agent], user_id: str) -> list[routing.Agent]:
    """Only ``user_id`` can be given anything; the others stay, full, for what only they can do is kept for them."""
    return [
        replace(agent, on=True, hours=None, free_at=())
        if agent.id == user_id
        else replace(agent, load=max(agent.load, agent.capacity), free_at=())
        for agent in staff
    ]


def _choose_one(made: Round) -> Round:
    """Of everything that the agent could be given at once, what fits best."""
    best = sorted(made.matching.assignments, key=lambda each: (each.cost, int(each.task_id)))[:1]
    return replace(made, matching=routing.Matching(tuple(best), made.matching.waiting))


def _say_full(me: routing.Agent) -> str:
    return (
        f"You have {me.load} of {me.capacity} places taken: resolve or hand back one first, "
        "or take on more with `/firstline me`."
    )


def _say_none(made: Round, now: datetime, user_id: str) -> str:
    reasons = Counter(
        _reason(made, now, task.id, user_id)
        for task in sorted(made.tasks, key=lambda task: (task.deadline_at, task.id))[:ASKED_FOR]
    )
    parts = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    number = f"{len(made.tasks)} requests wait" if len(made.tasks) > 1 else "1 request waits"
    return f"{number}, but none is for you now: {parts}."


def _reason(made: Round, now: datetime, task_id: str, user_id: str) -> str:
    said = why_not(made.tasks, made.staff, now, made.params, None, task_id, user_id)
    return _OTHERWISE if said.barrier is None else _BARRIERS.get(said.barrier, _OTHERWISE)
