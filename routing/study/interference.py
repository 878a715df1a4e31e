"""What an experiment sees of a known effect when both arms share one pool of agents.

Ticket by ticket (A/B), the faster arm frees agents for the slower one and both wait alike: most of the effect is missed.
The arm that goes first takes its time from the other: an effect is seen where there is none. A switchback compares the
desk as a whole, at different times, and sees what would happen if everybody were treated.
"""

import math
from dataclasses import dataclass

import numpy as np

from routing.checks import refuse_negative, refuse_unless_positive
from routing.errors import InvalidParams
from routing.originals.scoring import Indices
from routing.originals.tables import Floats
from routing.study.shared_pool import Pool, draw_arrivals, resolve_by_block, resolve_by_ticket
from routing.study.switchback import (
    CONTROL,
    TREATED,
    Blocks,
    Estimate,
    draw_order,
    estimate_switchback,
    measure_blocks,
)

_CURVE_BINS = 24


@dataclass(frozen=True, slots=True)
class Layout:
    """How the switchback is laid out; the blocks are even in number. Raises InvalidParams."""

    blocks: int = 400
    block_minutes: float = 480.0
    washout_minutes: float = 180.0

    def __post_init__(self) -> None:
        refuse_unless_positive(InvalidParams, "block_minutes", self.block_minutes)
        refuse_negative(InvalidParams, "washout_minutes", self.washout_minutes)
        if self.washout_minutes >= self.block_minutes:
            raise InvalidParams("the washout leaves nothing of the block")
        if self.blocks < 4 or self.blocks % 2:
            raise InvalidParams(
                f"blocks come in pairs, at least two: an even number from 4 on, not {self.blocks}"
            )


@dataclass(frozen=True, slots=True)
class CarryOver:
    """Mean minutes to resolved by the time since a block began, where the arm changed; NaN where no ticket arrived."""

    since_minutes: Floats
    treated_after_control: Floats
    control_after_treated: Floats


@dataclass(frozen=True, slots=True)
class Seen:
    """The known effect on the minutes from asking to resolved (treated minus control), and what each experiment saw.

    `tickets`: in the A/B, and in the switchback before its washout. `pilot`: blocks of the same desk untreated, measured
    for a plan.
    """

    true_difference: float
    ticket_level: Estimate
    without_washout: Estimate
    with_washout: Estimate
    tickets: int
    pilot: Blocks
    carry_over: CarryOver

    def share_seen(self, estimate: Estimate) -> float | None:
        """The estimate over the truth: 1 is right; None where the truth is no difference."""
        return estimate.difference / self.true_difference if self.true_difference else None


def try_experiments(pool: Pool, layout: Layout, seed: int) -> Seen:
    """Run both experiments on the same arrivals, after one block in which the desk fills up."""
    rng = np.random.default_rng(seed)
    arrivals = draw_arrivals(pool, (layout.blocks + 1) * layout.block_minutes, rng)
    block = (arrivals.minute // layout.block_minutes).astype(np.int64) - 1
    since = arrivals.minute % layout.block_minutes
    order = draw_order(layout.blocks, rng)
    coin = rng.integers(0, 2, len(block))
    counted = block >= 0

    mixed = resolve_by_ticket(pool, arrivals, coin)
    switched = resolve_by_block(pool, arrivals, np.r_[CONTROL, order], layout.block_minutes)
    untreated = resolve_by_ticket(pool, arrivals, np.full(len(block), CONTROL))
    late = counted & (since >= layout.washout_minutes)
    return Seen(
        true_difference=pool.true_difference,
        ticket_level=_estimate_tickets(
            mixed[counted & (coin == TREATED)], mixed[counted & (coin == CONTROL)]
        ),
        without_washout=estimate_switchback(switched[counted], block[counted], order),
        with_washout=estimate_switchback(switched[late], block[late], order),
        tickets=int(counted.sum()),
        pilot=measure_blocks(
            np.split(untreated[late], np.flatnonzero(np.diff(block[late])) + 1),
            pool.per_hour,
            layout.block_minutes,
            layout.washout_minutes,
        ),
        carry_over=_carry_over(switched[counted], block[counted], since[counted], order, layout),
    )


def _estimate_tickets(treated: Floats, control: Floats) -> Estimate:
    """Difference of means with the interval that takes tickets for independent, as such an analysis would."""
    if min(len(treated), len(control)) < 2:
        raise InvalidParams("an arm has fewer than two tickets: longer blocks are needed")
    difference = float(treated.mean() - control.mean())
    margin = 1.96 * math.sqrt(treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control))
    return Estimate(difference, difference - margin, difference + margin)


def _carry_over(values: Floats, block: Indices, since: Floats, order: Indices, layout: Layout) -> CarryOver:
    changed = np.r_[False, order[1:] != order[:-1]][block]
    width = layout.block_minutes / _CURVE_BINS
    place = np.minimum((since / width).astype(np.int64), _CURVE_BINS - 1)

    def curve(arm: int) -> Floats:
        chosen = changed & (order[block] == arm)
        counts = np.bincount(place[chosen], minlength=_CURVE_BINS)
        mean = np.full(_CURVE_BINS, np.nan)
        np.divide(np.bincount(place[chosen], values[chosen], _CURVE_BINS), counts, out=mean, where=counts > 0)
        return mean

    middles: Floats = (np.arange(_CURVE_BINS, dtype=np.float64) + 0.5) * width
    return CarryOver(middles, curve(TREATED), curve(CONTROL))
