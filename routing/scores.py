"""Scores of tasks and agents: every component has its own function and a value in [0, 1].

A value nobody knows gets the prior, never the best: an agent without a measured handling time is not the fastest one.
Task: risk (its history, and how unsure a model was of it), business impact, urgency, complexity. Agent: accuracy and efficiency (productivity, utilisation, speed).
"""

import math
from dataclasses import dataclass, fields
from datetime import datetime

from routing.checks import (
    refuse_naive,
    refuse_negative,
    refuse_unless_count,
    refuse_unless_positive,
    refuse_unless_share,
)
from routing.errors import InvalidAgent, InvalidParams, InvalidTask


@dataclass(frozen=True, slots=True)
class TaskComponents:
    """What a task's score is made of, each in [0, 1], None when unknown. Raises InvalidTask."""

    risk: float | None = None
    impact: float | None = None
    urgency: float | None = None
    complexity: float | None = None
    model_risk: float | None = None
    """How unsure the model was that said what the task is about; one more input of risk."""

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            if (value := getattr(self, name)) is not None:
                refuse_unless_share(InvalidTask, f"task score: {name}", value)


@dataclass(frozen=True, slots=True)
class TaskWeights:
    """Weights of the components (need not add up to 1) and the prior for unknown ones. Raises InvalidParams."""

    risk: float = 0.35
    impact: float = 0.35
    urgency: float = 0.15
    complexity: float = 0.15
    prior: float = 0.5
    model_risk: float = 0.5
    """What the model's doubt weighs within risk, beside 1 for the history (in `routing scores` .5 beside .6 and .4); 0: nothing."""

    def __post_init__(self) -> None:
        refuse_negative(InvalidParams, "task score: the weight of model_risk", self.model_risk)
        _refuse_weights("task", self.prior, (self.risk, self.impact, self.urgency, self.complexity))


@dataclass(frozen=True, slots=True)
class AgentComponents:
    """What an agent's score is made of, each in [0, 1] with 1 the best, None when unknown. Raises InvalidAgent."""

    accuracy: float | None = None
    productivity: float | None = None
    utilisation: float | None = None
    speed: float | None = None

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            if (value := getattr(self, name)) is not None:
                refuse_unless_share(InvalidAgent, f"agent score: {name}", value)


@dataclass(frozen=True, slots=True)
class AgentWeights:
    """.6 accuracy and .4 efficiency, the latter split .33 : .30 : .33. Weights need not add up to 1. Raises InvalidParams."""

    accuracy: float = 0.6
    productivity: float = 0.4 * 0.33 / 0.96
    utilisation: float = 0.4 * 0.30 / 0.96
    speed: float = 0.4 * 0.33 / 0.96
    prior: float = 0.5

    def __post_init__(self) -> None:
        _refuse_weights("agent", self.prior, (self.accuracy, self.productivity, self.utilisation, self.speed))


def _refuse_weights(whose: str, prior: float, weights: tuple[float, ...]) -> None:
    refuse_unless_share(InvalidParams, f"{whose} score: prior", prior)
    for weight in weights:
        refuse_negative(InvalidParams, f"{whose} score: a weight", weight)
    if not any(weights):
        raise InvalidParams(f"{whose} score: at least one weight must be above 0")


_TASK_WEIGHTS = TaskWeights()
_AGENT_WEIGHTS = AgentWeights()


def task_score(components: TaskComponents, weights: TaskWeights = _TASK_WEIGHTS) -> float:
    """How much a task needs a good agent, in [0, 1]: the weighted mean of its components."""
    return _weighted_mean(
        [
            (weights.risk, _whole_risk(components, weights)),
            (weights.impact, components.impact),
            (weights.urgency, components.urgency),
            (weights.complexity, components.complexity),
        ],
        weights.prior,
    )


def _whole_risk(components: TaskComponents, weights: TaskWeights) -> float | None:
    """History and the model's doubt. Where no model spoke, the history alone: its silence is neither doubt nor certainty."""
    if components.model_risk is None:
        return components.risk
    history = weights.prior if components.risk is None else components.risk
    return (history + weights.model_risk * components.model_risk) / (1.0 + weights.model_risk)


