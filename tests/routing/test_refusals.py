"""Nonsense is refused when it is built or handed over, in one line that names it."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from routing import Agent, InvalidAgent, InvalidParams, InvalidTask, MatchParams, Policy, RoutingError, match

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
NONSENSE = [math.nan, math.inf, -math.inf, -0.1, "0.5", None, True]


def message_of(error: type[RoutingError], build: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        build()
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("value", [*NONSENSE, 1.1])
def test_a_score_outside_0_to_1_is_refused(value: Any, task: Any, agent: Any) -> None:
    """Tasks and agents name themselves, the field and the value."""
    assert message_of(InvalidTask, lambda: task("t9", score=value)).startswith("task t9: score must be")
    assert repr(value) in message_of(InvalidAgent, lambda: agent("a9", score=value))
    assert "skill level for vpn" in message_of(InvalidAgent, lambda: agent(skills={"vpn": value}))


@pytest.mark.parametrize("value", [-1, 1.5, math.nan, None, True])
def test_counts_are_whole_and_not_negative(value: Any, agent: Any) -> None:
    """Capacity and load are numbers of tasks."""
    assert "capacity must be a whole number" in message_of(InvalidAgent, lambda: agent(capacity=value))
    assert "load must be a whole number" in message_of(InvalidAgent, lambda: agent(load=value))


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_an_impossible_handling_time_is_refused(value: float, task: Any) -> None:
    """None means unknown; a number must be a time."""
    assert "handling_minutes" in message_of(InvalidTask, lambda: task(handling_minutes=value))


def test_times_need_a_zone_and_an_order(task: Any, agent: Any) -> None:
    """Naive times and deadlines before creation are refused, wherever they come in."""
    naive = datetime(2025, 3, 3)  # noqa: DTZ001 - the very thing that is refused
    assert "before" in message_of(InvalidTask, lambda: task(allowed=-1.0))
    assert "time zone" in message_of(InvalidAgent, lambda: agent(idle_since=naive))
    assert "now must be a datetime with a time zone" in message_of(
        InvalidParams, lambda: match([], [], naive)
    )


def test_an_empty_id_is_refused(task: Any, agent: Any) -> None:
    """Without an id an assignment could not say whom it means."""
    assert message_of(InvalidTask, lambda: task("")) == "a task needs an id"
    assert message_of(InvalidAgent, lambda: agent("")) == "an agent needs an id"


def test_an_id_given_twice_is_refused(task: Any, agent: Any) -> None:
    """Two tasks or agents of one id would make the answer ambiguous."""
    assert message_of(InvalidTask, lambda: match([task(), task()], [], NOW)) == "task t1 is given 2 times"
    assert message_of(InvalidAgent, lambda: match([], [agent(), agent()], NOW)) == "agent a1 is given 2 times"


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.1])
def test_a_similarity_outside_0_to_1_is_refused(value: float) -> None:
    """The message names the pair."""
    assert "DE and AT" in message_of(
        InvalidParams, lambda: match([], [], NOW, similarity={("DE", "AT"): value})
    )


@pytest.mark.parametrize("name", [n for n in MatchParams.__dataclass_fields__ if n not in {"policy"}])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1, "1"])
def test_every_setting_refuses_nonsense(name: str, value: Any) -> None:
    """No weight, scale, share or seed may be infinite, negative or not a number."""
    assert name in message_of(InvalidParams, lambda: MatchParams(**{name: value}))


def test_settings_that_contradict_are_refused() -> None:
    """Scales divide, so they cannot be 0; the language gives way before the skill; a policy is one of ours."""
    assert "gap_scale" in message_of(InvalidParams, lambda: MatchParams(gap_scale=0.0))
    assert "gives way first" in message_of(InvalidParams, lambda: MatchParams(language_patience_share=0.9))
    assert "hungarian" in message_of(InvalidParams, lambda: MatchParams(policy="best"))  # type: ignore[arg-type]


def test_all_weights_at_zero_still_match(task: Any, agent: Any) -> None:
    """Without any preference the tie rule decides: the least busy agent, then the smaller id."""
    nothing: dict[str, Any] = {n: 0.0 for n in MatchParams.__dataclass_fields__ if n.startswith("weight_")}
    params = MatchParams(policy=Policy.HUNGARIAN, **nothing)
    agents: list[Agent] = [agent("a3"), agent("a2"), agent("a1", load=1)]
    (given,) = match([task()], agents, NOW, params).assignments
    assert (given.agent_id, given.cost) == ("a2", 0.0)
