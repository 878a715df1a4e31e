"""What past work says about the next: how long a category takes, how quick and how careful an agent is. Pure.

Times are skewed (most take minutes, a few take days), so they are averaged as logarithms. An exponentially weighted mean
(EWMA: S. W. Roberts, "Control chart tests based on geometric moving averages", Technometrics 1959) lets the newest count most;
few cases are shrunk towards the mean of all, as if ``shrink_cases`` average ones had been seen (empirical Bayes: B. Efron
and C. Morris, "Data analysis using Stein's estimator", JASA 1975). Accuracy is a Beta posterior whose prior is the desk's
own share; what it counts is in `_accuracy`.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from bot.storage.tables import Satisfaction
from routing import InvalidParams
from routing.scores import accuracy

Key = TypeVar("Key")

LEAST_MINUTES, MOST_MINUTES = 0.5, 24 * 60.0  # a slip of the finger, and what was forgotten overnight


@dataclass(frozen=True, slots=True)
class Handled:
    """A request that an agent resolved. ``was_reopened``: it came back to be worked on again.

    ``satisfaction`` is what the requester said of the help; None: they were not asked, or have not answered.
    """

    agent_id: str
    request_id: int
    category: str | None
    accepted_at: datetime
    resolved_at: datetime
    was_reopened: bool
    satisfaction: Satisfaction | None = None

    @property
    def minutes(self) -> float:
        """From accepting to resolving, within bounds: waiting for the requester counts too."""
        minutes = (self.resolved_at - self.accepted_at).total_seconds() / 60.0
        return min(MOST_MINUTES, max(LEAST_MINUTES, minutes))


@dataclass(frozen=True, slots=True)
class LearnParams:
    """Raises InvalidParams."""

    newest: float = 0.15
    """Weight of the newest case in an EWMA, in (0, 1]."""
    shrink_cases: float = 5.0
    typical_minutes: float = 30.0
    """What a desk without history is shrunk to."""
    accuracy_prior: float = 0.9
    accuracy_cases: float = 10.0
    """As if so many cases of the prior's accuracy had been seen of everybody."""

    def __post_init__(self) -> None:
        if not 0.0 < self.newest <= 1.0:
            raise InvalidParams(f"newest must be above 0 and at most 1, not {self.newest}")
        for name in ("shrink_cases", "typical_minutes", "accuracy_cases"):
            if not getattr(self, name) > 0.0:
                raise InvalidParams(f"{name} must be above 0, not {getattr(self, name)}")
        if not 0.0 < self.accuracy_prior < 1.0:
            raise InvalidParams(f"accuracy_prior must be between 0 and 1, not {self.accuracy_prior}")


@dataclass(frozen=True, slots=True)
class AgentRecord:
    """``pace``: handling time over the desk's for the same categories, below 1 for the quick. ``accuracy`` in (0, 1)."""

    pace: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """What a desk has learned. ``newcomer`` is what holds of somebody without history; None: nobody has any."""

    minutes: Mapping[str | None, float] = field(default_factory=dict)
    overall_minutes: float | None = None
    agents: Mapping[str, AgentRecord] = field(default_factory=dict)
    newcomer: AgentRecord | None = None

    def expected_minutes(self, category: str | None) -> float | None:
        """Of a request of this category, whoever has it; None while nothing is known."""
        return self.minutes.get(category, self.overall_minutes)

    def of(self, agent_id: str) -> AgentRecord | None:
        """Of one agent; None while nothing is known of anybody."""
        return self.agents.get(agent_id, self.newcomer)


_PARAMS = LearnParams()


def learn(handled: Iterable[Handled], params: LearnParams = _PARAMS) -> TrackRecord:
    """Everything at once. The order of ``handled`` does not matter."""
    cases = sorted(handled, key=lambda case: (case.resolved_at, case.request_id, case.agent_id))
    if not cases:
        return TrackRecord()
    logs = [math.log(case.minutes) for case in cases]
    overall = shrunk_mean(logs, math.log(params.typical_minutes), params)
    by_category = {
        category: shrunk_mean([logs[at] for at in rows], overall, params)
        for category, rows in _rows_by(case.category for case in cases).items()
    }
    paces = [log - by_category[case.category] for log, case in zip(logs, cases, strict=True)]
    desk = _accuracy(cases, params.accuracy_prior, params)
    return TrackRecord(
        minutes={category: math.exp(mean) for category, mean in by_category.items()},
        overall_minutes=math.exp(overall),
        agents={
            agent_id: AgentRecord(
                pace=math.exp(shrunk_mean([paces[at] for at in rows], 0.0, params)),
                accuracy=_accuracy([cases[at] for at in rows], desk, params),
            )
            for agent_id, rows in _rows_by(case.agent_id for case in cases).items()
        },
        newcomer=AgentRecord(1.0, desk),
    )


def shrunk_mean(values: Sequence[float], towards: float, params: LearnParams = _PARAMS) -> float:
    """The EWMA of ``values`` (oldest first), drawn to ``towards`` the more the fewer there are; that itself for none.

    It lies between ``towards`` and the values.
    """
    if not values:
        return towards
    mean = values[0]
    for value in values[1:]:
        mean += params.newest * (value - mean)
    weight = len(values) / (len(values) + params.shrink_cases)
    return weight * mean + (1.0 - weight) * towards


def busy_share(stretches: Iterable[tuple[datetime, datetime]], now: datetime, window: timedelta) -> float:
    """Share of the last ``window`` in which at least one of the stretches (of work) ran, in [0, 1]."""
    start = now - window
    clipped = sorted((max(begin, start), min(end, now)) for begin, end in stretches)
    busy, covered_to = timedelta(), start
    for begin, end in clipped:
        if end > covered_to:
            busy += end - max(begin, covered_to)
            covered_to = end
    return busy / window


def _accuracy(cases: Sequence[Handled], prior: float, params: LearnParams) -> float:
    """Each case says once whether it held: it was reopened, or not. Each answer of a requester says as much once more.

    "Bad" weighs what a return weighs, and does not undo that the work held: people are unhappy about a long wait, too,
    which is not the agent's doing. "So so" leans neither way. No answer adds nothing: silence is no praise, and an agent
    whose requesters seldom answer is judged by what came back alone.
    """
    came_back = sum(case.was_reopened for case in cases)
    said = Counter(case.satisfaction for case in cases)
    good = len(cases) - came_back + said[Satisfaction.GOOD]
    return accuracy(good, came_back + said[Satisfaction.BAD], prior, params.accuracy_cases)


def _rows_by(keys: Iterable[Key]) -> dict[Key, list[int]]:
    rows: defaultdict[Key, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        rows[key].append(at)
    return dict(rows)
