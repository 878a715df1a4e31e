"""A simulated help desk that lets the production matching give out its work.

Discrete events with their own clock. A seed decides the team, the tasks, their arrivals and their true handling times
before any policy is asked, so policies are compared on the very same day (common random numbers). Assumed, not measured:
arrivals are Poisson, handling times lognormal, a task takes an agent (1.65 - score) times as long as the average one, and
half as long again without the skill. First response is the moment an agent starts on the task; nobody declines.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import numpy as np

from routing.checks import refuse_negative, refuse_unless_count, refuse_unless_positive, refuse_unless_share
from routing.errors import InvalidParams
from routing.matching import match
from routing.model import Agent, Task
from routing.params import MatchParams

_OPENS_AT = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
_WITHOUT_SKILL = 1.5
_LANGUAGES = ("en", "nl")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A team and the work that comes to it. Raises InvalidParams."""

    agents: int = 20
    capacity: int = 1
    hours: float = 8.0
    """Time in which work arrives; what is left then is still worked off."""
    load: float = 0.9
    """Work that arrives, over the work the team can do at an average pace."""
    mean_minutes: float = 20.0
    spread: float = 0.8
    """Standard deviation of the logarithm of the handling time."""
    deadline_minutes: float = 30.0
    categories: int = 4
    skills_each: int = 3
    second_language_share: float = 0.2
    """Share of the tasks in the second language; half of the agents speak it."""
    rerank_s: float = 0.0
    """Seconds between two matchings; 0 matches at every arrival and every finished task."""

    def __post_init__(self) -> None:
        for count in ("agents", "capacity", "categories", "skills_each"):
            refuse_unless_count(InvalidParams, count, getattr(self, count))
            refuse_unless_positive(InvalidParams, count, getattr(self, count))
        for size in ("hours", "load", "mean_minutes", "deadline_minutes"):
            refuse_unless_positive(InvalidParams, size, getattr(self, size))
        for size in ("spread", "rerank_s"):
            refuse_negative(InvalidParams, size, getattr(self, size))
        refuse_unless_share(InvalidParams, "second_language_share", self.second_language_share)
        if 0.0 < self.rerank_s < 1.0:
            raise InvalidParams(f"rerank_s must be 0 (at every event) or at least 1, not {self.rerank_s:g}")
        if self.skills_each > self.categories:
            raise InvalidParams("skills_each must not exceed categories")

    @property
    def horizon_minutes(self) -> float:
        """Minutes in which work arrives."""
        return self.hours * 60.0


@dataclass(frozen=True, slots=True)
class World:
    """One seed's team and tasks. `true_minutes` is what each task takes an average agent who has the skill."""

    team: tuple[Agent, ...]
    tasks: tuple[Task, ...]
    true_minutes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class DayReport:
    """What one policy made of one seed's day. Times in minutes, shares in [0, 1]."""

    policy: str
    seed: int
    tasks: int
    mean_first_response: float
    p95_first_response: float
    missed_share: float
    """Share of tasks whose first response came after the deadline."""
    utilisation: float
    """Share of the team's places that was busy while work arrived."""
    skilled_share: float
    """Share of tasks that went to somebody with the skill."""


METRICS = tuple(f.name for f in fields(DayReport) if f.name not in {"policy", "seed", "tasks"})


class _Kind(IntEnum):
    """Order of events at the same moment: places become free before work comes in, then the tick."""

    DONE = 0
    ARRIVAL = 1
    TICK = 2


def draw_world(scenario: Scenario, seed: int) -> World:
    """The team and the day's tasks, decided by the seed alone."""
    rng = np.random.default_rng(seed)
    names = [f"category {i}" for i in range(scenario.categories)]
    team = tuple(_draw_agent(rng, at, scenario, names) for at in range(scenario.agents))
    a_minute = scenario.load * scenario.agents * scenario.capacity / scenario.mean_minutes
    expected = rng.uniform(0.5, 1.5, scenario.categories)
    expected *= scenario.mean_minutes / expected.mean()
    tasks: list[Task] = []
    true_minutes: list[float] = []
    minute = float(rng.exponential(1.0 / a_minute))
    while minute < scenario.horizon_minutes:
        category = int(rng.integers(scenario.categories))
        created = _at(minute)
        tasks.append(
            Task(
                id=f"task {len(tasks):06d}",
                score=float(rng.random()),
                category=names[category],
                language=_LANGUAGES[int(rng.random() < scenario.second_language_share)],
                market=None,
                created_at=created,
                deadline_at=created + timedelta(minutes=scenario.deadline_minutes),
                handling_minutes=float(expected[category]),
            )
        )
        # exp(-spread^2 / 2) keeps the mean of the lognormal factor at 1.
        factor = math.exp(float(rng.normal(0.0, scenario.spread)) - scenario.spread**2 / 2.0)
        true_minutes.append(float(expected[category]) * factor)
        minute += float(rng.exponential(1.0 / a_minute))
    return World(team, tuple(tasks), tuple(true_minutes))


