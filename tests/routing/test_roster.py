"""A roster that is prepared once answers as the agents themselves would, and ranks them for one task."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import (
    AdaptiveParams,
    Agent,
    InvalidAgent,
    InvalidParams,
    MatchParams,
    Policy,
    Roster,
    Task,
    match,
    rank,
    working_week,
)
from tests.routing.strategies import NOW, agent_lists, task_lists

ALIKE = {("DE", "FR"): 0.6}


@settings(max_examples=40, deadline=None)
@given(tasks=task_lists(), before=agent_lists(), after=agent_lists())
def test_an_updated_roster_matches_as_a_new_one(
    tasks: list[Task], before: list[Agent], after: list[Agent]
) -> None:
    """Whatever changed: the answer is that of the agents as they are now, and the old roster keeps its own."""
    known = {agent.id for agent in before}
    changed = [agent for agent in after if agent.id in known]
    now = {agent.id: agent for agent in [*before, *changed]}
    roster = Roster(before, ALIKE)
    for policy in Policy:
        params = MatchParams(policy=policy)
        old = match(tasks, roster, NOW, params)
        assert match(tasks, roster.updated(changed), NOW, params) == match(
            tasks, now.values(), NOW, params, ALIKE
        )
        assert match(tasks, roster, NOW, params) == old == match(tasks, before, NOW, params, ALIKE)


@settings(max_examples=60, deadline=None)
@given(task=task_lists(most=1).filter(bool), agents=agent_lists(), top=st.integers(1, 4))
def test_the_first_in_rank_is_who_gets_a_task_alone(task: list[Task], agents: list[Agent], top: int) -> None:
    """In order of cost, no more than asked for, terms adding up; without holds the first gets the task."""
    params = AdaptiveParams(hold=False)
    ranked = rank(task[0], Roster(agents), NOW, params, top)
    everybody = rank(task[0], Roster(agents), NOW, params, 100)
    assert ranked == everybody[:top]
    assert [candidate.cost for candidate in ranked] == sorted(candidate.cost for candidate in ranked)
    for candidate in ranked:
        assert sum(term.value for term in candidate.terms) == pytest.approx(candidate.cost, abs=1e-9)
    given_out = match(task, agents, NOW, MatchParams(policy=Policy.ADAPTIVE, adaptive=params)).assignments
    assert [a.cost for a in given_out] == pytest.approx([candidate.cost for candidate in ranked[:1]])


def test_people_come_and_go_between_two_looks_at_one_roster(task: Any, agent: Any) -> None:
    """Who is at work is remembered, but only until somebody comes or goes."""
    roster = Roster(
        [agent("early", hours=working_week("UTC", 540, 600)), agent("late", hours=working_week("UTC", 600))]
    )
    tasks = [task(handling_minutes=1.0)]

    def owner(moment: datetime) -> list[str]:
        return [
            a.agent_id for a in match(tasks, roster, moment, MatchParams(policy=Policy.ADAPTIVE)).assignments
        ]

    assert owner(NOW) == owner(NOW + timedelta(minutes=5)) == ["early"]
    assert owner(NOW + timedelta(minutes=60)) == ["late"]
    assert owner(NOW) == ["early"]
    assert owner(datetime(2025, 3, 3, 3, 0, tzinfo=UTC)) == []


def test_a_stranger_and_a_second_table_are_refused(agent: Any) -> None:
    """A roster has its people and its similarities; others need a new one."""
    roster = Roster([agent()])
    with pytest.raises(InvalidAgent, match="agent a9 is not in the roster"):
        roster.updated([replace(agent(), id="a9")])
    with pytest.raises(InvalidParams, match="leave similarity out"):
        match([], roster, NOW, similarity={})
