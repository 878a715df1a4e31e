"""Rules for one button or two, side by side on the same rows: which of them buys most coverage with its second buttons?

This is the conventional picture, without abstention: every row is shown its best label alone or its best two, and is
covered when its true label is among them. Out of scope counts as a label like the others, a label that the model does not
know is never shown, and coverage is over all rows. What people see, abstention included, is `evaluate`'s and `replay`'s.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

TARGETS = (0.90, 0.95)
"""Coverages that are asked for with the fewest buttons."""

REPORTED = (0.79, 0.85, 0.90, 0.95, 0.98)
"""Top thresholds whose coverage every evaluation tells."""

CLAIMED_THRESHOLDS, CLAIMED_COVERAGE = (0.79, 0.98), (0.90, 0.95)
"""What the original project found: a top threshold of 79 to 98 % shows the right category with a chance of 90 to 95 %."""

GRID = tuple(round(0.01 * step, 2) for step in range(101))
"""Parameters of a curve."""

_DRAWN = 200


class Rule(StrEnum):
    """What decides between one button and two; the last one shows sets of any size."""

    TOP = "top threshold"
    GAP = "gap threshold"
    SECOND = "second-probability threshold"
    CONFORMAL = "conformal set"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Rule.TOP: "one when the highest probability is at least t, else two",
    Rule.GAP: "two when the two highest probabilities are less than g apart, else one",
    Rule.SECOND: "two when the second-highest probability is at least s, else one",
    Rule.CONFORMAL: "every label that conforms to the calibration rows at this level: none, one or many",
}


@dataclass(frozen=True, slots=True)
class BestTwo:
    """The two best labels of n rows, each field of shape (n,): their probabilities, and whether they are the true one."""

    first: Floats
    second: Floats
    first_right: Flags
    second_right: Flags

    def shows_two(self, rule: Rule, parameter: float) -> Flags:
        """Which rows a threshold rule shows two of."""
        if rule is Rule.SECOND:
            return self.second >= parameter
        return self._sureness(rule) < parameter

    def parameters(self, rule: Rule) -> Floats:
        """Every parameter that makes a difference on these rows, from one button for all to two for all."""
        if rule is Rule.SECOND:
            falling = np.unique(self.second)[::-1]
            return np.concatenate([[np.nextafter(falling[0], np.inf)], falling])
        rising = np.unique(self._sureness(rule))
        return np.concatenate([rising, [np.nextafter(rising[-1], np.inf)]])

    def _sureness(self, rule: Rule) -> Floats:
        return self.first if rule is Rule.TOP else self.first - self.second


def best_two(probabilities: Floats, truths: NDArray[np.int64]) -> BestTwo:
    """Of `probabilities` (n, k >= 2) with label indices `truths` (n,); equal ones in the order of the labels."""
    places = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    values = np.take_along_axis(probabilities, places, axis=1)
    right = places == truths[:, None]
    return BestTwo(values[:, 0], values[:, 1], right[:, 0], right[:, 1])


@dataclass(frozen=True, slots=True)
class Point:
    """What a rule with this parameter does to n rows.

    `coverage`: share of all rows that are shown their true label. `share_of_two`: share that are shown two or more.
    `mean_buttons`: labels shown, over all rows. `precision_when_one`: share of right ones among rows shown one label.
    `right_among_shown`: among rows shown anything. Both are None without such rows. `abstained`: share shown nothing.
    """

    parameter: float
    coverage: float
    share_of_two: float
    mean_buttons: float
    precision_when_one: float | None
    right_among_shown: float | None
    abstained: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def point(parameter: float, sizes: NDArray[np.int64], covered: Flags) -> Point:
    """From the number of labels shown to each row (n,), and whether the true one is among them; at least one row."""
    one, shown = sizes == 1, sizes > 0
    return Point(
        parameter=parameter,
        coverage=float(covered.mean()),
        share_of_two=float((sizes > 1).mean()),
        mean_buttons=float(sizes.mean()),
        precision_when_one=float(covered[one].mean()) if one.any() else None,
        right_among_shown=float(covered[shown].mean()) if shown.any() else None,
        abstained=float(1 - shown.mean()),
    )


def apply(rows: BestTwo, rule: Rule, parameter: float) -> Point:
    """What a threshold rule does to these rows."""
    two = rows.shows_two(rule, parameter)
    return point(parameter, np.where(two, 2, 1), rows.first_right | (two & rows.second_right))


def operating_point(rows: BestTwo, rule: Rule, target: float) -> Point | None:
    """The one with the fewest buttons that covers `target` of these rows; None when two for all do not.

    Found on the rows it is told of, so it is what is possible with this rule, not what a threshold promises of others.
    """
    tried = rows.parameters(rule)
    # More rows shown two never cover less.
    place = bisect_left(tried, True, key=lambda parameter: apply(rows, rule, parameter).coverage >= target)
    return apply(rows, rule, float(tried[place])) if place < len(tried) else None


@dataclass(frozen=True, slots=True)
class RuleCurve:
    """One rule on n rows. `curve`: over GRID, or over the levels of a conformal set. `drawn`: points from the fewest
    buttons to the most. `operating`: for each of TARGETS the point with the fewest buttons, if there is one."""

    rule: Rule
    n: int
    curve: tuple[Point, ...]
    drawn: tuple[Point, ...]
    operating: dict[float, Point | None]

    def as_dict(self) -> dict[str, Any]:
        found = {f"{target:.2f}": own.as_dict() if own else None for target, own in self.operating.items()}
        curve = [own.as_dict() for own in self.curve]
        return {
            "rule": self.rule,
            "what": self.rule.sentence,
            "n": self.n,
            "operating": found,
            "curve": curve,
        }


def rule_curve(rows: BestTwo, rule: Rule) -> RuleCurve:
    """A threshold rule over its parameter."""
    tried = rows.parameters(rule)
    chosen = tried[np.unique(np.linspace(0, len(tried) - 1, _DRAWN).astype(int))]
    return RuleCurve(
        rule=rule,
        n=len(rows.first),
        curve=tuple(apply(rows, rule, parameter) for parameter in GRID),
        drawn=tuple(apply(rows, rule, float(parameter)) for parameter in chosen),
        operating={target: operating_point(rows, rule, target) for target in TARGETS},
    )


def coverage_at(rows: BestTwo, thresholds: Sequence[float] = REPORTED) -> dict[str, float]:
    """Top threshold, as "0.79", to its coverage."""
    return {f"{t:.2f}": apply(rows, Rule.TOP, t).coverage for t in thresholds}


def mean_buttons_at(rows: BestTwo, targets: Sequence[float] = TARGETS) -> dict[str, float | None]:
    """Coverage, as "0.90", to the fewest mean buttons with which a top threshold reaches it; None when none does."""
    found = {target: operating_point(rows, Rule.TOP, target) for target in targets}
    return {f"{target:.2f}": own.mean_buttons if own else None for target, own in found.items()}


def claim(rows: BestTwo) -> str:
    """What became of the original project's finding on these rows, in two sentences."""
    low, high = (apply(rows, Rule.TOP, t) for t in CLAIMED_THRESHOLDS)
    fewer, more = low.coverage < CLAIMED_COVERAGE[0], high.coverage > CLAIMED_COVERAGE[1]
    if fewer and more:
        verdict = "a wider range than it found"
    elif fewer:
        verdict = "fewer than it found"
    elif more:
        verdict = "more than it found"
    else:
        verdict = "as it found"
    found = " and ".join(
        f"t = {own.parameter:.2f} covers {own.coverage:.1%} with {own.mean_buttons:.2f} buttons"
        for own in (low, high)
    )
    return (
        "The original project: with a top threshold of 79-98 % the right category is shown with a chance of 90-95 %. "
        f"On these {len(rows.first)} rows {found}: {verdict}."
    )
