"""How many blocks a switchback needs: the whole desk works in one way, then in the other, block after block.

Arms that share a pool of agents disturb each other (a faster arm frees people for the slower one), so tickets cannot be
dealt to arms one by one; stretches of time can. Blocks come in pairs of neighbours, a coin decides which arm goes first,
and the start of each block, its washout, is not counted. What is tested is the mean of the pairs' differences: a block is
one observation, however many tickets it has.

Source: Bojinov, Simchi-Levi, Zhao, Design and Analysis of Switchback Experiments, Management Science 69 (2023).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from routing.checks import refuse_negative, refuse_unless_positive
from routing.errors import InvalidParams
from routing.experiment import power_of_t, refuse_alpha, refuse_power, smallest_arm
from routing.originals.scoring import Indices
from routing.originals.tables import Floats

CONTROL, TREATED = 0, 1


@dataclass(frozen=True, slots=True)
class Blocks:
    """What is known of blocks before the experiment, from an ordinary week or from `design interference`.

    `per_hour` tickets; `within_sd`: deviation of one ticket from its block's level; `between_sd`: of the blocks' levels;
    `autocorrelation`: of neighbouring blocks' levels; `ticket_autocorrelation`: of tickets that follow each other. The
    last two lie between -1 and 1. Raises InvalidParams.
    """

    per_hour: float
    within_sd: float
    between_sd: float
    block_minutes: float = 240.0
    washout_minutes: float = 60.0
    autocorrelation: float = 0.0
    ticket_autocorrelation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("per_hour", "block_minutes", "within_sd"):
            refuse_unless_positive(InvalidParams, name, getattr(self, name))
        for name in ("between_sd", "washout_minutes"):
            refuse_negative(InvalidParams, name, getattr(self, name))
        for name in ("autocorrelation", "ticket_autocorrelation"):
            if not -1.0 < getattr(self, name) < 1.0:
                raise InvalidParams(f"{name} must lie between -1 and 1, not at {getattr(self, name):g}")
        if self.washout_minutes >= self.block_minutes:
            raise InvalidParams("the washout leaves nothing of the block")
        if self.counted < 1.0:
            raise InvalidParams("fewer than one ticket of a block is counted: longer blocks are needed")

    @property
    def counted(self) -> float:
        """Tickets of a block that are counted: those after its washout."""
        return self.per_hour * (self.block_minutes - self.washout_minutes) / 60.0

    @property
    def pair_sd(self) -> float:
        """Standard deviation of one pair's difference: 2 (between^2 (1 - autocorrelation) + within^2 / effective tickets)."""
        return math.sqrt(
            2.0
            * (
                self.between_sd**2 * (1.0 - self.autocorrelation)
                + self.within_sd**2 / effective_count(self.counted, self.ticket_autocorrelation)
            )
        )


