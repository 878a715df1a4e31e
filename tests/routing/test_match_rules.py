"""Rules that hold for every policy, whatever comes in."""

import math
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from routing import Agent, Matching, MatchParams, Policy, Task, WaitReason, explain, match
from tests.routing.strategies import NOW, SCORES, agent_lists, task_lists

EVERY_POLICY = [MatchParams(policy=policy) for policy in Policy]
some_cases = settings(max_examples=40, deadline=None)


def given_to(matching: Matching) -> dict[str, str]:
    return {assignment.task_id: assignment.agent_id for assignment in matching.assignments}


@some_cases
@given(tasks=task_lists(), agents=agent_lists())
def test_every_task_is_assigned_or_waits_exactly_once(tasks: list[Task], agents: list[Agent]) -> None:
    """No task gets lost and none is given out twice."""
    for params in EVERY_POLICY:
        matching = match(tasks, agents, NOW, params)
        seen = [a.task_id for a in matching.assignments] + [w.task_id for w in matching.waiting]
        assert sorted(seen) == sorted(task.id for task in tasks)
        assert all(waiting.detail for waiting in matching.waiting)


@some_cases
@given(tasks=task_lists(), agents=agent_lists())
def test_nobody_gets_more_than_their_capacity(tasks: list[Task], agents: list[Agent]) -> None:
    """Load plus what is given never exceeds capacity, and whoever is off or out of hours gets nothing."""
    for params in EVERY_POLICY:
        chosen = list(given_to(match(tasks, agents, NOW, params)).values())
        for agent in agents:
            assert chosen.count(agent.id) <= (agent.free_places if agent.is_at_work(NOW) else 0)


@some_cases
@given(tasks=task_lists(), agents=agent_lists())
def test_a_task_never_goes_to_who_declined_or_wrote_it(tasks: list[Task], agents: list[Agent]) -> None:
    """Having declined is for good, and nobody is their own helper."""
    for params in EVERY_POLICY:
        chosen = given_to(match(tasks, agents, NOW, params))
        for task in tasks:
            assert chosen.get(task.id) not in {*task.declined_by, task.requester} - {None}


@some_cases
@given(tasks=task_lists(), agents=agent_lists())
def test_a_requester_who_is_not_at_the_desk_changes_nothing(tasks: list[Task], agents: list[Agent]) -> None:
    """Who wrote a task matters only where they are an agent: not by being known, nor while they are away."""
    for params in EVERY_POLICY:
        away = [replace(a, on=a.on and all(a.id != task.requester for task in tasks)) for a in agents]
        unknown = [replace(task, requester=None) for task in tasks]
        assert match(tasks, away, NOW, params) == match(unknown, away, NOW, params)


@some_cases
@given(tasks=task_lists(), agents=agent_lists(), data=st.data())
def test_the_order_of_the_input_changes_nothing(
    tasks: list[Task], agents: list[Agent], data: st.DataObject
) -> None:
    """Shuffled tasks and agents give the very same matching, reasons and costs included."""
    for params in EVERY_POLICY:
        shuffled = match(data.draw(st.permutations(tasks)), data.draw(st.permutations(agents)), NOW, params)
        assert shuffled == match(tasks, agents, NOW, params)


@some_cases
@given(tasks=task_lists(), agents=agent_lists())
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
@given(tasks=task_lists(), agents=agent_lists())
def test_no_task_waits_beside_somebody_free_and_able(tasks: list[Task], agents: list[Agent]) -> None:
    """A task is outbid only when everybody who is on, able and has not declined is full after the matching."""
    for params in EVERY_POLICY:
        matching = match(tasks, agents, NOW, params)
        chosen = list(given_to(matching).values())
        by_id = {task.id: task for task in tasks}
        for waiting in matching.waiting:
            task = by_id[waiting.task_id]
            for agent in agents:
                full = not agent.is_at_work(NOW) or agent.load + chosen.count(agent.id) >= agent.capacity
                lacks = agent.skill_level(task.category) == 0.0 or not agent.speaks(task.language)
                if params.policy is Policy.ADAPTIVE:  # here the market and the score bar as well
                    lacks = lacks or agent.score < 1.0 or bool(agent.markets) or agent.hours is not None
                    lacks = lacks or waiting.reason is WaitReason.HOLD
                assert full or lacks or agent.id in task.barred
            left = {agent.id for agent in agents if agent.is_at_work(NOW)}
            declined = left & task.declined_by
            assert (waiting.reason is WaitReason.NOBODY_ON) is (not left)
            assert (waiting.reason is WaitReason.ALL_DECLINED) is (bool(declined) and left <= task.barred)
            own = bool(left) and not declined and left <= task.barred
            assert (waiting.reason is WaitReason.OWN_REQUEST) is own


@settings(max_examples=100, deadline=None)
@given(
    waits=st.lists(st.tuples(st.integers(0, 59), SCORES), min_size=2, max_size=6),
    places=st.integers(1, 4),
    minutes=st.integers(1, 600),
    data=st.data(),
    params=st.sampled_from(EVERY_POLICY),
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
    agents.append(Agent("busy", data.draw(SCORES), 1, 1, free_at=(soon,)))
    tasks = [one(at, waited, score) for at, (waited, score) in enumerate(waits)]
    chosen = data.draw(st.sampled_from(["", *sorted(given_to(match(tasks, agents, NOW, params)))]))
    if not chosen:
        return
    at = int(chosen[1:])
    tasks[at] = one(at, waits[at][0] + minutes, waits[at][1])
    assert chosen in given_to(match(tasks, agents, NOW, params))
