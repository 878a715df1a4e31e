"""Policies side by side on the same simulated days, with intervals over the seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import t as student_t

from routing.checks import refuse_unless_count
from routing.errors import InvalidParams
from routing.params import MatchParams, Policy
from routing.simulation import METRICS, DayReport, Scenario, simulate

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over seeds and its 95 % interval by Student's t; low and high are None for a single seed."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """One policy with one re-rank interval: each metric of DayReport over the seeds, and the days themselves."""

    policy: Policy
    rerank_s: float
    metrics: dict[str, Interval]
    against_first: dict[str, Interval]
    """Difference from the first row's day with the same seed; the pairing takes the days' own variation out."""
    days: tuple[DayReport, ...]


def compare(
    scenario: Scenario,
    params: MatchParams,
    policies: Sequence[Policy],
    reranks_s: Sequence[float],
    seeds: Sequence[int],
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[PolicySummary, ...]:
    """Every policy with every re-rank interval over every seed. Raises InvalidParams if any of the three is empty."""
    if not policies or not reranks_s or not seeds:
        raise InvalidParams("a comparison needs at least one policy, one interval and one seed")
    for seed in seeds:
        refuse_unless_count(InvalidParams, "seed", seed)
    summaries: list[PolicySummary] = []
    for policy in policies:
        for rerank_s in reranks_s:
            days = []
            for seed in seeds:
                row = replace(params, policy=policy, seed=seed)
                days.append(simulate(replace(scenario, rerank_s=rerank_s), row, seed))
                progress(1)
            first = summaries[0].days if summaries else tuple(days)
            summaries.append(_summarise(policy, rerank_s, tuple(days), first))
    return tuple(summaries)


def interval(values: Sequence[float]) -> Interval:
    """Mean and 95 % interval of independent values."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None, None)
    standard_error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    half = float(student_t.ppf((1.0 + _CONFIDENCE) / 2.0, len(values) - 1)) * standard_error
    return Interval(mean, mean - half, mean + half)


def _summarise(
    policy: Policy, rerank_s: float, days: tuple[DayReport, ...], first: tuple[DayReport, ...]
) -> PolicySummary:
    metrics, against_first = {}, {}
    for name in METRICS:
        values = [float(getattr(day, name)) for day in days]
        base = [float(getattr(day, name)) for day in first]
        metrics[name] = interval(values)
        against_first[name] = interval([value - other for value, other in zip(values, base, strict=True)])
    return PolicySummary(policy, rerank_s, metrics, against_first, days)
