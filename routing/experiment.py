"""How large an experiment must be: sample size and power for a difference of two means or of two proportions.

Two-sided tests, two arms of equal size, independent observations. Tickets that share a pool of agents are not
independent; where arms compete for the same people these sizes are lower bounds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.stats import nct, norm
from scipy.stats import t as student_t

from routing.checks import refuse_unless_count, refuse_unless_positive, refuse_unless_share
from routing.errors import InvalidParams

_LARGEST_ARM = 100_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """An experiment of two arms and the power it has."""

    per_arm: int
    total: int
    power: float
    alpha: float
    difference: float


def power_of_means(per_arm: int, difference: float, sd: float, alpha: float = 0.05) -> float:
    """Chance that Student's t test finds a true difference; exact for normal values of standard deviation `sd`."""
    refuse_alpha(alpha)
    refuse_unless_positive(InvalidParams, "difference", abs(difference))
    refuse_unless_positive(InvalidParams, "sd", sd)
    _refuse_small_arm(per_arm)
    return power_of_t(abs(difference) / (sd * math.sqrt(2.0 / per_arm)), 2 * per_arm - 2, alpha)


def power_of_t(shift: float, freedom: int, alpha: float) -> float:
    """Chance that a two-sided t test with these degrees of freedom finds a difference of `shift` standard errors."""
    critical = float(student_t.ppf(1.0 - alpha / 2.0, freedom))
    upper = float(nct.sf(critical, freedom, shift))
    # SciPy's lower tail is NaN from a shift of about 8 on; from 6 on it is less than the 1e-9 of a normal value below -6.
    lower = float(nct.cdf(-critical, freedom, shift)) if shift < 6.0 else 0.0
    return (
        1.0 if math.isnan(upper) else upper + lower
    )  # the upper one overflows only where it is 1 to every digit


def power_of_proportions(per_arm: int, before: float, after: float, alpha: float = 0.05) -> float:
    """Chance that the pooled z test finds the difference; a normal approximation, poor under about 5 events in an arm."""
    refuse_alpha(alpha)
    _refuse_proportions(before, after)
    _refuse_small_arm(per_arm)
    pooled = (before + after) / 2.0
    under_none = math.sqrt(2.0 * pooled * (1.0 - pooled))
    under_difference = math.sqrt(before * (1.0 - before) + after * (1.0 - after))
    margin = abs(after - before) * math.sqrt(per_arm) - float(norm.ppf(1.0 - alpha / 2.0)) * under_none
    if under_difference == 0.0:
        return 1.0 if margin > 0.0 else 0.0
    return float(norm.cdf(margin / under_difference))


def plan_means(difference: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> Plan:
    """The smallest arms whose t test has the power. Raises InvalidParams where 100 million are not enough."""
    refuse_power(power)
    per_arm = smallest_arm(lambda n: power_of_means(n, difference, sd, alpha) >= power)
    return Plan(per_arm, 2 * per_arm, power_of_means(per_arm, difference, sd, alpha), alpha, difference)


def plan_proportions(before: float, after: float, power: float = 0.8, alpha: float = 0.05) -> Plan:
    """The smallest arms whose z test has the power. Raises InvalidParams where 100 million are not enough."""
    refuse_power(power)
    per_arm = smallest_arm(lambda n: power_of_proportions(n, before, after, alpha) >= power)
    return Plan(
        per_arm, 2 * per_arm, power_of_proportions(per_arm, before, after, alpha), alpha, after - before
    )


def smallest_arm(is_enough: Callable[[int], bool]) -> int:
    """The least size of an arm, from 2 on, that is enough; bisected, as power grows with the size. Raises InvalidParams."""
    high = 2
    while not is_enough(high):
        if high >= _LARGEST_ARM:
            raise InvalidParams(
                f"more than {_LARGEST_ARM:,} in each arm would be needed: the difference is too small"
            )
        high *= 2
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle + 1, high)
    return low


def refuse_alpha(alpha: float) -> None:
    """Raise InvalidParams unless alpha lies between 0 and 1."""
    refuse_unless_share(InvalidParams, "alpha", alpha)
    if not 0.0 < alpha < 1.0:
        raise InvalidParams(f"alpha must lie between 0 and 1, not at {alpha:g}")


def refuse_power(power: float) -> None:
    """Raise InvalidParams unless power lies between 0 and 1."""
    refuse_unless_share(InvalidParams, "power", power)
    if not 0.0 < power < 1.0:
        raise InvalidParams(f"power must lie between 0 and 1, not at {power:g}")


def _refuse_proportions(before: float, after: float) -> None:
    refuse_unless_share(InvalidParams, "before", before)
    refuse_unless_share(InvalidParams, "after", after)
    if before == after:
        raise InvalidParams("before and after are the same: there is no difference to find")


def _refuse_small_arm(per_arm: int) -> None:
    refuse_unless_count(InvalidParams, "the size of an arm", per_arm)
    if per_arm < 2:
        raise InvalidParams("an arm needs at least 2")
