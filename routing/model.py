"""What goes into a matching and what comes out: tasks, agents, assignments and who still waits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from routing.checks import (
    refuse_naive,
    refuse_negative,
    refuse_unless_count,
    refuse_unless_positive,
    refuse_unless_share,
)
from routing.errors import InvalidAgent, InvalidTask
from routing.hours import WeeklyHours

Similarity = Mapping[tuple[str, str], float]
"""How alike two markets are, 0 to 1, by unordered pair; a missing pair of different markets counts 0."""


@dataclass(frozen=True, slots=True)
class Task:
    """A waiting support request as routing sees it.

    `score` is in [0, 1], 1 needing the best agent most. `category`, `language` and `market` are None when
    unknown: then they bar nobody. `handling_minutes` is the expected work, None when unknown.
    Raises InvalidTask.
    """

    id: str
    score: float
    category: str | None
    language: str | None
    market: str | None
    created_at: datetime
    deadline_at: datetime
    handling_minutes: float | None = None
    declined_by: frozenset[str] = frozenset()
    previous_agent: str | None = None
    """Who had this task, or its requester's last one, before: the adaptive policy prefers them while they are at work."""
    requester: str | None = None
    """Who wrote it. Should they be an agent, they are never given it; nobody has turned it down for that."""

    def __post_init__(self) -> None:
        if not self.id:
            raise InvalidTask("a task needs an id")
        what = f"task {self.id}"
        refuse_unless_share(InvalidTask, f"{what}: score", self.score)
        refuse_naive(InvalidTask, f"{what}: created_at", self.created_at)
        refuse_naive(InvalidTask, f"{what}: deadline_at", self.deadline_at)
        if self.deadline_at < self.created_at:
            raise InvalidTask(
                f"{what}: the deadline {self.deadline_at} is before {self.created_at}, when it was created"
            )
        if self.handling_minutes is not None:
            refuse_negative(InvalidTask, f"{what}: handling_minutes", self.handling_minutes)

    @property
    def barred(self) -> frozenset[str]:
        """Ids of those who never get it, whatever else gives way: they declined it, or wrote it."""
        return self.declined_by if self.requester is None else self.declined_by | {self.requester}


@dataclass(frozen=True, slots=True)
class Agent:
    """A human helper as routing sees them.

    `load` is the number of tasks in hand and may exceed `capacity` (then nothing more is given).
    `skills` maps a category to a level in [0, 1], 0 meaning none; no entries at all: every category at level 1.
    No languages or no markets listed means any. `idle_since` is when the agent last finished something,
    None when never; only the longest_idle policy reads it. Without `hours` only `on` says whether they are at work.
    The last three are read by the adaptive policy: `pace` is their handling time over the average one, `busy_share` the
    share of their time at work that was spent on tasks lately, `free_at` when tasks in hand are expected to be done
    (at most one moment for each). Raises InvalidAgent.
    """

    id: str
    score: float
    capacity: int
    load: int
    skills: Mapping[str, float] = field(default_factory=dict)
    languages: frozenset[str] = frozenset()
    markets: frozenset[str] = frozenset()
    on: bool = True
    idle_since: datetime | None = None
    hours: WeeklyHours | None = None
    pace: float = 1.0
    busy_share: float = 0.0
    free_at: tuple[datetime, ...] = ()

    def __post_init__(self) -> None:
        if not self.id:
            raise InvalidAgent("an agent needs an id")
        what = f"agent {self.id}"
        refuse_unless_share(InvalidAgent, f"{what}: score", self.score)
        refuse_unless_count(InvalidAgent, f"{what}: capacity", self.capacity)
        refuse_unless_count(InvalidAgent, f"{what}: load", self.load)
        for category, level in self.skills.items():
            refuse_unless_share(InvalidAgent, f"{what}: skill level for {category}", level)
        if self.idle_since is not None:
            refuse_naive(InvalidAgent, f"{what}: idle_since", self.idle_since)
        refuse_unless_positive(InvalidAgent, f"{what}: pace", self.pace)
        refuse_unless_share(InvalidAgent, f"{what}: busy_share", self.busy_share)
        for moment in self.free_at:
            refuse_naive(InvalidAgent, f"{what}: free_at", moment)
        if len(self.free_at) > self.load:
            raise InvalidAgent(
                f"{what}: free_at has {len(self.free_at)} moments for {self.load} tasks in hand"
            )

    def is_at_work(self, now: datetime) -> bool:
        """Whether they are on, within their hours."""
        return self.on and (self.hours is None or self.hours.closes_at(now) is not None)

    @property
    def free_places(self) -> int:
        """How many more tasks the agent can take while on."""
        return max(0, self.capacity - self.load)

    def skill_level(self, category: str | None) -> float:
        """Level in [0, 1] for a category; 1 where no category is known or no skills are listed."""
        if category is None or not self.skills:
            return 1.0
        return self.skills.get(category, 0.0)

    def speaks(self, language: str | None) -> bool:
        """Whether a requester who writes this language is understood."""
        return language is None or not self.languages or language in self.languages


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a cost. `value` below zero speaks for the pair; `meaning` is a phrase a person can read."""

    name: str
    value: float
    meaning: str


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The cheapest other agent with a free place for the same task, looked at alone.

    `difference` is the runner-up's cost less the chosen one's; below zero when the runner-up was cheaper here
    and of more use to another task.
    """

    agent_id: str
    cost: float
    difference: float


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task given to an agent. The terms add up to the cost within 1e-9."""

    task_id: str
    agent_id: str
    cost: float
    terms: tuple[Term, ...]
    runner_up: RunnerUp | None


class WaitReason(StrEnum):
    """Why a task waits: the first filter that left nobody."""

    NOBODY_ON = "nobody_on"
    ALL_DECLINED = "all_declined"
    """All but its requester, should they be one of those at work."""
    OWN_REQUEST = "own_request"
    """Nobody is at work but the one who wrote it."""
    EVERYBODY_FULL = "everybody_full"
    NO_SKILL = "no_skill"
    NO_LANGUAGE = "no_language"
    NO_MARKET = "no_market"
    NO_SCORE = "no_score"
    SHIFT_ENDS = "shift_ends"
    OUTBID = "outbid"
    HOLD = "hold"
    """Somebody fits better than everybody free, and is expected to be free soon."""


@dataclass(frozen=True, slots=True)
class Hold:
    """For whom a task waits, and until when they should be free. Anybody may still be given the task before that."""

    agent_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task that nobody was given, and why. `hold` is there with the reason HOLD alone."""

    task_id: str
    reason: WaitReason
    detail: str
    hold: Hold | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """Every task exactly once: assigned or waiting. Both in line order (deadline, created, id)."""

    assignments: tuple[Assignment, ...]
    waiting: tuple[Waiting, ...]
