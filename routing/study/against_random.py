"""What a published matching brought beside random dealing: score difference, market similarity and task length.

Every agent counts once. The same agents are compared: those of one tier under the matching with those of that tier when
everybody deals with everything at random, over several draws. Task length is an estimate in no unit: how long an agent
would take for a task that somebody else may have done was never measured, so a difference in it is no saving.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.originals.comparison import PerAgent, TierDeal, merge, per_agent
from routing.originals.matching import Dealt
from routing.originals.scoring import Indices, Scored
from routing.originals.tables import Floats

MEASURES = {
    "score_difference": "score difference",
    "similarity": "market similarity",
    "task_length": "task length (estimate)",
}
"""Fields of PerAgent, and what they are called in reports."""
EVERYBODY = "merged"


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and 5 %, 50 %, 95 % quantiles over agents."""

    mean: float
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class AgainstRandom:
    """One measure of one tier's agents. `random` is over all draws together, `difference` is of the means.

    `draws_low` and `draws_high` are the lowest and the highest mean of a single draw: a matching's mean between the two
    is no different from random.
    """

    tier: str
    measure: str
    agents: int
    matched: Spread
    random: Spread
    draws_low: float
    draws_high: float
    difference: float


def compare_with_random(
    scored: Scored, deals: Sequence[TierDeal], draws: Sequence[Dealt]
) -> tuple[AgainstRandom, ...]:
    """By tier and over all agents, each measure in the order of MEASURES. Tiers in which nobody got work, there or here, are left out."""
    matched = per_agent(scored, merge(deals))
    drawn = [per_agent(scored, draw) for draw in draws]
    staff: list[tuple[str, Indices]] = [
        (deal.tier.value, deal.agents) for deal in deals if deal.dealt is not None
    ]
    staff.append((EVERYBODY, np.concatenate([agents for _, agents in staff])))
    rows = (
        _against(tier, name, values_of(matched, name, agents), [values_of(d, name, agents) for d in drawn])
        for tier, agents in staff
        for name in MEASURES
    )
    return tuple(row for row in rows if row is not None)


def values_of(got: PerAgent, measure: str, agents: Indices) -> Floats:
    """The measure's values of those among `agents` that got work."""
    values: Floats = getattr(got, measure)[np.isin(got.agents, agents)]
    return values


def _against(tier: str, measure: str, matched: Floats, drawn: Sequence[Floats]) -> AgainstRandom | None:
    worked = [values for values in drawn if len(values)]  # with few tasks a draw may leave a small tier idle
    if not worked:
        return None
    means = [float(values.mean()) for values in worked]
    own, pooled = _spread(matched), _spread(np.concatenate(worked))
    return AgainstRandom(
        tier, measure, len(matched), own, pooled, min(means), max(means), own.mean - pooled.mean
    )


def _spread(values: Floats) -> Spread:
    low, median, high = np.quantile(values, (0.05, 0.5, 0.95))
    return Spread(float(values.mean()), float(low), float(median), float(high))