def simulate(
    scenario: Scenario, params: MatchParams, seed: int, progress: Callable[[int], None] = lambda done: None
) -> DayReport:
    """Play one day. `progress` is told of every task that is given out. Raises InvalidParams if no task arrives."""
    world = draw_world(scenario, seed)
    if not world.tasks:
        raise InvalidParams(f"no task arrives with seed {seed}: more hours, agents or load are needed")
    desk = _Desk(scenario, params, world, progress)
    desk.play()
    waits = np.array([desk.started[at] - _minute(task.created_at) for at, task in enumerate(world.tasks)])
    places = scenario.agents * scenario.capacity
    return DayReport(
        policy=params.policy.value,
        seed=seed,
        tasks=len(world.tasks),
        mean_first_response=float(waits.mean()),
        p95_first_response=float(np.percentile(waits, 95.0)),
        missed_share=float((waits > scenario.deadline_minutes).mean()),
        utilisation=desk.busy_minutes / (places * scenario.horizon_minutes),
        skilled_share=desk.skilled / len(world.tasks),
    )


class _Desk:
    """The state of one simulated day."""

    def __init__(
        self, scenario: Scenario, params: MatchParams, world: World, progress: Callable[[int], None]
    ) -> None:
        self._scenario, self._params, self._progress = scenario, params, progress
        self._task_at = {task.id: at for at, task in enumerate(world.tasks)}
        self._true_minutes = world.true_minutes
        self._team = {agent.id: agent for agent in world.team}
        self._waiting: dict[str, Task] = {}
        self._events: list[tuple[float, _Kind, int, Task | Agent | None]] = []
        self._pushed = 0
        self.started: dict[int, float] = {}
        self.busy_minutes = 0.0
        self.skilled = 0
        for task in world.tasks:
            self._push(_minute(task.created_at), _Kind.ARRIVAL, task)
        if scenario.rerank_s:
            self._push(scenario.rerank_s / 60.0, _Kind.TICK, None)

    def play(self) -> None:
        """Until every task has been started and finished."""
        while self._events:
            minute, kind, _, whom = heapq.heappop(self._events)
            if kind is _Kind.ARRIVAL and isinstance(whom, Task):
                self._waiting[whom.id] = whom
            elif kind is _Kind.DONE and isinstance(whom, Agent):
                agent = self._team[whom.id]
                self._team[whom.id] = replace(agent, load=agent.load - 1, idle_since=_at(minute))
            elif self._events or self._waiting:
                self._push(minute + self._scenario.rerank_s / 60.0, _Kind.TICK, None)
            if kind is _Kind.TICK or not self._scenario.rerank_s:
                self._give_out(minute)

    def _give_out(self, minute: float) -> None:
        if not self._waiting or not any(agent.free_places for agent in self._team.values()):
            return
        matching = match(self._waiting.values(), self._team.values(), _at(minute), self._params)
        for given in matching.assignments:
            self._start(self._waiting.pop(given.task_id), self._team[given.agent_id], minute)
        self._progress(len(matching.assignments))

    def _start(self, task: Task, agent: Agent, minute: float) -> None:
        at = self._task_at[task.id]
        has_skill = agent.skill_level(task.category) > 0.0
        takes = self._true_minutes[at] * (1.65 - agent.score) * (1.0 if has_skill else _WITHOUT_SKILL)
        self.started[at] = minute
        self.skilled += has_skill
        self.busy_minutes += max(0.0, min(minute + takes, self._scenario.horizon_minutes) - minute)
        self._team[agent.id] = replace(agent, load=agent.load + 1)
        self._push(minute + takes, _Kind.DONE, agent)

    def _push(self, minute: float, kind: _Kind, whom: Task | Agent | None) -> None:
        self._pushed += 1  # events of one moment and kind keep the order they were pushed in
        heapq.heappush(self._events, (minute, kind, self._pushed, whom))


def _draw_agent(rng: np.random.Generator, at: int, scenario: Scenario, names: list[str]) -> Agent:
    known = rng.choice(scenario.categories, scenario.skills_each, replace=False)
    levels = rng.uniform(0.5, 1.0, scenario.skills_each)
    return Agent(
        id=f"agent {at:04d}",
        score=float(rng.uniform(0.3, 1.0)),
        capacity=scenario.capacity,
        load=0,
        skills={names[int(category)]: float(level) for category, level in zip(known, levels, strict=True)},
        languages=frozenset(_LANGUAGES[: 2 if rng.random() < 0.5 else 1]),
    )


def _at(minute: float) -> datetime:
    return _OPENS_AT + timedelta(minutes=minute)


def _minute(moment: datetime) -> float:
    return (moment - _OPENS_AT).total_seconds() / 60.0
