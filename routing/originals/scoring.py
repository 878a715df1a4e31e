"""Scores, tiers and task lengths as published: standardised over the whole file, then squeezed into [0, 1]."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from routing.originals.tables import AgentTable, Floats, SimilarityTable, TaskTable

Indices = NDArray[np.int64]

_TASK_TIER_EDGES = (0.0025, 0.106)
_AGENT_TIER_PERCENTILES = (21.2, 50.0)
TOP_QUANTILE = 0.99
_LENGTH_OFFSET = 0.01
EXACT_DECIMALS = 12
"""Sums differ in the last bits from one processor to the next, and matching 1 has so many equally good answers that a
last bit would choose among them. So what the losses are made of is rounded."""
_SIMILARITY_TO_OTHER = 0.1
OTHER = "OTHER"
UNKNOWN_COUNTRY = ""


class Tier(StrEnum):
    """Tasks and agents are matched within their tier."""

    GOOD = "good"
    MEDIUM = "medium"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Scored:
    """Tasks and agents ready to be matched. All arrays float64 unless said.

    `similarity` has the shape (n_countries + 1, n_agents): each country's best similarity to any of the agent's
    markets; the last row is the unknown country's, all 0. `country` holds each task's row in it.
    """

    task_score: Floats
    agent_score: Floats
    country: Indices
    similarity: Floats
    task_length: Floats
    agent_pace: Floats
    """A task's length with an agent is task_length x agent_pace, in no unit; an estimate, never a measured time."""

    @property
    def unknown_country(self) -> int:
        """Row of the country that nothing is similar to."""
        return len(self.similarity) - 1


def standardise(values: Floats) -> Floats:
    """(value - mean) / population standard deviation; all 0 where every value is the same."""
    spread = values.std()
    if not spread > 0.0:
        return np.zeros_like(values)
    standardised: Floats = (values - values.mean()) / spread
    return standardised


def fill_with_mean(values: Floats) -> Floats:
    """Replace NaN by the mean of what is known, by 0 where nothing is."""
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), known.mean() if len(known) else 0.0, values)


def score_tasks(tasks: TaskTable) -> Floats:
    """.35 risk + .35 profitability + .15 urgency + .15 complexity, from the minimum to the 99th percentile, capped at 1."""
    revenue = np.where(np.isnan(tasks.revenue), tasks.avg_revenue, tasks.revenue)
    risk = 0.6 * standardise(np.nan_to_num(tasks.punish_num)) + 0.4 * standardise(tasks.days_to_latest_punish)
    profitability = 0.4 * standardise(tasks.avg_revenue) + 0.6 * standardise(revenue)
    urgency = -standardise(tasks.days_to_start)
    complexity = standardise(tasks.baseline_st_min)
    raw = 0.35 * risk + 0.35 * profitability + 0.15 * urgency + 0.15 * complexity
    return np.minimum(1.0, squeeze(raw, float(np.quantile(raw, TOP_QUANTILE))))


def score_agents(agents: AgentTable) -> Floats:
    """.6 accuracy + .4 efficiency, both standardised, from minimum to maximum. Gaps are filled with the mean."""
    efficiency = (
        0.33 * standardise(fill_with_mean(agents.productivity))
        + 0.30 * standardise(fill_with_mean(agents.utilisation))
        - 0.33 * standardise(_log_handling(agents))
    )
    raw = 0.6 * standardise(fill_with_mean(agents.accuracy)) + 0.4 * standardise(efficiency)
    return squeeze(raw, float(raw.max()))


def score(tasks: TaskTable, agents: AgentTable, similarity: SimilarityTable) -> Scored:
    """Everything that matching needs. A pair of countries that the table lacks has similarity 0."""
    countries = sorted(set(tasks.country) - {UNKNOWN_COUNTRY})
    row_of = {name: row for row, name in enumerate(countries)} | {UNKNOWN_COUNTRY: len(countries)}
    best = np.zeros((len(countries) + 1, len(agents.markets)))
    for row, name in enumerate(countries):
        alike = {other: _pair(similarity, name, other) for markets in agents.markets for other in markets}
        best[row] = [max(alike[market] for market in markets) for markets in agents.markets]
    return Scored(
        task_score=score_tasks(tasks).round(EXACT_DECIMALS),
        agent_score=score_agents(agents).round(EXACT_DECIMALS),
        country=np.array([row_of[name] for name in tasks.country], dtype=np.int64),
        similarity=best,
        task_length=_above_zero(standardise(tasks.baseline_st_min)),
        agent_pace=_above_zero(standardise(_log_handling(agents))),
    )


def task_tiers(scores: Floats) -> dict[Tier, Indices]:
    """Indices of each tier's tasks by the published edges; a score of 0 belongs to the lowest tier."""
    low, high = _TASK_TIER_EDGES
    return _tiers(scores, low, high)


def agent_tiers(scores: Floats) -> dict[Tier, Indices]:
    """Indices of each tier's agents by the published percentiles; a score of 0 belongs to the lowest tier."""
    low, high = np.percentile(scores, _AGENT_TIER_PERCENTILES)
    return _tiers(scores, float(low), float(high))


def _tiers(scores: Floats, low: float, high: float) -> dict[Tier, Indices]:
    return {
        Tier.GOOD: np.flatnonzero(scores > high),
        Tier.MEDIUM: np.flatnonzero((scores > low) & (scores <= high)),
        Tier.BAD: np.flatnonzero(scores <= low),
    }


def squeeze(raw: Floats, top: float) -> Floats:
    """From the minimum (0) to `top` (1), above it more than 1; .5 everywhere where there is nothing to tell apart."""
    bottom = float(raw.min())
    if not top > bottom:
        return np.full_like(raw, 0.5)
    return (raw - bottom) / (top - bottom)


def _log_handling(agents: AgentTable) -> Floats:
    return np.log10(fill_with_mean(agents.handling_time) + 1.0)


def _above_zero(standardised: Floats) -> Floats:
    shifted: Floats = (standardised - standardised.min() + _LENGTH_OFFSET).round(EXACT_DECIMALS)
    return shifted


def _pair(similarity: SimilarityTable, one: str, other: str) -> float:
    if UNKNOWN_COUNTRY in (one, other):
        return 0.0
    if OTHER in (one, other):
        return _SIMILARITY_TO_OTHER
    return similarity.pairs.get(
        (one, other), similarity.pairs.get((other, one), 1.0 if one == other else 0.0)
    )
