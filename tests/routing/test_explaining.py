"""Questions about one decision: why not somebody else, what would change it, can it be repeated."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from routing import (
    Agent,
    InvalidAgent,
    InvalidTable,
    InvalidTask,
    MatchParams,
    Policy,
    Task,
    match,
    working_week,
)
from routing.explaining import Barrier, Lever, decision_record, replay, smallest_flip, why_not
from tests.routing.strategies import agent_lists, task_lists

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)
ADAPTIVE = MatchParams(policy=Policy.ADAPTIVE)
ALIKE = {("DE", "FR"): 0.6}


@settings(max_examples=60, deadline=None)
@given(tasks=task_lists(), agents=agent_lists())
def test_a_record_replays_to_the_same_matching(tasks: list[Task], agents: list[Agent]) -> None:
    """Through JSON and back, under every policy: the same pairs, costs, reasons and holds."""
    for policy in Policy:
        params = MatchParams(policy=policy, seed=3)
        matching = match(tasks, agents, NOW, params, ALIKE)
        record = json.loads(json.dumps(decision_record(tasks, agents, NOW, params, ALIKE, matching)))
        again = replay(record)
        assert again == matching
        assert record["outcome"] == json.loads(
            json.dumps(decision_record(tasks, agents, NOW, params, ALIKE, again)["outcome"])
        )


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"rules": 0}, "rules 0"),
        ({"now": "today"}, "not a time"),
        ({"params": {}}, "these are no params"),
        ({"similarity": [1]}, "similarity must be a list"),
        ({"tasks": [{"id": "t1"}]}, "score is missing|created_at"),
    ],
)
def test_what_is_no_record_is_not_replayed(change: Any, complaint: str, task: Any, agent: Any) -> None:
    """One line says what is wrong with it."""
    record = decision_record(
        [task()], [agent()], NOW, ADAPTIVE, None, match([task()], [agent()], NOW, ADAPTIVE)
    )
    with pytest.raises(InvalidTable, match=complaint):
        replay(record | change)
    with pytest.raises(InvalidTable, match="tasks is missing"):
        replay({key: value for key, value in record.items() if key != "tasks"})


@settings(max_examples=15, deadline=None)
@given(tasks=task_lists(), agents=agent_lists())
def test_a_flip_is_what_would_really_happen(tasks: list[Task], agents: list[Agent]) -> None:
    """Whatever it tells, somebody else gets the task then; and what it names is what it changes."""
    for policy in (Policy.ADAPTIVE, Policy.LONGEST_IDLE):
        params = MatchParams(policy=policy)
        for assignment in match(tasks, agents, NOW, params, ALIKE).assignments[:1]:
            flip = smallest_flip(tasks, agents, NOW, params, ALIKE, assignment.task_id)
            if flip is None:
                continue
            assert flip.instead != assignment.agent_id
            assert flip.size > 0.0
            assert flip.before != flip.after
            assert flip.sentence.startswith("If ")
            if flip.lever is Lever.TASK_SCORE:
                turned = [replace(t, score=flip.after) if t.id == assignment.task_id else t for t in tasks]
                after = {a.task_id: a.agent_id for a in match(turned, agents, NOW, params, ALIKE).assignments}
                assert after.get(assignment.task_id) == flip.instead


def test_the_flip_is_where_the_costs_cross(task: Any, agent: Any) -> None:
    """Two agents who differ in score and market: the similarity at which they tie can be computed by hand."""
    agents = [
        agent("home", score=0.4, markets=frozenset({"DE"})),
        agent("near", score=0.5, markets=frozenset({"FR"})),
    ]
    alike = {("DE", "FR"): 0.8}
    tasks = [task(score=0.5, market="DE")]
    flip = smallest_flip(tasks, agents, NOW, ADAPTIVE, alike, "t1")
    assert flip is not None
    # home: .3 x .1/.25 = .12; near: .75 x .2/.25 = .6. They tie at a similarity of .96, .64 of the scale away.
    assert flip.lever in {Lever.RUNNER_UP_SIMILARITY, Lever.SIMILARITY, Lever.SCORE}
    assert flip.size == pytest.approx(0.64, abs=2e-3)
    assert flip.instead == "near"


def test_a_load_of_one_more_can_flip(task: Any, agent: Any) -> None:
    """With nothing but the load to tell them apart, one more task in hand gives the next one to the other."""
    agents = [agent("a", capacity=2), agent("b", capacity=2, load=1)]
    (given_now,) = match([task()], agents, NOW, ADAPTIVE).assignments
    assert given_now.agent_id == "a"
    flip = smallest_flip([task()], agents, NOW, ADAPTIVE, None, "t1")
    assert flip is not None
    assert flip.instead == "b"
    assert (
        smallest_flip([task()], [agent()], NOW, replace(ADAPTIVE, policy=Policy.RANDOM), None, "t1")
        is not None
    )
    with pytest.raises(InvalidTask, match="given to nobody"):
        smallest_flip([task()], [], NOW, ADAPTIVE, None, "t1")


@pytest.mark.parametrize(
    ("values", "barrier", "words"),
    [
        ({"on": False}, Barrier.NOT_AT_WORK, "away"),
        ({"hours": working_week("America/New_York")}, Barrier.NOT_AT_WORK, "outside of their hours"),
        ({"capacity": 0}, Barrier.NO_CAPACITY, "capacity of 0"),
        ({"id": "self"}, Barrier.OWN_REQUEST, "wrote it themselves"),
        ({"id": "unwilling"}, Barrier.DECLINED, "declined"),
        ({"skills": {"printing": 1.0}}, Barrier.SKILL, "no skill for network"),
        ({"languages": frozenset({"en"})}, Barrier.LANGUAGE, "does not speak nl"),
        ({"markets": frozenset({"US"})}, Barrier.MARKET, "no market near DE"),
        ({"score": 0.0}, Barrier.SCORE, "not the score"),
        ({"hours": working_week("UTC", 0, 9 * 60 + 5)}, Barrier.SHIFT, "before the shift ends"),
        ({"load": 5}, Barrier.FULL, "5 of 5 places"),
    ],
)
def test_why_not_names_the_first_filter_that_failed(
    values: Any, barrier: Barrier, words: str, task: Any, agent: Any
) -> None:
    """Every filter is told apart, in one phrase."""
    able = {"skills": {"network": 1.0}, "languages": frozenset({"nl"}), "markets": frozenset({"DE"})}
    other = agent(**({"id": "x"} | able | values))
    needs = {"category": "network", "language": "nl", "market": "DE"}
    tasks = [task(**needs, declined_by=frozenset({"unwilling"}), requester="self")]
    answer = why_not(tasks, [agent("able", **able), other], NOW, ADAPTIVE, None, "t1", other.id)
    assert (answer.barrier, answer.chosen) == (barrier, "able")
    assert words in answer.detail


@pytest.mark.parametrize("policy", list(Policy))
def test_why_not_adds_up_to_the_difference(policy: Policy, task: Any, agent: Any) -> None:
    """Who passes every filter costs more by the sum of the terms; the sentence names the weightiest."""
    agents = [
        agent("a", score=0.6),
        agent("b", score=0.3, load=1, busy_share=0.4, idle_since=NOW - timedelta(minutes=5)),
    ]
    params = MatchParams(policy=policy)
    (given_now,) = match([task(score=0.6)], agents, NOW, params).assignments
    other = "b" if given_now.agent_id == "a" else "a"
    answer = why_not([task(score=0.6)], agents, NOW, params, None, "t1", other)
    assert answer.barrier is None
    assert answer.difference is not None
    assert given_now.runner_up is not None
    assert answer.difference == pytest.approx(given_now.runner_up.difference, abs=1e-9)
    assert sum(term.value for term in answer.by_term) == pytest.approx(answer.difference, abs=1e-9)
    assert answer.detail.startswith("fits worse by")


def test_why_not_of_a_task_that_waits(task: Any, agent: Any) -> None:
    """Who is able got another task; who got it, or is unknown, is refused."""
    tasks, agents = [task("t1"), task("t2")], [agent(capacity=1)]
    answer = why_not(tasks, agents, NOW, ADAPTIVE, None, "t2", "a1")
    assert (answer.chosen, answer.barrier, answer.difference) == (None, None, None)
    assert "got t1" in answer.detail
    with pytest.raises(InvalidAgent, match="did get task t1"):
        why_not(tasks, agents, NOW, ADAPTIVE, None, "t1", "a1")
    with pytest.raises(InvalidAgent, match="not among the agents"):
        why_not(tasks, agents, NOW, ADAPTIVE, None, "t1", "a9")
    with pytest.raises(InvalidTask, match="not among the tasks"):
        why_not(tasks, agents, NOW, ADAPTIVE, None, "t9", "a1")
