"""From raw scores to probabilities one can act on: one temperature, and the limit from which a message is out of scope.

Both are fitted on the calibration rows, which the trees never saw; the test rows are for the figures alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from classifier.serving.boosting import softmax
from classifier.training.shown import RankedRows

HALF = 0.5
"""Two suggestions that together are more likely wrong than right are never shown."""

CAUGHT = 0.95
"""Wanted share of out-of-scope rows that end with a person."""

PRICE = 0.05
"""Most of the other rows, as a share, that the limit may send to a person without need.

A wrong suggestion costs trust and an unneeded person costs minutes, and a person is what everybody had before. But each
of these is a request the bot could have served: one in twenty is what a desk does not feel, and it is paid only as far
as it catches rows.
"""

SCOPE_LIMITS = (0.03, 0.05, 0.1, 0.15, 0.25, 0.5)
"""What is chosen from. Few, because each one that could have been chosen takes a part of the promise's risk."""

OFF = 1.0
"""The limit of data without out-of-scope rows."""


def fit_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature in [.1, 10] with the least log loss (Guo et al. 2017)."""
    places = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        right = softmax(scores, float(np.exp(log_temperature)))[places, labels]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """An out-of-scope limit: it sends `caught` of `outside` out-of-scope rows to a person, and `needless` of `inside`
    other rows that would otherwise be shown something. `choices`: the limits it was chosen from.
    """

    limit: float
    caught: int
    outside: int
    needless: int
    inside: int
    choices: tuple[float, ...]

    @property
    def share_caught(self) -> float:
        return self.caught / self.outside if self.outside else 1.0

    @property
    def price(self) -> float:
        return self.needless / self.inside if self.inside else 0.0

    def sentence(self) -> str:
        if not self.outside:
            return "There are no out-of-scope rows to choose a limit for."
        wish = "" if self.share_caught >= CAUGHT else f", fewer than the {CAUGHT:.0%} wished for"
        return (
            f"Out of scope from {self.limit:.2f}: {self.caught} of {self.outside} such rows end with a person{wish}; "
            f"it costs {self.needless} of {self.inside} other rows a suggestion ({self.price:.1%})."
        )


def choose_scope_limit(rows: RankedRows) -> ScopeChoice:
    """The limit that sends CAUGHT of the out-of-scope rows to a person and costs the other rows least.

    Where that costs more than PRICE of them, the one within PRICE that catches most. What the rule sends to a person
    anyway, because out of scope leads or the two best hold under HALF, is caught for nothing and charged to no limit.
    """
    if not rows.outside.any():
        return ScopeChoice(OFF, 0, 0, 0, len(rows.outside), choices=(OFF,))
    tried = [_tried(rows, limit) for limit in SCOPE_LIMITS]
    # The highest limit only takes what leads anyway, so something is always within the price.
    within = [choice for choice in tried if choice.price <= PRICE]
    return max(within, key=lambda choice: (min(choice.share_caught, CAUGHT), -choice.needless, choice.limit))


def _tried(rows: RankedRows, limit: float) -> ScopeChoice:
    served = rows.decide(OFF, HALF, OFF).shown
    kept = rows.decide(OFF, HALF, limit).shown
    outside = int(rows.outside.sum())
    return ScopeChoice(
        limit=limit,
        caught=int((rows.outside & ~kept).sum()),
        outside=outside,
        needless=int((~rows.outside & served & ~kept).sum()),
        inside=len(rows.outside) - outside,
        choices=SCOPE_LIMITS,
    )
