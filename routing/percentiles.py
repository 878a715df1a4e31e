"""Scores as percentiles of the last four weeks, so that tasks and agents are measured on one scale.

A raw score of .14 says little; "higher than 62 % of what came lately" says what a matching needs to know, and means the
same for tasks as for agents. (Standardising within a batch, as the published matching does, fails on a batch of one and
lets one odd task move all others.)
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from routing.checks import refuse_naive, refuse_unless_positive, refuse_unless_share
from routing.errors import InvalidParams


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The distribution at one moment: `values` sorted, shape (n,).

    As if `prior_weight` further scores had been seen, spread evenly over [0, 1]: with nothing seen a score is its own
    percentile, and each score seen counts more.
    """

    values: NDArray[np.float64]
    prior: float
    prior_weight: float

    def of(self, score: float | None) -> float:
        """Share in [0, 1] of scores below this one, equal ones counting half; the prior for a missing score or NaN."""
        if score is None or math.isnan(score):
            return self.prior
        refuse_unless_share(InvalidParams, "a score", score)
        below = int(self.values.searchsorted(score, side="left"))
        up_to = int(self.values.searchsorted(score, side="right"))
        seen = (below + up_to) / 2.0
        return (seen + self.prior_weight * score) / (len(self.values) + self.prior_weight)


@dataclass(frozen=True, slots=True)
class RollingScores:
    """Past scores with their moments, in any order. Immutable: `fed` gives a new one. Raises InvalidParams."""

    days: float = 28.0
    prior: float = 0.5
    """Percentile of a missing score: the middle, never the best."""
    prior_weight: float = 20.0
    seen: tuple[tuple[datetime, float], ...] = ()

    def __post_init__(self) -> None:
        refuse_unless_positive(InvalidParams, "days", self.days)
        refuse_unless_share(InvalidParams, "prior", self.prior)
        refuse_unless_positive(InvalidParams, "prior_weight", self.prior_weight)
        for moment, score in self.seen:
            refuse_naive(InvalidParams, "the moment of a score", moment)
            refuse_unless_share(InvalidParams, "a score", score)

    def fed(self, scores: Iterable[tuple[datetime, float | None]]) -> "RollingScores":
        """With further scores; missing ones teach nothing, and what is too old beside the newest is forgotten."""
        known = [(moment, score) for moment, score in scores if score is not None and not math.isnan(score)]
        every = (*self.seen, *known)
        if not every:
            return self
        oldest = max(moment for moment, _ in every) - timedelta(days=self.days)
        return replace(self, seen=tuple(entry for entry in every if entry[0] >= oldest))

    def at(self, now: datetime) -> Percentiles:
        """The distribution of the scores of the last `days` days; what lies after `now` is not known yet."""
        refuse_naive(InvalidParams, "now", now)
        since = now - timedelta(days=self.days)
        values = sorted(score for moment, score in self.seen if since <= moment <= now)
        return Percentiles(np.array(values, dtype=np.float64), self.prior, self.prior_weight)
