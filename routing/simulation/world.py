"""One seed's team and day, drawn before any policy is asked, so that policies are compared on the very same day.

Arrivals are Poisson, at one rate as long as an office is open. Harm is what a wrong answer to a task does, in
[0, 1]: right-skewed as the published task scores (mean .137). It is the task's raw score; what the policy sees is its
percentile among those of the last 28 days.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.model import Task
from routing.percentiles import Percentiles, RollingScores
from routing.simulation.clock import DAY, at, opens
from routing.simulation.fit import fit
from routing.simulation.scenario import LEAST_ALIKE, OFFICES, PRIORITY_SHARES, SIMILARITY, Scenario
from routing.simulation.team import Team, category_names, draw_team

_PAST_SCORES = 2000
_HARM = (0.8, 5.0)

Pairs = dict[tuple[str, str], float]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Request:
    """A task and what no policy knows of it.

    `minutes` is what it takes an average agent who fits perfectly; `priority` is 0 for the highest. The requester gives
    up `patience` minutes after writing, infinite for never.
    """

    task: Task
    minutes: float
    harm: float
    priority: int
    patience: float


@dataclass(frozen=True, slots=True)
class World:
    """A seed's team and requests, the latter by arrival."""

    team: Team
    requests: tuple[Request, ...]
    similarity: Pairs
    closes: float
    """When the last office closes, in minutes."""


def draw_world(scenario: Scenario, seed: int) -> World:
    """The team and the day's tasks, decided by the scenario and the seed alone."""
    team_rng, day_rng = (np.random.default_rng([seed, stream]) for stream in range(2))
    expected = team_rng.uniform(0.5, 1.5, scenario.categories)
    expected *= scenario.mean_minutes / expected.mean()
    team = draw_team(team_rng, scenario)
    similarity = table(scenario.offices)
    harms = RollingScores().fed((DAY, float(harm)) for harm in day_rng.beta(*_HARM, _PAST_SCORES)).at(DAY)
    day = _Day(scenario, day_rng, expected, harms)
    minutes_each = day.blind_minutes(team, similarity)
    requests = [r for office in range(scenario.offices) for r in day.draw_office(office, team, minutes_each)]
    requests.sort(key=lambda request: request.task.created_at)
    closes = max(opens(office.zone) for office in OFFICES[: scenario.offices]) + 60.0 * scenario.hours
    return World(team, tuple(requests), similarity, closes)


def table(offices: int) -> Pairs:
    """Similarity of every pair of different markets of the first so many offices."""
    names = [name for office in OFFICES[:offices] for name, _ in office.markets]
    return {
        (one, other): SIMILARITY.get((one, other), SIMILARITY.get((other, one), LEAST_ALIKE))
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    }


class _Day:
    """Draws the requests of each office."""

    def __init__(
        self, scenario: Scenario, rng: np.random.Generator, expected: Floats, harms: Percentiles
    ) -> None:
        self._scenario, self._rng, self._expected, self._harms = scenario, rng, expected, harms
        self._names = category_names(scenario)

    def blind_minutes(self, team: Team, similarity: Pairs) -> float:
        """Minutes that a request takes a place of the team if anybody with the skill and language takes anything.

        The harmonic mean over agents: quick ones come back sooner, so they do more than their share.
        """
        kinds = list(self._kinds(team))
        paces = []
        for agent in team.agents:
            able = [
                (share, minutes * fit(task, agent, similarity).slowness)
                for task, minutes, share in kinds
                if agent.skill_level(task.category) > 0.0 and agent.speaks(task.language)
            ]
            if able:
                paces.append(
                    sum(share for share, _ in able) / sum(share * minutes for share, minutes in able)
                )
        return 1.0 / float(np.mean(paces))

    def _kinds(self, team: Team) -> Iterator[tuple[Task, float, float]]:
        """Every kind of request, its expected minutes for an average agent who fits, and its share of all."""
        for office, of_all in enumerate(np.bincount(team.office) / len(team.office)):
            for market, of_office in OFFICES[office].markets:
                for language, of_market in self._languages(office).items():
                    for category, minutes in zip(self._names, self._expected, strict=True):
                        task = Task("any", 0.5, category, language, market, DAY, DAY)
                        share = float(of_all) * of_office * of_market / len(self._names)
                        yield task, float(minutes), share

    def draw_office(self, office: int, team: Team, minutes_each: float) -> list[Request]:
        """The requests to one office, by arrival."""
        opened = opens(OFFICES[office].zone)
        closes = opened + 60.0 * self._scenario.hours
        places = self._scenario.capacity * int((team.office == office).sum())
        mean_gap = minutes_each / (self._scenario.load * places)
        requests: list[Request] = []
        minute = opened + float(self._rng.exponential(mean_gap))
        while minute < closes:
            requests.append(self._draw_request(office, len(requests), minute))
            minute += float(self._rng.exponential(mean_gap))
        return requests

    def _draw_request(self, office: int, number: int, minute: float) -> Request:
        rng, scenario = self._rng, self._scenario
        category = int(rng.integers(scenario.categories))
        priority = int(rng.choice(len(PRIORITY_SHARES), p=PRIORITY_SHARES))
        harm = float(rng.beta(*_HARM))
        markets = OFFICES[office].markets
        languages = self._languages(office)
        task = Task(
            id=f"task {office}-{number:06d}",
            score=self._harms.of(harm),
            category=self._names[category],
            language=list(languages)[int(rng.choice(len(languages), p=list(languages.values())))],
            market=markets[int(rng.choice(len(markets), p=[share for _, share in markets]))][0],
            created_at=at(minute),
            deadline_at=at(minute + scenario.deadline_minutes[priority]),
            handling_minutes=float(self._expected[category]),
        )
        # exp(-spread^2 / 2) keeps the mean of the lognormal factor at 1.
        factor = float(np.exp(rng.normal(0.0, scenario.spread) - scenario.spread**2 / 2.0))
        patience = float(rng.exponential(scenario.patience_minutes)) if scenario.patience_minutes else np.inf
        return Request(task, float(self._expected[category]) * factor, harm, priority, patience)

    def _languages(self, office: int) -> dict[str, float]:
        local = OFFICES[office].language
        if local == "en":
            return {"en": 1.0}
        share = self._scenario.local_language_share
        return {"en": 1.0 - share, local: share}
