"""Rules that hold for every policy, whatever comes in."""

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import Agent, Matching, MatchParams, Policy, Task, WaitReason, explain, match

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)

_SCORES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0.0, 1.0)
_AGENT_IDS = [f"a{i}" for i in range(5)]


@st.composite
def _task_lists(draw: st.DrawFn) -> list[Task]:
    return [
        Task(
            id=f"t{i}",
            score=draw(_SCORES),
            category=draw(st.sampled_from([None, "network", "printing"])),
            language=draw(st.sampled_from([None, "en", "nl"])),
            market=draw(st.sampled_from([None, "DE", "FR"])),
            created_at=(created := NOW - timedelta(minutes=draw(st.integers(-5, 120)))),
            deadline_at=created + timedelta(minutes=draw(st.integers(0, 120))),
            handling_minutes=draw(st.none() | st.floats(0.0, 240.0)),
            declined_by=draw(st.frozensets(st.sampled_from(_AGENT_IDS), max_size=3)),
        )
        for i in range(draw(st.integers(0, 7)))
    ]


@st.composite
def _agent_lists(draw: st.DrawFn) -> list[Agent]:
    return [
        Agent(
            id=_AGENT_IDS[i],
            score=draw(_SCORES),
            capacity=draw(st.integers(0, 3)),
            load=draw(st.integers(0, 4)),
            skills=draw(st.dictionaries(st.sampled_from(["network", "printing"]), _SCORES, max_size=2)),
            languages=draw(st.frozensets(st.sampled_from(["en", "nl"]), max_size=2)),
            markets=draw(st.frozensets(st.sampled_from(["DE", "FR"]), max_size=2)),
            on=draw(st.sampled_from([True, True, True, False])),
            idle_since=draw(st.none() | st.just(NOW) | st.just(NOW - timedelta(hours=1))),
        )
        for i in range(draw(st.integers(0, 5)))
    ]


EVERY_POLICY = [MatchParams(policy=policy) for policy in Policy]
some_cases = settings(max_examples=40, deadline=None)


def given_to(matching: Matching) -> dict[str, str]:
    return {assignment.task_id: assignment.agent_id for assignment in matching.assignments}


@some_cases
@given(tasks=_task_lists(), agents=_agent_lists())
def test_every_task_is_assigned_or_waits_exactly_once(tasks: list[Task], agents: list[Agent]) -> None:
    """No task gets lost and none is given out twice."""
    for params in EVERY_POLICY:
        matching = match(tasks, agents, NOW, params)
        seen = [a.task_id for a in matching.assignments] + [w.task_id for w in matching.waiting]
        assert sorted(seen) == sorted(task.id for task in tasks)
        assert all(waiting.detail for waiting in matching.waiting)


@some_cases
@given(tasks=_task_lists(), agents=_agent_lists())
def test_nobody_gets_more_than_their_capacity(tasks: list[Task], agents: list[Agent]) -> None:
    """Load plus what is given never exceeds capacity, and whoever is off gets nothing."""
    for params in EVERY_POLICY:
        chosen = list(given_to(match(tasks, agents, NOW, params)).values())
        for agent in agents:
            assert chosen.count(agent.id) <= (max(0, agent.capacity - agent.load) if agent.on else 0)


@some_cases
@given(tasks=_task_lists(), agents=_agent_lists())
def test_a_task_never_returns_to_somebody_who_declined_it(tasks: list[Task], agents: list[Agent]) -> None:
    """Having declined is for good."""
    for params in EVERY_POLICY:
        chosen = given_to(match(tasks, agents, NOW, params))
        assert not [task.id for task in tasks if chosen.get(task.id) in task.declined_by]


