"""Why a task did not go to a certain agent: the first filter they fail, or what they would cost more, term by term."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from routing.adaptive.filters import Filter
from routing.adaptive.moment import Moment
from routing.adaptive.reasons import total
from routing.adaptive.roster import Roster
from routing.adaptive.words import say_lack
from routing.eligibility import filter_pairs
from routing.errors import InvalidAgent, InvalidTask
from routing.matching import match
from routing.model import Agent, Similarity, Task, Term
from routing.params import MatchParams, Policy
from routing.pricing import terms_alone


class Barrier(StrEnum):
    """What can keep an agent from a task, in the order it is asked."""

    NOT_AT_WORK = "not_at_work"
    NO_CAPACITY = "no_capacity"
    OWN_REQUEST = "own_request"
    DECLINED = "declined"
    SKILL = "skill"
    LANGUAGE = "language"
    MARKET = "market"
    SCORE = "score"
    SHIFT = "shift"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class WhyNot:
    """`barrier` is the first filter the agent fails; without one, `by_term` adds up to `difference`.

    `chosen` is who got the task, None while it waits; then nothing is compared. A difference below zero: the agent was
    cheaper for this task alone, and of more use to another. `detail` is one sentence.
    """

    agent_id: str
    chosen: str | None
    barrier: Barrier | None
    difference: float | None
    by_term: tuple[Term, ...]
    detail: str


def why_not(
    tasks: Iterable[Task],
    agents: Iterable[Agent],
    now: datetime,
    params: MatchParams,
    similarity: Similarity | None,
    task_id: str,
    agent_id: str,
) -> WhyNot:
    """Raises InvalidTask or InvalidAgent for an unknown id, or for the agent who did get the task."""
    every, roster = list(tasks), Roster(agents, similarity)
    task = next((task for task in every if task.id == task_id), None)
    if task is None:
        raise InvalidTask(f"task {task_id} is not among the tasks")
    if agent_id not in roster.column_of:
        raise InvalidAgent(f"agent {agent_id} is not among the agents")
    given = {a.task_id: a.agent_id for a in match(every, roster, now, params).assignments}
    chosen = given.get(task_id)
    if chosen == agent_id:
        raise InvalidAgent(f"agent {agent_id} did get task {task_id}")
    column = roster.column_of[agent_id]
    if (failed := _first_barrier(task, roster, column, now, params)) is not None:
        return WhyNot(agent_id, chosen, failed[0], None, (), failed[1])
    if chosen is None:
        return WhyNot(agent_id, None, None, None, (), _say_waits(task, roster.agents[column], given))
    own, others = terms_alone(task, roster, (column, roster.column_of[chosen]), now, params)
    return _compare(agent_id, chosen, own, others)


def _first_barrier(
    task: Task, roster: Roster, column: int, now: datetime, params: MatchParams
) -> tuple[Barrier, str] | None:
    agent = roster.agents[column]
    if not agent.is_at_work(now):
        return Barrier.NOT_AT_WORK, "is away or outside of their hours"
    if agent.capacity == 0:
        return Barrier.NO_CAPACITY, "takes no tasks: a capacity of 0"
    if agent.id == task.requester:
        return Barrier.OWN_REQUEST, "wrote it themselves"
    if agent.id in task.declined_by:
        return Barrier.DECLINED, "has declined it"
    for name in _failed_filters(task, roster, column, now, params):
        return Barrier(name.value), say_lack(task, name)
    if not agent.free_places:
        return Barrier.FULL, f"has {agent.load} of {agent.capacity} places taken"
    return None


def _failed_filters(
    task: Task, roster: Roster, column: int, now: datetime, params: MatchParams
) -> Sequence[Filter]:
    """Those that bar the agent, none that gave way."""
    if params.policy is Policy.ADAPTIVE:
        moment = Moment([task], roster, now, params.adaptive)
        return [name for name in Filter if not moment.may_pass(name)[0, column]]
    pairs = filter_pairs([task], roster.agents, now, params)
    passing = {Filter.SKILL: pairs.skill_ok[0, column], Filter.LANGUAGE: pairs.language_ok[0, column]}
    return [name for name, passes in passing.items() if not passes]


def _compare(agent_id: str, chosen: str, own: Sequence[Term], others: Sequence[Term]) -> WhyNot:
    values = {term.name: term.value for term in others}
    meanings = {term.name: term.meaning for term in (*others, *own)}
    costs = {term.name: term.value for term in own}
    parts = tuple(
        Term(name, costs.get(name, 0.0) - values.get(name, 0.0), meaning)
        for name, meaning in meanings.items()
        if costs.get(name, 0.0) != values.get(name, 0.0)
    )
    difference = total(parts)
    return WhyNot(agent_id, chosen, None, difference, parts, _say_difference(parts, difference))


def _say_difference(parts: Sequence[Term], difference: float) -> str:
    if difference < 0.0:
        return f"fits better by {-difference:.2f}, but is of more use to another task"
    if difference == 0.0 or not parts:
        return "fits as well; the tie rule chose"
    weightiest = max(parts, key=lambda term: term.value)
    return f"fits worse by {difference:.2f}, most of all: {weightiest.meaning}"


def _say_waits(task: Task, agent: Agent, given: dict[str, str]) -> str:
    if agent.id in given.values():
        return f"could take it, but got {next(t for t, a in given.items() if a == agent.id)}"
    return "could take it, but waiting for somebody who fits better is cheaper"
