"""Agents as arrays, prepared once and asked many times."""

import copy
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.checks import refuse_unless_share
from routing.errors import InvalidAgent, InvalidParams
from routing.model import Agent, Similarity

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Key = TypeVar("Key", bound=Hashable)


class Roster:
    """A team in the order of its ids; every array has the shape (n_agents,) and is not to be written to.

    Categories, languages and markets are looked up once and remembered, and so is who is at work until somebody comes
    or goes. Raises InvalidAgent for an id that occurs twice, InvalidParams for a similarity outside 0 to 1.
    """

    def __init__(self, agents: Iterable[Agent], similarity: Similarity | None = None) -> None:
        for pair, alike in (similarity or {}).items():
            refuse_unless_share(InvalidParams, f"similarity of {' and '.join(pair)}", alike)
        self.agents = tuple(sorted(agents, key=lambda agent: agent.id))
        _refuse_twins(self.agents)
        self.ids = tuple(agent.id for agent in self.agents)
        self.column_of = {agent_id: column for column, agent_id in enumerate(self.ids)}
        self.score: Floats = np.array([agent.score for agent in self.agents], dtype=np.float64)
        self.pace: Floats = np.array([agent.pace for agent in self.agents], dtype=np.float64)
        self.busy_share: Floats = np.array([agent.busy_share for agent in self.agents], dtype=np.float64)
        self.capacity: Counts = np.array([agent.capacity for agent in self.agents], dtype=np.int64)
        self.load: Counts = np.array([agent.load for agent in self.agents], dtype=np.int64)
        self.similarity: Similarity = similarity or {}
        self._skill: dict[str | None, Floats] = {}
        self._speaks: dict[str | None, Floats] = {}
        self._alike: dict[str | None, Floats] = {}
        self._presence: _Presence | None = None

    def updated(self, changed: Iterable[Agent]) -> "Roster":
        """The same team with some agents as they are now; this roster stays as it is.

        Cheap as long as only load, presence, score and what was busy changed: skills, languages, markets and hours are
        looked up anew when one of those changes. Raises InvalidAgent for an agent who is not in the team.
        """
        agents = list(self.agents)
        new = copy.copy(self)
        new.score, new.pace, new.busy_share = self.score.copy(), self.pace.copy(), self.busy_share.copy()
        new.capacity, new.load = self.capacity.copy(), self.load.copy()
        for agent in changed:
            column = self.column_of.get(agent.id)
            if column is None:
                raise InvalidAgent(f"agent {agent.id} is not in the roster")
            if not _knows_the_same(agents[column], agent):
                new._skill, new._speaks, new._alike, new._presence = {}, {}, {}, None
            agents[column] = agent
            new.score[column], new.pace[column] = agent.score, agent.pace
            new.busy_share[column] = agent.busy_share
            new.capacity[column], new.load[column] = agent.capacity, agent.load
        new.agents = tuple(agents)
        if new._presence is not None:
            new._presence = replace(new._presence, free=None)
        return new

    def skill_levels(self, category: str | None) -> Floats:
        """Each agent's level in [0, 1] for a category."""
        return _remember(
            self._skill,
            category,
            lambda: np.array([a.skill_level(category) for a in self.agents], dtype=np.float64),
        )

    def speakers(self, language: str | None) -> Floats:
        """1 for who understands a language, else 0."""
        return _remember(
            self._speaks,
            language,
            lambda: np.array([a.speaks(language) for a in self.agents], dtype=np.float64),
        )

    def alike(self, market: str | None) -> Floats:
        """Best similarity in [0, 1] of a market to any of each agent's; 1 where either is unknown or any."""
        return _remember(
            self._alike,
            market,
            lambda: np.array([best_similarity(market, a, self.similarity) for a in self.agents]),
        )

    def presence(self, now: datetime) -> tuple[Flags, Floats, Counts]:
        """Who is at work; when each one's shift ends, in seconds since the epoch, infinite without hours; and how many
        more tasks each can take, 0 when not at work."""
        now_s = now.timestamp()
        known = self._presence
        if known is None or not known.since_s <= now_s < known.until_s:
            known = self._presence = self._look_up_presence(now, now_s)
        if known.free is None:
            known.free = np.where(known.at_work, np.maximum(0, self.capacity - self.load), 0)
        return known.at_work, known.closes_s, known.free

    def _look_up_presence(self, now: datetime, now_s: float) -> "_Presence":
        distinct = {agent.hours for agent in self.agents if agent.hours is not None}
        closes = {hours: hours.closes_at(now) for hours in distinct}
        at_work = np.array([a.on and (a.hours is None or closes[a.hours] is not None) for a in self.agents])
        ends = {hours: moment.timestamp() for hours, moment in closes.items() if moment is not None}
        closes_s = np.array([np.inf if a.hours is None else ends.get(a.hours, now_s) for a in self.agents])
        until_s = min((hours.changes_at(now).timestamp() for hours in distinct), default=np.inf)
        return _Presence(now_s, until_s, at_work.astype(bool), closes_s.astype(np.float64))


@dataclass(slots=True)
class _Presence:
    """Holds from `since_s` until before `until_s`, when somebody comes or goes."""

    since_s: float
    until_s: float
    at_work: Flags
    closes_s: Floats
    free: Counts | None = None


def best_similarity(market: str | None, agent: Agent, similarity: Similarity) -> float:
    """Of a market to any of the agent's, 0 to 1; 1 where either is unknown or any."""
    if market is None or not agent.markets or market in agent.markets:
        return 1.0
    return max(
        max(similarity.get((market, own), 0.0), similarity.get((own, market), 0.0)) for own in agent.markets
    )


def _knows_the_same(before: Agent, after: Agent) -> bool:
    return (
        before.skills == after.skills
        and before.languages == after.languages
        and before.markets == after.markets
        and before.hours == after.hours
        and before.on == after.on
    )


def _remember(known: dict[Key, Floats], key: Key, make: Callable[[], Floats]) -> Floats:
    if key not in known:
        known[key] = make()
    return known[key]


def _refuse_twins(agents: Iterable[Agent]) -> None:
    for agent_id, times in Counter(agent.id for agent in agents).items():
        if times > 1:
            raise InvalidAgent(f"agent {agent_id} is given {times} times")
