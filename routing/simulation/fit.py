"""What becomes of a task with an agent: how long it takes, and how likely it is done badly."""

from dataclasses import dataclass

from routing.adaptive.roster import best_similarity
from routing.model import Agent, Similarity, Task

_FOREIGN_MARKET_TIME, _FOREIGN_MARKET_ERROR = 0.3, 0.5
_NO_SKILL_TIME, _NO_SKILL_ERROR = 1.5, 1.5
_LOW_SKILL_TIME = 0.2
_NO_LANGUAGE_TIME = 1.3


@dataclass(frozen=True, slots=True)
class Fit:
    """One pair. `slowness` multiplies the task's handling time, `carelessness` the agent's share of errors."""

    similarity: float
    slowness: float
    carelessness: float


def fit(task: Task, agent: Agent, similarity: Similarity) -> Fit:
    """Assumed: a market not alike at all takes 30 % longer and makes half as many errors again; a skill at level 0 takes
    and errs half as much again, one at half level takes 10 % longer; without a common language 30 % longer."""
    alike = best_similarity(task.market, agent, similarity)
    level = agent.skill_level(task.category)
    slowness = agent.pace * (1.0 + _FOREIGN_MARKET_TIME * (1.0 - alike))
    slowness *= _NO_SKILL_TIME if level == 0.0 else 1.0 + _LOW_SKILL_TIME * (1.0 - level)
    slowness *= 1.0 if agent.speaks(task.language) else _NO_LANGUAGE_TIME
    carelessness = 1.0 + _FOREIGN_MARKET_ERROR * (1.0 - alike)
    carelessness *= _NO_SKILL_ERROR if level == 0.0 else 1.0
    return Fit(alike, slowness, carelessness)
