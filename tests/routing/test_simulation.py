"""The simulated desk: the same day for every policy, and days that can be computed by hand."""

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from routing import InvalidParams, MatchParams, Policy
from routing.comparing import compare, interval
from routing.simulation import METRICS, DayReport, Scenario, draw_world, simulate

ONE_PERSON = Scenario(agents=1, hours=20.0, load=0.8, categories=2, skills_each=1, second_language_share=0.0)
SMALL = Scenario(agents=4, hours=3.0, load=0.9)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", [Policy.LONGEST_IDLE, Policy.RANDOM])
def test_one_person_serves_a_queue_as_computed_by_hand(policy: Policy, seed: int) -> None:
    """First come, first served by one person is a textbook queue (Lindley's recursion), slower where the skill lacks."""
    world = draw_world(ONE_PERSON, seed)
    (person,) = world.team
    opens_at = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
    waits, free_at, busy = [], 0.0, 0.0
    for task, minutes in zip(world.tasks, world.true_minutes, strict=True):
        arrives = (task.created_at - opens_at).total_seconds() / 60.0
        starts = max(arrives, free_at)
        waits.append(starts - arrives)
        free_at = starts + minutes * (1.65 - person.score) * (1.0 if task.category in person.skills else 1.5)
        busy += max(0.0, min(free_at, 1200.0) - starts)
    day = simulate(ONE_PERSON, MatchParams(policy=policy), seed)
    assert day.tasks == len(waits)
    assert day.mean_first_response == pytest.approx(np.mean(waits), abs=1e-4)
    assert day.p95_first_response == pytest.approx(np.percentile(waits, 95), abs=1e-4)
    assert day.missed_share == pytest.approx(np.mean(np.array(waits) > 30.0))
    assert day.utilisation == pytest.approx(busy / 1200.0, abs=1e-6)
    assert day.skilled_share == np.mean([task.category in person.skills for task in world.tasks])
    assert 0.0 < day.skilled_share < 1.0
    assert max(waits) > 1.0, "the queue must build up for this to mean anything"


def test_with_plenty_of_people_only_the_clock_makes_work_wait() -> None:
    """On demand nobody waits; matched every ten minutes a task waits five on average and ten at most."""
    idle = Scenario(agents=200, hours=8.0, load=0.02)
    at_once = simulate(idle, MatchParams(), 0)
    assert (at_once.mean_first_response, at_once.p95_first_response) == (0.0, 0.0)
    ticking = simulate(Scenario(agents=200, hours=8.0, load=0.02, rerank_s=600.0), MatchParams(), 0)
    assert ticking.mean_first_response == pytest.approx(5.0, abs=1.0)
    assert 8.0 < ticking.p95_first_response <= 10.0


@pytest.mark.parametrize("policy", list(Policy))
def test_a_day_depends_on_its_seed_alone(policy: Policy) -> None:
    """Same seed, same report; another seed, another day; shares are shares."""
    day = simulate(SMALL, MatchParams(policy=policy), 1)
    assert day == simulate(SMALL, MatchParams(policy=policy), 1)
    assert day != simulate(SMALL, MatchParams(policy=policy), 2)
    assert 0.0 < day.utilisation <= 1.0
    assert 0.0 <= day.missed_share <= 1.0
    assert 0.0 < day.skilled_share <= 1.0


def test_the_day_brings_the_load_it_was_asked_for() -> None:
    """Work that arrives, over the team's places and hours, is the load within sampling error."""
    scenario = Scenario(agents=50, capacity=2, hours=40.0, load=0.7)
    world = draw_world(scenario, 0)
    assert sum(world.true_minutes) / (50 * 2 * 40 * 60) == pytest.approx(0.7, abs=0.03)


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
        ({"load": 0.0}, "load"),
        ({"mean_minutes": math.inf}, "mean_minutes"),
        ({"spread": -1.0}, "spread"),
        ({"rerank_s": 0.5}, "rerank_s must be 0"),
        ({"skills_each": 5}, "skills_each must not exceed"),
        ({"second_language_share": 1.5}, "second_language_share"),
    ],
)
def test_an_impossible_scenario_is_refused(values: dict[str, Any], complaint: str) -> None:
    """Each setting is checked when the scenario is built."""
    with pytest.raises(InvalidParams, match=complaint):
        Scenario(**values)


def test_a_day_without_tasks_or_a_comparison_of_nothing_is_refused() -> None:
    """There would be nothing to report."""
    with pytest.raises(InvalidParams, match="no task arrives"):
        simulate(Scenario(agents=1, hours=0.001), MatchParams(), 0)
    with pytest.raises(InvalidParams, match="at least one"):
        compare(SMALL, MatchParams(), [], [0.0], range(2))
    assert set(METRICS) < set(DayReport.__dataclass_fields__)
