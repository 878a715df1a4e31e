"""The simulated desk: the same day for every policy, and days that can be computed by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from routing import InvalidParams, MatchParams, Policy
from routing.comparing import compare, interval
from routing.simulation import METRICS, DayReport, Scenario, draw_world, simulate
from routing.simulation.clock import at, minute_of, opens
from routing.simulation.desk import Desk
from routing.simulation.offers import EXPIRES_MINUTES, Answer, react
from routing.simulation.report import gini
from routing.simulation.scenario import OFFICES

ONE_PERSON = Scenario(
    agents=1, offices=1, hours=12.0, load=0.8, categories=2, skills_each=1, patience_minutes=0.0
)
SMALL = Scenario(agents=6, hours=2.0, load=0.9)


def played(scenario: Scenario, policy: Policy, seed: int) -> Desk:
    desk = Desk(scenario, MatchParams(policy=policy), draw_world(scenario, seed), seed)
    desk.play()
    return desk


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", [Policy.LONGEST_IDLE, Policy.RANDOM])
def test_one_person_serves_a_queue_as_computed_by_hand(policy: Policy, seed: int) -> None:
    """First come, first served by one person is a textbook queue (Lindley's recursion), slower where the fit lacks."""
    world = draw_world(ONE_PERSON, seed)
    (person,) = world.team.agents
    alike = {"DE": {"AT": 0.8, "NL": 0.6}, "AT": {"DE": 0.8, "NL": 0.6}, "NL": {"DE": 0.6, "AT": 0.6}}
    closes = opens("Europe/Berlin") + 720.0
    waits, free_at, busy, skilled = [], 0.0, 0.0, []
    for request in world.requests:
        task = request.task
        assert task.market is not None
        assert task.category is not None
        arrives = minute_of(task.created_at)
        starts = max(arrives, free_at)
        if starts >= closes:
            break
        near = max(1.0 if own == task.market else alike[task.market][own] for own in person.markets)
        level = person.skills.get(task.category, 0.0)
        slower = person.pace * (1.0 + 0.3 * (1.0 - near)) * (1.0 + 0.2 * (1.0 - level) if level else 1.5)
        waits.append(starts - arrives)
        skilled.append(level > 0.0)
        free_at = starts + request.minutes * slower
        busy += min(free_at, closes) - starts
    day = simulate(ONE_PERSON, MatchParams(policy=policy), seed)
    assert day.tasks == len(world.requests)
    assert round(day.carried_over_share * day.tasks) == day.tasks - len(waits)
    assert day.mean_first_response == pytest.approx(np.mean(waits), abs=1e-4)
    assert day.p95_first_response == pytest.approx(np.percentile(waits, 95), abs=1e-4)
    assert day.utilisation == pytest.approx(busy / 720.0, abs=1e-6)
    assert day.skilled_share == np.mean(skilled)
    assert 0.0 < day.skilled_share < 1.0
    assert max(waits) > 1.0, "the queue must build up for this to mean anything"


def test_with_plenty_of_people_only_the_clock_makes_work_wait() -> None:
    """On demand nobody waits; matched every ten minutes a task waits five on average and ten at most."""
    idle = Scenario(agents=200, offices=1, load=0.02)
    at_once = simulate(idle, MatchParams(policy=Policy.HUNGARIAN), 0)
    assert (at_once.mean_first_response, at_once.p95_first_response) == (0.0, 0.0)
    ticking = simulate(replace(idle, rerank_s=600.0), MatchParams(policy=Policy.HUNGARIAN), 0)
    assert ticking.mean_first_response == pytest.approx(5.0, abs=1.0)
    assert 8.0 < ticking.p95_first_response <= 10.0


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("offers", [False, True])
def test_a_day_depends_on_its_seed_alone(policy: Policy, offers: bool) -> None:
    """Same seed, same report; another seed, another day; shares are shares."""
    scenario = replace(SMALL, offers=offers)
    day = simulate(scenario, MatchParams(policy=policy), 1)
    assert day == simulate(scenario, MatchParams(policy=policy), 1)
    assert day != simulate(scenario, MatchParams(policy=policy), 2)
    times = {"mean_first_response", "p95_first_response", "notifications", "accept_p95_s", "matchings"}
    assert all(0.0 <= getattr(day, name) <= 1.0 for name in METRICS if name not in times)
    assert day.skilled_share > 0.0
    assert day.notifications == 1.0 or offers
    assert (day.accept_p95_s > 0.0) is offers


@pytest.mark.parametrize("policy", [Policy.ADAPTIVE, Policy.LONGEST_IDLE])
@pytest.mark.parametrize("capacity", [1, 2])
def test_nobody_works_on_more_than_they_can_or_outside_of_their_hours(policy: Policy, capacity: int) -> None:
    """At no moment has anybody more tasks than places, and nobody starts before nine or after the end."""
    desk = played(replace(SMALL, capacity=capacity), policy, 3)
    world = draw_world(replace(SMALL, capacity=capacity), 3)
    zone_of = {
        agent.id: OFFICES[office].zone
        for agent, office in zip(world.team.agents, world.team.office, strict=True)
    }
    done = [record for record in desk.records if record.started is not None]
    assert len(done) > 20
    for record in done:
        assert record.started is not None
        assert record.agent is not None
        opened = opens(zone_of[record.agent])
        assert opened <= record.started < opened + 120.0
        at_once = [
            other
            for other in done
            if other.agent == record.agent
            and other.started is not None
            and other.ends is not None
            and other.started <= record.started < other.ends
        ]
        assert len(at_once) <= capacity


def test_an_unanswered_offer_brings_in_one_more_agent_every_half_minute() -> None:
    """Who is asked never changes into fewer; a task is accepted by somebody asked; nobody is asked twice."""
    quiet = Scenario(agents=30, offices=1, hours=3.0, load=0.2, offers=True)
    desk, world = played(quiet, Policy.LONGEST_IDLE, 0), draw_world(quiet, 0)
    for request, record in zip(world.requests, desk.records, strict=True):
        if record.started is None:
            continue
        assert record.agent in record.asked
        assert record.notified == len(record.asked)
        mine = react(0, request.task.id, record.agent or "")
        assert mine.answer is Answer.ACCEPTED
        if record.notified == 1:
            assert record.started - record.offered == pytest.approx(mine.minutes)
    waited = [r.started - r.offered for r in desk.records if r.started is not None and r.notified == 1]
    assert max(waited) <= 0.5 + 1e-9, "after half a minute somebody else was free and is asked"


def test_reactions_are_as_assumed() -> None:
    """A median of 25 s; an eighth never answers within the offer's time; a twentieth declines; fixed by the ids."""
    drawn = [react(0, f"t{i}", "a") for i in range(4000)]
    answered = [60.0 * r.minutes for r in drawn if r.answer is not Answer.NONE]
    assert np.median(answered) == pytest.approx(25.0, abs=1.0)
    assert np.mean([r.answer is Answer.NONE for r in drawn]) == pytest.approx(0.12, abs=0.02)
    assert np.mean([r.answer is Answer.DECLINED for r in drawn]) == pytest.approx(0.05, abs=0.01)
    assert all(r.minutes == EXPIRES_MINUTES for r in drawn if r.answer is Answer.NONE)
    assert react(0, "t1", "a") == react(0, "t1", "a") != react(1, "t1", "a")


def test_the_day_brings_the_load_it_was_asked_for() -> None:
    """When anybody with the skill may take anything, the team is as busy as the load says."""
    scenario = Scenario(agents=30, load=0.95, offices=1, hours=12.0)
    day = simulate(scenario, MatchParams(policy=Policy.RANDOM), 0)
    assert day.utilisation == pytest.approx(0.95, abs=0.05)


def test_requesters_give_up_and_only_then() -> None:
    """In an overloaded day the impatient leave; a patient one never does."""
    heavy = replace(SMALL, load=2.0, patience_minutes=5.0)
    assert simulate(heavy, MatchParams(), 0).gave_up_share > 0.2
    assert simulate(replace(heavy, patience_minutes=0.0), MatchParams(), 0).gave_up_share == 0.0


def test_the_team_is_hired_for_its_requests() -> None:
    """Half of an office is at home in its largest market; hours are those of its zone; scores are percentiles."""
    world = draw_world(Scenario(agents=60), 0)
    berlin = [a for a, office in zip(world.team.agents, world.team.office, strict=True) if office == 0]
    assert len(berlin) == 20
    assert sum("DE" in agent.markets for agent in berlin) >= 10
    assert all(not a.is_at_work(at(7 * 60 + 59)) and a.is_at_work(at(8 * 60)) for a in berlin)
    assert sorted(agent.score for agent in world.team.agents) == pytest.approx(
        [(place + 0.5) / 60 for place in range(60)]
    )
    scores = [request.task.score for request in world.requests]
    assert np.mean(scores) == pytest.approx(0.5, abs=0.03)


def test_gini_is_zero_for_equals_and_grows_with_the_difference() -> None:
    """One of two with everything: one half; one of four: three quarters."""
    assert gini(np.array([2.0, 2.0, 2.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 1.0])) == pytest.approx(0.5)
    assert gini(np.array([0.0, 0.0, 0.0, 1.0])) == pytest.approx(0.75)
    assert gini(np.zeros(3)) == 0.0


def test_policies_are_compared_on_the_same_days() -> None:
    """Every policy has the same tasks each seed; a policy differs from itself by nothing; progress counts days."""
    done: list[int] = []
    rows = compare(
        SMALL, MatchParams(), [Policy.HUNGARIAN, Policy.RANDOM], [0.0, 60.0], range(3), done.append
    )
    assert [(row.policy, row.rerank_s) for row in rows] == [
        (Policy.HUNGARIAN, 0.0),
        (Policy.HUNGARIAN, 60.0),
        (Policy.RANDOM, 0.0),
        (Policy.RANDOM, 60.0),
    ]
    assert len({tuple(day.tasks for day in row.days) for row in rows}) == 1
    assert sum(done) == 12
    assert all(rows[0].against_first[name].mean == 0.0 for name in METRICS)
    for row in rows:
        by_hand = np.mean(
            [a.utilisation - b.utilisation for a, b in zip(row.days, rows[0].days, strict=True)]
        )
        assert row.against_first["utilisation"].mean == pytest.approx(by_hand)
        assert row.metrics["utilisation"].mean == pytest.approx(
            np.mean([day.utilisation for day in row.days])
        )


def test_an_interval_is_students_and_needs_two_values() -> None:
    """For 1, 2, 3: 2 plus or minus 4.3027 x 1 / sqrt 3; a single value has none."""
    found = interval([1.0, 2.0, 3.0])
    assert found.low is not None
    assert found.high is not None
    assert found.mean == 2.0
    assert found.high - 2.0 == pytest.approx(4.30265 / math.sqrt(3), abs=1e-4)
    assert found.high - 2.0 == pytest.approx(2.0 - found.low)
    assert (interval([5.0]).mean, interval([5.0]).low) == (5.0, None)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"agents": 0}, "agents"),
        ({"capacity": -1}, "capacity"),
        ({"hours": math.nan}, "hours"),
        ({"hours": 13.0}, "hours must be at most 12"),
        ({"load": 0.0}, "load"),
        ({"mean_minutes": math.inf}, "mean_minutes"),
        ({"spread": -1.0}, "spread"),
        ({"patience_minutes": math.inf}, "patience_minutes"),
        ({"deadline_minutes": (1.0,)}, "deadline_minutes must have 4"),
        ({"deadline_minutes": (1.0, 2.0, 3.0, 0.0)}, "deadline_minutes"),
        ({"rerank_s": 0.5}, "rerank_s must be 0"),
        ({"skills_each": 5}, "skills_each must not exceed"),
        ({"offices": 4}, "offices must be at most 3"),
        ({"agents": 2}, "every office needs an agent"),
        ({"local_language_share": 1.5}, "local_language_share"),
    ],
)
def test_an_impossible_scenario_is_refused(values: dict[str, Any], complaint: str) -> None:
    """Each setting is checked when the scenario is built."""
    with pytest.raises(InvalidParams, match=complaint):
        Scenario(**values)


def test_a_day_without_tasks_or_a_comparison_of_nothing_is_refused() -> None:
    """There would be nothing to report."""
    with pytest.raises(InvalidParams, match="no task arrives"):
        simulate(Scenario(agents=1, offices=1, hours=0.02), MatchParams(), 0)
    with pytest.raises(InvalidParams, match="at least one"):
        compare(SMALL, MatchParams(), [], [0.0], range(2))
    assert set(METRICS) < set(DayReport.__dataclass_fields__)
