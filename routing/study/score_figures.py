"""What a score's parts look like and what they do: distributions, correlations, and the influence of each component.

A weight is not an influence: a component that hardly varies, or that varies with another, moves the order of the tasks
less or more than its weight says. Influence is measured as the rank correlation with the score (Spearman), and as the
share of the score's variance.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import rankdata, skew

from routing.originals.tables import Floats
from routing.study.score_parts import LESS_IS_MORE, Parts, Scale

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of the known values of one column, component or score; the figures are None where nothing is known.

    `skewness` is None, too, where every value is the same. `quantiles` are those of QUANTILES.
    """

    name: str
    kind: str
    count: int
    missing: int
    mean: float | None
    sd: float | None
    minimum: float | None
    quantiles: tuple[float, ...] | None
    maximum: float | None
    skewness: float | None
    gaps_get: str | None = None
    scale: Scale | None = None


@dataclass(frozen=True, slots=True)
class Influence:
    """What a component does, beside the weight it was given.

    `rank_correlation` with the score lies in [-1, 1], None where either is the same everywhere. `variance_share` adds up
    to 1 over the components, may be negative, and is of the score before it is capped.
    """

    component: str
    weight: float
    rank_correlation: float | None
    variance_share: float | None


@dataclass(frozen=True, slots=True)
class ScoreStudy:
    """Everything told of one score. `correlations` are rank correlations, in the order of `influences`."""

    distributions: tuple[Distribution, ...]
    correlations: tuple[tuple[float | None, ...], ...]
    influences: tuple[Influence, ...]
    column_correlations: dict[str, float | None]
    """Rank correlation of each column (its gaps filled) with the score."""
    between_columns: tuple[tuple[float | None, ...], ...]
    """Rank correlations of the columns where both are known, in the order of `column_correlations`."""

    @property
    def against_purpose(self) -> tuple[str, ...]:
        """Columns with which the score moves the other way than it was meant to."""
        wanted = {name: -1.0 if name in LESS_IS_MORE else 1.0 for name in self.column_correlations}
        return tuple(n for n, found in self.column_correlations.items() if found and found * wanted[n] < 0.0)


def study(parts: Parts) -> ScoreStudy:
    """Describe a score that was taken apart."""
    components = list(parts.components.values())
    return ScoreStudy(
        distributions=tuple(_distributions(parts)),
        correlations=tuple(tuple(rank_correlation(one, other) for other in components) for one in components),
        influences=influences(parts),
        column_correlations={
            name: rank_correlation(column.filled, parts.score) for name, column in parts.columns.items()
        },
        between_columns=tuple(
            tuple(_where_known(one.measured, other.measured) for other in parts.columns.values())
            for one in parts.columns.values()
        ),
    )


def influences(parts: Parts) -> tuple[Influence, ...]:
    """One for each component, in the order of the weights."""
    variance = float(parts.raw.var())
    found = []
    for name, values in parts.components.items():
        weight = parts.shares[name]
        moved = weight * _covariance(values, parts.raw) / variance if variance > 0.0 else None
        found.append(Influence(name, weight, rank_correlation(values, parts.score), moved))
    return tuple(found)


def rank_correlation(one: Floats, other: Floats) -> float | None:
    """Spearman's, ties sharing their mean rank; None where one of the two is the same everywhere."""
    ranks = rankdata(one), rankdata(other)
    spread = float(ranks[0].std() * ranks[1].std())
    if not spread > 0.0:
        return None
    return min(1.0, max(-1.0, _covariance(*ranks) / spread))


def describe(name: str, kind: str, values: Floats) -> Distribution:
    """The distribution of what is known among the values."""
    known = values[~np.isnan(values)]
    missing = len(values) - len(known)
    if not len(known):
        return Distribution(name, kind, 0, missing, None, None, None, None, None, None)
    return Distribution(
        name=name,
        kind=kind,
        count=len(known),
        missing=missing,
        mean=float(known.mean()),
        sd=float(known.std()),
        minimum=float(known.min()),
        quantiles=tuple(float(value) for value in np.quantile(known, QUANTILES)),
        maximum=float(known.max()),
        skewness=float(skew(known)) if known.max() > known.min() else None,
    )


def _distributions(parts: Parts) -> Iterator[Distribution]:
    for column in parts.columns.values():
        seen = describe(column.name, "column", column.measured)
        yield replace(seen, gaps_get=column.gaps_get if seen.missing else None, scale=column.scale)
    for name, values in parts.components.items():
        yield describe(name, "component", values)
    yield describe("score", "score", parts.score)


def _where_known(one: Floats, other: Floats) -> float | None:
    known = ~(np.isnan(one) | np.isnan(other))
    return rank_correlation(one[known], other[known]) if known.any() else None


def _covariance(one: Floats, other: Floats) -> float:
    return float(((one - one.mean()) * (other - other.mean())).mean())