@some_cases
@given(tasks=_task_lists(), agents=_agent_lists(), data=st.data())
def test_the_order_of_the_input_changes_nothing(
    tasks: list[Task], agents: list[Agent], data: st.DataObject
) -> None:
    """Shuffled tasks and agents give the very same matching, reasons and costs included."""
    for params in EVERY_POLICY:
        shuffled = match(data.draw(st.permutations(tasks)), data.draw(st.permutations(agents)), NOW, params)
        assert shuffled == match(tasks, agents, NOW, params)


@some_cases
@given(tasks=_task_lists(), agents=_agent_lists())
def test_the_terms_add_up_to_the_cost(tasks: list[Task], agents: list[Agent]) -> None:
    """An explanation leaves nothing out: its terms sum to the cost, the runner-up's difference to the runner-up's cost."""
    for params in EVERY_POLICY:
        for assignment in match(tasks, agents, NOW, params).assignments:
            assert math.isclose(
                sum(term.value for term in assignment.terms), assignment.cost, rel_tol=0, abs_tol=1e-9
            )
            assert all(term.name and term.meaning for term in assignment.terms)
            assert explain(assignment).startswith("Why you: ")
            if (runner_up := assignment.runner_up) is not None:
                assert runner_up.agent_id != assignment.agent_id
                assert math.isclose(
                    runner_up.cost - assignment.cost, runner_up.difference, rel_tol=0, abs_tol=1e-9
                )


@some_cases
@given(tasks=_task_lists(), agents=_agent_lists())
def test_no_task_waits_beside_somebody_free_and_able(tasks: list[Task], agents: list[Agent]) -> None:
    """A task is outbid only when everybody who is on, able and has not declined is full after the matching."""
    for params in EVERY_POLICY:
        matching = match(tasks, agents, NOW, params)
        chosen = list(given_to(matching).values())
        by_id = {task.id: task for task in tasks}
        for waiting in matching.waiting:
            task = by_id[waiting.task_id]
            for agent in agents:
                full = not agent.on or agent.load + chosen.count(agent.id) >= agent.capacity
                lacks = agent.skill_level(task.category) == 0.0 or not agent.speaks(task.language)
                if params.policy is Policy.ADAPTIVE:  # here the market and the score bar as well
                    lacks = lacks or agent.score < 1.0 or bool(agent.markets)
                assert full or lacks or agent.id in task.declined_by
            if waiting.reason in {WaitReason.NOBODY_ON, WaitReason.ALL_DECLINED}:
                assert all(not agent.on or agent.id in task.declined_by for agent in agents)


@settings(max_examples=100, deadline=None)
@given(
    waits=st.lists(st.tuples(st.integers(0, 59), _SCORES), min_size=2, max_size=6),
    places=st.integers(1, 4),
    minutes=st.integers(1, 600),
    data=st.data(),
    params=st.sampled_from([MatchParams(policy=Policy.HUNGARIAN), MatchParams(policy=Policy.ADAPTIVE)]),
)
def test_waiting_longer_never_costs_a_task_its_turn(
    waits: list[tuple[int, float]], places: int, minutes: int, data: st.DataObject, params: MatchParams
) -> None:
    """Of tasks that differ in age and score, one that is given out is given out as well when it is older still."""

    def one(at: int, waited: int, score: float) -> Task:
        created = NOW - timedelta(minutes=waited)
        return Task(f"t{at}", score, None, None, None, created, created + timedelta(hours=1))

    agents = [Agent(f"a{i}", 0.3 * i, 1, 0) for i in range(places)]
    soon = NOW + timedelta(minutes=data.draw(st.integers(1, 6)))
    agents.append(Agent("busy", data.draw(_SCORES), 1, 1, free_at=(soon,)))
    tasks = [one(at, waited, score) for at, (waited, score) in enumerate(waits)]
    chosen = data.draw(st.sampled_from(["", *sorted(given_to(match(tasks, agents, NOW, params)))]))
    if not chosen:
        return
    at = int(chosen[1:])
    tasks[at] = one(at, waits[at][0] + minutes, waits[at][1])
    assert chosen in given_to(match(tasks, agents, NOW, params))
