"""The simulated team: offices, hours, markets, skills, how fast and how careful everybody is.

Every office is hired for its own requests: home markets in proportion to them. Agents err with a share drawn from
Beta(2, 18), a mean of 10 %: between the published sample's 14 % and what help desks report as reopened. Their pace is
lognormal. Their score is `agent_score` of accuracy and speed, as a percentile of the team's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.hours import working_week
from routing.model import Agent
from routing.percentiles import Percentiles
from routing.scores import AgentComponents, agent_score, speed
from routing.simulation.clock import NINE
from routing.simulation.scenario import EXTRA_MARKETS, OFFICES, Office, Scenario

_ERRORS = (2.0, 18.0)
_PACE_SPREAD = 0.25


@dataclass(frozen=True, slots=True)
class Team:
    """Agents in the order of their ids; the office of each and its share of errors, shape (n_agents,)."""

    agents: tuple[Agent, ...]
    office: NDArray[np.int64]
    errors: NDArray[np.float64]


def category_names(scenario: Scenario) -> list[str]:
    """What the scenario's categories are called."""
    return [f"category {place}" for place in range(scenario.categories)]


def draw_team(rng: np.random.Generator, scenario: Scenario) -> Team:
    """The team of one seed; sizes of offices differ by one at most."""
    n = scenario.agents
    office = np.sort(np.arange(n) % scenario.offices)
    errors = rng.beta(*_ERRORS, n)
    pace = np.exp(rng.normal(0.0, _PACE_SPREAD, n) - _PACE_SPREAD**2 / 2.0)
    raw = [
        agent_score(AgentComponents(accuracy=1.0 - float(error), speed=speed(float(slow), 1.0)))
        for error, slow in zip(errors, pace, strict=True)
    ]
    percentiles = Percentiles(np.sort(raw), prior=0.5, prior_weight=0.0)
    homes = [
        market
        for place in range(scenario.offices)
        for market in _hire(OFFICES[place], int((office == place).sum()))
    ]
    agents = tuple(
        _draw_agent(
            rng,
            scenario,
            f"agent {at:04d}",
            OFFICES[office[at]],
            homes[at],
            percentiles.of(raw[at]),
            float(pace[at]),
        )
        for at in range(n)
    )
    return Team(agents, office, errors)


def _hire(office: Office, size: int) -> list[str]:
    """Home markets in proportion to the requests; the largest remainders get the places that are left."""
    exact = [share * size for _, share in office.markets]
    counts = [int(places) for places in exact]
    by_remainder = sorted(range(len(exact)), key=lambda at: counts[at] - exact[at])
    for at in by_remainder[: size - sum(counts)]:
        counts[at] += 1
    return [name for (name, _), count in zip(office.markets, counts, strict=True) for _ in range(count)]


def _draw_agent(
    rng: np.random.Generator,
    scenario: Scenario,
    agent_id: str,
    office: Office,
    home: str,
    score: float,
    pace: float,
) -> Agent:
    known = rng.choice(scenario.categories, scenario.skills_each, replace=False)
    levels = rng.uniform(0.5, 1.0, scenario.skills_each)
    names = category_names(scenario)
    others = [name for name, _ in office.markets if name != home]
    n_extra = int(rng.choice(len(EXTRA_MARKETS), p=EXTRA_MARKETS))
    extra = [others[place] for place in rng.permutation(len(others))[:n_extra]]
    return Agent(
        id=agent_id,
        score=score,
        capacity=scenario.capacity,
        load=0,
        skills={names[int(category)]: float(level) for category, level in zip(known, levels, strict=True)},
        languages=frozenset({"en", office.language}),
        markets=frozenset({home, *extra}),
        hours=working_week(office.zone, NINE, NINE + round(60.0 * scenario.hours)),
        pace=pace,
    )
