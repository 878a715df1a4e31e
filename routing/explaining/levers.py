"""The numbers of a decision that a question "what if" may turn, one at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from routing.adaptive.roster import best_similarity
from routing.matching import match
from routing.model import Agent, Similarity, Task
from routing.params import MatchParams


class Lever(StrEnum):
    """What may be changed."""

    TASK_SCORE = "task_score"
    WAITED_MINUTES = "waited_minutes"
    """As if the task had been written earlier or later, its deadline with it."""
    LOAD = "load"
    SIMILARITY = "similarity"
    """Of the agent to the task's market; to other markets it stays."""
    SCORE = "score"
    RUNNER_UP_LOAD = "runner_up_load"
    RUNNER_UP_SIMILARITY = "runner_up_similarity"
    RUNNER_UP_SCORE = "runner_up_score"


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a matching is made of."""

    tasks: tuple[Task, ...]
    agents: tuple[Agent, ...]
    now: datetime
    params: MatchParams
    similarity: Similarity

    def owner(self, task_id: str) -> str | None:
        """Who gets the task; None while it waits."""
        matching = match(self.tasks, self.agents, self.now, self.params, self.similarity)
        return next((a.agent_id for a in matching.assignments if a.task_id == task_id), None)

    def with_task(self, task: Task) -> "Case":
        """The same but for one task."""
        return replace(self, tasks=tuple(task if t.id == task.id else t for t in self.tasks))

    def with_agent(self, agent: Agent) -> "Case":
        """The same but for one agent."""
        return replace(self, agents=tuple(agent if a.id == agent.id else a for a in self.agents))


@dataclass(frozen=True, slots=True)
class Range:
    """How far a lever goes, from `low` to `high`; a change of `scale` counts one. `whole`: in steps of one."""

    lever: Lever
    value: float
    low: float
    high: float
    scale: float
    whole: bool
    turned: Callable[[float], Case]


def ranges(case: Case, task: Task, chosen: Agent, runner_up: Agent | None) -> list[Range]:
    """Every lever that this decision has."""
    found = [
        Range(
            Lever.TASK_SCORE,
            task.score,
            0.0,
            1.0,
            0.25,
            False,
            lambda v: case.with_task(replace(task, score=v)),
        ),
        _waited(case, task),
        *_of_agent(case, task, chosen, (Lever.LOAD, Lever.SIMILARITY, Lever.SCORE)),
    ]
    if runner_up is not None:
        levers = (Lever.RUNNER_UP_LOAD, Lever.RUNNER_UP_SIMILARITY, Lever.RUNNER_UP_SCORE)
        found += _of_agent(case, task, runner_up, levers)
    return found


def _waited(case: Case, task: Task) -> Range:
    waited = (case.now - task.created_at).total_seconds() / 60.0
    allowed = (task.deadline_at - task.created_at).total_seconds() / 60.0

    def turned(minutes: float) -> Case:
        created_at = case.now - timedelta(minutes=minutes)
        return case.with_task(
            replace(task, created_at=created_at, deadline_at=created_at + timedelta(minutes=allowed))
        )

    high = max(waited, allowed, 1.0)
    return Range(Lever.WAITED_MINUTES, waited, min(0.0, waited), high, high / 10.0, False, turned)


def _of_agent(case: Case, task: Task, agent: Agent, levers: tuple[Lever, Lever, Lever]) -> list[Range]:
    load, alike, score = levers

    def with_load(value: float) -> Case:
        return case.with_agent(replace(agent, load=int(value), free_at=agent.free_at[: int(value)]))

    found = [
        Range(load, agent.load, 0, max(agent.load, agent.capacity), 1.0, True, with_load),
        Range(score, agent.score, 0.0, 1.0, 0.25, False, lambda v: case.with_agent(replace(agent, score=v))),
    ]
    if task.market is not None:
        now_alike = best_similarity(task.market, agent, case.similarity)
        found.append(
            Range(alike, now_alike, 0.0, 1.0, 0.25, False, lambda v: _with_similarity(case, task, agent, v))
        )
    return found


def _with_similarity(case: Case, task: Task, agent: Agent, value: float) -> Case:
    """A market of the agent's own, as near to all others as they are now, and as near as asked to the task's."""
    own = f"\0{agent.id}"
    table = dict(case.similarity)
    for market in {other.market for other in case.tasks} - {None}:
        assert market is not None
        table[market, own] = best_similarity(market, agent, case.similarity)
    assert task.market is not None
    table[task.market, own] = value
    return replace(case.with_agent(replace(agent, markets=frozenset({own}))), similarity=table)
