"""Scores: each component, what a missing one counts, and what a weight does."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing import (
    AgentComponents,
    AgentWeights,
    InvalidAgent,
    InvalidParams,
    InvalidTask,
    TaskComponents,
    TaskWeights,
    agent_score,
    scores,
    task_score,
)

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
shares = st.none() | st.floats(0.0, 1.0)
counts = st.integers(0, 10**6)
minutes = st.floats(0.0, 1e6)


@given(shares, shares, shares, shares)
def test_scores_stay_between_0_and_1(
    a: float | None, b: float | None, c: float | None, d: float | None
) -> None:
    """Whatever is known or not."""
    assert 0.0 <= task_score(TaskComponents(a, b, c, d, d)) <= 1.0
    assert 0.0 <= agent_score(AgentComponents(a, b, c, d)) <= 1.0


@given(counts, counts, minutes, minutes)
def test_components_stay_between_0_and_1(n: int, m: int, x: float, y: float) -> None:
    """Whatever the history."""
    values = [
        scores.risk(n, m),
        scores.impact(n, m),
        scores.urgency(NOW - timedelta(minutes=x), NOW + timedelta(minutes=y), NOW),
        scores.complexity(x),
        scores.accuracy(n, m),
        scores.productivity(x, 10.0),
        scores.utilisation(x, y + 1.0),
        scores.speed(x, 30.0),
    ]
    assert all(value is not None and 0.0 <= value <= 1.0 for value in values)


def test_the_default_weights_are_the_published_ones() -> None:
    """Task: .35 risk, .35 impact, .15 urgency, .15 complexity; agent: .6 accuracy, .4 efficiency."""
    assert task_score(TaskComponents(1, 0, 0, 0)) == pytest.approx(0.35)
    assert task_score(TaskComponents(0, 1, 0, 0)) == pytest.approx(0.35)
    assert task_score(TaskComponents(0, 0, 1, 0)) == pytest.approx(0.15)
    assert task_score(TaskComponents(0, 0, 0, 1)) == pytest.approx(0.15)
    assert agent_score(AgentComponents(1, 0, 0, 0)) == pytest.approx(0.6)
    assert agent_score(AgentComponents(0, 1, 1, 1)) == pytest.approx(0.4)


def test_the_models_doubt_is_one_more_input_of_risk() -> None:
    """It counts half of what the history does; without a model the history counts alone, and a weight of 0 says so too."""
    sure, unsure = TaskComponents(risk=0.5, model_risk=0.0), TaskComponents(risk=0.5, model_risk=1.0)
    between = 0.35 * (0.5 + 0.5 * 1.0) / 1.5 + 0.65 * 0.5
    assert task_score(unsure) == pytest.approx(between)
    assert task_score(sure) < task_score(TaskComponents(risk=0.5)) < task_score(unsure)
    assert task_score(TaskComponents(model_risk=1.0)) == task_score(unsure)
    assert task_score(unsure, TaskWeights(model_risk=0.0)) == task_score(TaskComponents(risk=0.5))


def test_weights_count_by_proportion() -> None:
    """Weights need not add up to 1."""
    assert task_score(TaskComponents(1, 0, 0, 0), TaskWeights(3, 1, 0, 0)) == 0.75
    assert agent_score(AgentComponents(1, 0, 0, 0), AgentWeights(1, 0, 0, 1)) == 0.5


def test_a_missing_value_counts_as_the_prior_and_never_as_the_best() -> None:
    """Somebody without a measured handling time is not the fastest."""
    unknown, fastest = AgentComponents(0.5, 0.5, 0.5, None), AgentComponents(0.5, 0.5, 0.5, 1.0)
    assert agent_score(unknown) == agent_score(AgentComponents(0.5, 0.5, 0.5, 0.5)) < agent_score(fastest)
    assert task_score(TaskComponents()) == 0.5
    assert task_score(TaskComponents(), TaskWeights(prior=0.2)) == pytest.approx(0.2)
    assert scores.utilisation(0.0, 0.0) is None


def test_components_have_the_values_their_words_promise() -> None:
    """The fixed points of each scale."""
    assert scores.risk(0, 0) == 0.0
    assert scores.risk(1, 1) == 0.5
    assert scores.impact(1, 1000) == 0.0
    assert scores.impact(10, 1000) == pytest.approx(1 / 3)
    assert scores.impact(1000, 1000) == 1.0
    assert scores.urgency(NOW, NOW + timedelta(hours=1), NOW + timedelta(minutes=15)) == 0.25
    assert scores.urgency(NOW, NOW, NOW) == 1.0
    assert scores.complexity(30.0) == 0.5
    assert scores.accuracy(0, 0) == 0.5
    assert scores.accuracy(90, 0) == pytest.approx(0.95)
    assert scores.productivity(12.0, 12.0) == 0.5
    assert scores.utilisation(30.0, 60.0) == 0.5
    assert scores.speed(20.0, 20.0) == 0.5
    assert scores.speed(10.0, 20.0) > scores.speed(20.0, 20.0) > scores.speed(40.0, 20.0)


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.1, math.inf])
def test_components_and_weights_refuse_nonsense(value: float) -> None:
    """NaN, negative and above-one components, and weights that are no weights, get one clear line."""
    with pytest.raises(InvalidTask, match="task score: risk must be a number from 0 to 1"):
        TaskComponents(risk=value)
    with pytest.raises(InvalidTask, match="task score: model_risk must be a number from 0 to 1"):
        TaskComponents(model_risk=value)
    with pytest.raises(InvalidAgent, match="agent score: speed must be a number from 0 to 1"):
        AgentComponents(speed=value)
    with pytest.raises(InvalidParams, match="prior"):
        TaskWeights(prior=value)
    if value != 1.1:
        with pytest.raises(InvalidParams, match="weight"):
            AgentWeights(accuracy=value)
        with pytest.raises(InvalidParams, match="weight of model_risk"):
            TaskWeights(model_risk=value)


def test_weights_that_are_all_zero_are_refused() -> None:
    """A mean over nothing has no value."""
    with pytest.raises(InvalidParams, match="at least one weight"):
        TaskWeights(0, 0, 0, 0)


@pytest.mark.parametrize("value", [math.nan, -1.0, math.inf])
def test_component_functions_refuse_impossible_measurements(value: float) -> None:
    """A negative or endless time is a bug upstream, not a score."""
    with pytest.raises(InvalidTask):
        scores.complexity(value)
    with pytest.raises(InvalidAgent):
        scores.speed(value, 30.0)
    with pytest.raises(InvalidAgent):
        scores.productivity(value, 30.0)
    with pytest.raises(InvalidAgent):
        scores.utilisation(value, 30.0)
    with pytest.raises(InvalidParams):
        scores.speed(1.0, value)