def agent_score(components: AgentComponents, weights: AgentWeights = _AGENT_WEIGHTS) -> float:
    """How good an agent is, in [0, 1]: the weighted mean of the components."""
    return _weighted_mean(
        [
            (weights.accuracy, components.accuracy),
            (weights.productivity, components.productivity),
            (weights.utilisation, components.utilisation),
            (weights.speed, components.speed),
        ],
        weights.prior,
    )


def risk(earlier_requests: int, reopened: int, half_at: float = 3.0) -> float:
    """From a history of incidents: 0 for none, .5 at `half_at` points; a reopened request counts as two more."""
    refuse_unless_count(InvalidTask, "earlier_requests", earlier_requests)
    refuse_unless_count(InvalidTask, "reopened", reopened)
    return _saturate(earlier_requests + 2.0 * reopened, half_at)


def impact(people_affected: int, people_in_all: int) -> float:
    """Business impact: 0 for one person, 1 for everybody, each tenfold a like step between."""
    refuse_unless_count(InvalidTask, "people_affected", people_affected)
    refuse_unless_count(InvalidTask, "people_in_all", people_in_all)
    if people_affected <= 1 or people_in_all <= 1:
        return 0.0
    return min(1.0, math.log(people_affected) / math.log(people_in_all))


def urgency(created_at: datetime, deadline_at: datetime, now: datetime) -> float:
    """Share of the time to the deadline that is used up: 0 when just created, 1 from the deadline on."""
    for what, moment in (("created_at", created_at), ("deadline_at", deadline_at), ("now", now)):
        refuse_naive(InvalidTask, what, moment)
    allowed_s = (deadline_at - created_at).total_seconds()
    if allowed_s <= 0.0:
        return 1.0
    return min(1.0, max(0.0, (now - created_at).total_seconds() / allowed_s))


def complexity(expected_minutes: float, typical_minutes: float = 30.0) -> float:
    """From the expected handling time: .5 at the typical one, towards 1 for endless ones."""
    refuse_negative(InvalidTask, "expected_minutes", expected_minutes)
    return _saturate(expected_minutes, typical_minutes)


def accuracy(good: int, bad: int, prior: float = 0.5, prior_weight: float = 10.0) -> float:
    """Share of work that was well done (not reopened, rated well), shrunk to the prior as if `prior_weight` cases were seen."""
    refuse_unless_count(InvalidAgent, "good", good)
    refuse_unless_count(InvalidAgent, "bad", bad)
    refuse_unless_share(InvalidParams, "prior", prior)
    refuse_unless_positive(InvalidParams, "prior_weight", prior_weight)
    return (good + prior * prior_weight) / (good + bad + prior_weight)


def productivity(resolved_a_day: float, typical_a_day: float) -> float:
    """.5 at the typical number of resolved tasks a day."""
    refuse_negative(InvalidAgent, "resolved_a_day", resolved_a_day)
    return _saturate(resolved_a_day, typical_a_day)


def utilisation(busy_minutes: float, on_minutes: float) -> float | None:
    """Share of the time on that was spent on tasks, at most 1; None for somebody who was never on."""
    refuse_negative(InvalidAgent, "busy_minutes", busy_minutes)
    refuse_negative(InvalidAgent, "on_minutes", on_minutes)
    return min(1.0, busy_minutes / on_minutes) if on_minutes > 0.0 else None


def speed(handling_minutes: float, typical_minutes: float) -> float:
    """.5 at the typical handling time, less for slower ones: a straight line of log time near the middle, so skew does not rule."""
    refuse_negative(InvalidAgent, "handling_minutes", handling_minutes)
    return 1.0 - _saturate(handling_minutes, typical_minutes)


def _saturate(value: float, half_at: float) -> float:
    refuse_unless_positive(InvalidParams, "the value that counts half", half_at)
    return value / (value + half_at)


def _weighted_mean(parts: list[tuple[float, float | None]], prior: float) -> float:
    weighted = math.fsum(weight * (prior if value is None else value) for weight, value in parts)
    return min(1.0, max(0.0, weighted / math.fsum(weight for weight, _ in parts)))
