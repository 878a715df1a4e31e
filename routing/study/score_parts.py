"""A score taken apart: the columns it is made of, their scales and gaps, the components, and the score itself.

Two recipes. `published` is the original's: gaps as it filled them (so a handling time of 0, which stands for a missing
one, counts as the fastest), standardised values of skewed columns, components with whatever spread comes out.
`careful` gives a gap its prior, takes logarithms where a column is skewed, and standardises every component, so that
weights speak about values of one size.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import skew

from routing.errors import InvalidParams
from routing.originals.scoring import TOP_QUANTILE, fill_with_mean, squeeze, standardise
from routing.originals.tables import AgentTable, Floats, TaskTable
from routing.study.score_weights import AGENT_PARTS, TASK_PARTS, ScoreWeights

SKEWED_FROM = 1.0
"""Skewness from which a logarithm is tried."""
_WORTH_IT = 0.8
"""A logarithm is taken only where it leaves at most this share of the skewness: two heaps stay two heaps."""
LESS_IS_MORE = ("days_to_start", "handling_time")
"""Columns of which a small value is meant to raise the score."""


class Recipe(StrEnum):
    """How columns become a score."""

    PUBLISHED = "published"
    CAREFUL = "careful"


class Scale(StrEnum):
    """How a column's values are counted before they are standardised."""

    PLAIN = "plain"
    LOG = "log"
    MIRRORED_LOG = "mirrored log"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: as measured (NaN where unknown), filled, and how its gaps and its skew were treated."""

    name: str
    measured: Floats
    filled: Floats
    gaps_get: str
    scale: Scale


@dataclass(frozen=True, slots=True)
class Parts:
    """A score taken apart; all arrays have one entry for each task or agent. `score` lies in [0, 1]."""

    columns: dict[str, Column]
    components: dict[str, Floats]
    shares: dict[str, float]
    """Weight of each component over the sum of the weights."""
    raw: Floats
    """The weighted mean of the components, before it is squeezed into [0, 1]."""
    score: Floats


def task_parts(tasks: TaskTable, weights: ScoreWeights, recipe: Recipe) -> Parts:
    """Take the score of tasks apart; capped at the 99th percentile as published."""
    published = recipe is Recipe.PUBLISHED
    start = tasks.days_to_start
    if not published and tasks.start_time_missing is not None:
        start = np.where(tasks.start_time_missing > 0.0, np.nan, start)
    revenue = np.where(np.isnan(tasks.revenue), tasks.avg_revenue, tasks.revenue)
    columns = {
        # A count that never reads 0 lists only those with something to count: no entry is none.
        "punish_num": _column(
            "punish_num", tasks.punish_num, np.nan_to_num(tasks.punish_num), "0", published
        ),
        "days_to_latest_punish": _median("days_to_latest_punish", tasks.days_to_latest_punish, published),
        "avg_revenue": _median("avg_revenue", tasks.avg_revenue, published),
        "revenue": _column("revenue", tasks.revenue, revenue, "avg_revenue", published),
        "days_to_start": _median("days_to_start", start, published),
        "baseline_st_min": _median("baseline_st_min", tasks.baseline_st_min, published),
    }
    if tasks.model_risk is not None:
        columns["model_risk"] = _median("model_risk", tasks.model_risk, published)
    return _combine(columns, TASK_PARTS, weights, standard_components=not published, top=TOP_QUANTILE)


def agent_parts(agents: AgentTable, weights: ScoreWeights, recipe: Recipe) -> Parts:
    """Take the score of agents apart. The published efficiency is standardised once more, as ours is."""
    published = recipe is Recipe.PUBLISHED
    handling = agents.handling_time
    if not published:
        handling = np.where(handling > 0.0, handling, np.nan)  # nobody handles a task in no time
    measured = {
        "accuracy": agents.accuracy,
        "productivity": agents.productivity,
        "utilisation": agents.utilisation,
        "handling_time": handling,
    }
    columns = {
        name: _column(name, values, fill_with_mean(values), "mean", published)
        if published
        else _median(name, values, published)
        for name, values in measured.items()
    }
    return _combine(columns, AGENT_PARTS, weights, standard_components=True, top=1.0)


def choose_scale(known: Floats) -> Scale:
    """The scale with the least skewness where a plain one is skewed and a logarithm helps. Values of at least 0."""
    if len(known) < 3 or not known.max() > known.min():
        return Scale.PLAIN
    skewness = {scale: abs(float(skew(rescale(known, scale)))) for scale in Scale}
    best = min(skewness, key=lambda scale: skewness[scale])
    plain = skewness[Scale.PLAIN]
    return best if plain >= SKEWED_FROM and skewness[best] <= _WORTH_IT * plain else Scale.PLAIN


def rescale(values: Floats, scale: Scale) -> Floats:
    """Values on another scale, in their order; all at least 0."""
    rescaled: Floats = values
    if scale is Scale.LOG:
        rescaled = np.log10(values + 1.0)
    elif scale is Scale.MIRRORED_LOG:
        rescaled = -np.log10(np.nanmax(values) - values + 1.0)
    return rescaled


def _median(name: str, measured: Floats, published: bool) -> Column:
    known = measured[~np.isnan(measured)]
    middle = float(np.median(known)) if len(known) else 0.0
    return _column(name, measured, np.where(np.isnan(measured), middle, measured), "median", published)


def _column(name: str, measured: Floats, filled: Floats, gaps_get: str, published: bool) -> Column:
    if published:
        scale = Scale.LOG if name == "handling_time" else Scale.PLAIN
    else:
        scale = choose_scale(measured[~np.isnan(measured)])
    return Column(name, measured, filled, gaps_get, scale)


def _combine(
    columns: dict[str, Column],
    parts: dict[str, tuple[str, ...]],
    weights: ScoreWeights,
    *,
    standard_components: bool,
    top: float,
) -> Parts:
    components: dict[str, Floats] = {}
    for component, names in parts.items():
        present = [name for name in names if name in columns]
        own = [weights.of_column(component, name) for name in present]
        if getattr(weights, component) > 0.0 and not any(own):
            raise InvalidParams(f"{component}: no column that the file has, has a weight above 0")
        values = _weighted_mean([_standard(columns[name]) for name in present], own)
        components[component] = standardise(values) if standard_components else values
    shares = _shares([getattr(weights, component) for component in parts])
    raw = _weighted_mean(list(components.values()), shares)
    score = np.minimum(1.0, squeeze(raw, float(np.quantile(raw, top))))
    return Parts(columns, components, dict(zip(parts, shares, strict=True)), raw, score)


def _standard(column: Column) -> Floats:
    sign = -1.0 if column.name in LESS_IS_MORE else 1.0
    return sign * standardise(rescale(column.filled, column.scale))


def _weighted_mean(values: list[Floats], weights: list[float]) -> Floats:
    mean: Floats = np.tensordot(_shares(weights), np.stack(values), axes=1)
    return mean


def _shares(weights: list[float]) -> list[float]:
    total = sum(weights)
    return [weight / total if total > 0.0 else 0.0 for weight in weights]
