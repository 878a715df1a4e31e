"""Sample size and power, against published tables and against trying it out."""

import math

import numpy as np
import pytest
from scipy.stats import ttest_ind

from routing import InvalidParams
from routing.experiment import plan_means, plan_proportions, power_of_means, power_of_proportions


@pytest.mark.parametrize(("effect", "per_arm"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_arms_for_means_are_those_of_cohens_tables(effect: float, per_arm: int) -> None:
    """Small, medium and large effects at power .8 and alpha .05."""
    plan = plan_means(difference=effect * 7.0, sd=7.0)
    assert (plan.per_arm, plan.total) == (per_arm, 2 * per_arm)
    assert plan.power >= 0.8 > power_of_means(per_arm - 1, effect, 1.0)


@pytest.mark.parametrize(
    ("before", "after", "per_arm"), [(0.5, 0.6, 388), (0.10, 0.05, 435), (0.05, 0.10, 435)]
)
def test_arms_for_proportions_are_those_of_fleiss_without_correction(
    before: float, after: float, per_arm: int
) -> None:
    """The pooled formula's textbook sizes, whichever arm is larger."""
    plan = plan_proportions(before, after)
    assert plan.per_arm == per_arm
    assert plan.power >= 0.8 > power_of_proportions(per_arm - 1, before, after)


def test_the_power_of_means_is_how_often_the_test_finds_the_difference() -> None:
    """4,000 experiments of 20 and 20: found as often as promised, within 2.5 points."""
    rng = np.random.default_rng(0)
    found = (
        ttest_ind(rng.normal(0.0, 1.0, (4000, 20)), rng.normal(0.7, 1.0, (4000, 20)), axis=1).pvalue < 0.05
    )
    assert found.mean() == pytest.approx(power_of_means(20, 0.7, 1.0), abs=0.025)


def test_the_power_of_proportions_is_how_often_the_test_finds_the_difference() -> None:
    """4,000 experiments of 300 and 300: found as often as promised, within 2.5 points."""
    rng = np.random.default_rng(0)
    one, other = rng.binomial(300, 0.2, 4000) / 300, rng.binomial(300, 0.3, 4000) / 300
    pooled = (one + other) / 2
    found = np.abs(one - other) / np.sqrt(2 * pooled * (1 - pooled) / 300) > 1.959964
    assert found.mean() == pytest.approx(power_of_proportions(300, 0.2, 0.3), abs=0.025)


def test_a_huge_difference_needs_the_smallest_arms() -> None:
    """Power ends at 1 and arms at 2; next to no difference is found as often as none, alpha."""
    assert power_of_means(20, 1e-9, 1.0, alpha=0.1) == pytest.approx(0.1)
    assert power_of_means(50, 1e6, 1.0) == 1.0
    assert plan_means(1e6, 1.0).per_arm == 2
    assert power_of_proportions(10, 0.0, 1.0) == 1.0


def test_power_is_a_number_for_any_size_of_the_difference() -> None:
    """It grows with the difference up to 1, also where SciPy's tails have no number."""
    power = [power_of_means(5_000, difference, 1.0) for difference in np.linspace(0.01, 1.0, 100)]
    assert all(0.0 <= value <= 1.0 for value in power)
    assert power == sorted(power)
    assert power[-1] == 1.0


@pytest.mark.parametrize("value", [math.nan, 0.0, 1.0, -0.1])
def test_levels_must_lie_between_0_and_1(value: float) -> None:
    """Alpha and power are chances."""
    with pytest.raises(InvalidParams, match="alpha"):
        plan_means(1.0, 1.0, alpha=value)
    with pytest.raises(InvalidParams, match="power"):
        plan_proportions(0.1, 0.2, power=value)


def test_a_difference_that_cannot_be_found_is_refused() -> None:
    """No difference, no spread, too small an arm, or more than a hundred million: one clear line."""
    for impossible in (
        lambda: plan_means(0.0, 1.0),
        lambda: plan_means(math.nan, 1.0),
        lambda: plan_means(1.0, 0.0),
        lambda: plan_means(1e-9, 1.0),
        lambda: plan_proportions(0.1, 0.1),
        lambda: plan_proportions(0.1, 1.1),
        lambda: power_of_means(1, 1.0, 1.0),
    ):
        with pytest.raises(InvalidParams):
            impossible()