@dataclass(frozen=True, slots=True)
class SwitchbackPlan:
    """A switchback and the power it has; `blocks` is even, half of them in each arm."""

    blocks: int
    hours: float
    counted_tickets: int
    power: float
    alpha: float
    difference: float
    pair_sd: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference (treated minus control) with its 95 % interval."""

    difference: float
    low: float
    high: float


def effective_count(count: float, correlation: float) -> float:
    """As many independent tickets tell as much as `count` of which neighbours correlate (first order), at least 1."""
    return max(1.0, count * (1.0 - correlation) / (1.0 + correlation))


def power_of_switchback(pairs: int, difference: float, of: Blocks, alpha: float = 0.05) -> float:
    """Chance that the paired t test over `pairs` (at least 2) finds a true difference."""
    refuse_alpha(alpha)
    refuse_unless_positive(InvalidParams, "difference", abs(difference))
    if pairs < 2:
        raise InvalidParams("a switchback needs at least 4 blocks")
    return power_of_t(abs(difference) * math.sqrt(pairs) / of.pair_sd, pairs - 1, alpha)


def plan_switchback(
    difference: float, of: Blocks, power: float = 0.8, alpha: float = 0.05, blocks: int | None = None
) -> SwitchbackPlan:
    """The fewest blocks that have the power, or the power that a number of blocks has. Raises InvalidParams."""
    refuse_power(power)
    if blocks is not None and blocks % 2:
        raise InvalidParams(f"blocks come in pairs: an even number is needed, not {blocks}")
    pairs = (
        smallest_arm(lambda n: power_of_switchback(n, difference, of, alpha) >= power)
        if blocks is None
        else blocks // 2
    )
    return SwitchbackPlan(
        blocks=2 * pairs,
        hours=2 * pairs * of.block_minutes / 60.0,
        counted_tickets=round(2 * pairs * of.counted),
        power=power_of_switchback(pairs, difference, of, alpha),
        alpha=alpha,
        difference=difference,
        pair_sd=of.pair_sd,
    )


def draw_order(blocks: int, rng: np.random.Generator) -> Indices:
    """Each block's arm, CONTROL or TREATED: in each pair of neighbours one of each, a coin decides which is first."""
    pairs = np.tile(np.array([CONTROL, TREATED], dtype=np.int64), (blocks // 2, 1))
    order: Indices = rng.permuted(pairs, axis=1).ravel()
    return order


def estimate_switchback(values: Floats, block: Indices, order: Indices) -> Estimate:
    """Mean of the treated tickets minus mean of the control tickets, with a t interval over the pairs of blocks.

    `block` holds each value's block, `order` each block's arm. A mean of the blocks' means would count the tickets of a
    busy block less, and those wait longest; so this is a ratio of sums, its error that of its linear form (Cochran,
    Sampling Techniques, 1977, chapter 6). With blocks of equal size it is the mean of the pairs' differences. Raises
    InvalidParams with fewer than two pairs or an arm without tickets.
    """
    pairs = len(order) // 2
    by_arm = np.argsort(order.reshape(-1, 2), axis=1)  # in each pair CONTROL first
    counts, sums = (
        np.take_along_axis(np.bincount(block, weights, len(order)).reshape(-1, 2), by_arm, axis=1)
        for weights in (None, values)
    )
    if pairs < 2 or not counts.sum(axis=0).all():
        raise InvalidParams(
            "each arm needs tickets, and there must be two pairs of blocks: longer blocks are needed"
        )
    means = sums.sum(axis=0) / counts.sum(axis=0)
    apart = (sums - counts * means) / counts.mean(axis=0)
    spread = (apart[:, TREATED] - apart[:, CONTROL]).std(ddof=1)
    margin = float(student_t.ppf(0.975, pairs - 1) * spread / math.sqrt(pairs))
    difference = float(means[TREATED] - means[CONTROL])
    return Estimate(difference, difference - margin, difference + margin)


def measure_blocks(
    tickets: Sequence[Floats], per_hour: float, block_minutes: float, washout_minutes: float
) -> Blocks:
    """Variances and autocorrelations from blocks of one arm, in order of time, at least three with two tickets each."""
    full = [values for values in tickets if len(values) >= 2]
    if len(full) < 3:
        raise InvalidParams("at least three blocks with two tickets each are needed to measure them")
    means = np.array([values.mean() for values in full])
    centred = [values - values.mean() for values in full]
    within = sum(float((c**2).sum()) for c in centred) / sum(len(c) - 1 for c in centred)
    follow = sum(float((c[:-1] * c[1:]).sum()) for c in centred) / sum(float((c**2).sum()) for c in centred)
    ticket_autocorrelation = min(0.99, max(-0.99, follow))
    typical = effective_count(float(np.mean([len(c) for c in full])), ticket_autocorrelation)
    between = max(0.0, float(means.var(ddof=1)) - within / typical)
    apart = means - means.mean()
    neighbours = float((apart[:-1] * apart[1:]).mean())
    return Blocks(
        per_hour=per_hour,
        within_sd=math.sqrt(within),
        between_sd=math.sqrt(between),
        block_minutes=block_minutes,
        washout_minutes=washout_minutes,
        autocorrelation=min(0.99, max(-0.99, neighbours / between)) if between > 0.0 else 0.0,
        ticket_autocorrelation=ticket_autocorrelation,
    )
