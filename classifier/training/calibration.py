"""From raw scores to probabilities one can act on: one temperature, and thresholds with their reason.

Both are fitted on the calibration rows, which the trees never saw; the test rows are for the figures alone.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from classifier.decision import OUT_OF_SCOPE, DecisionKind, Prediction, Thresholds, apply_rule
from classifier.serving.boosting import softmax

ONE_IS_RIGHT = 0.95
"""Wanted share of right answers when one suggestion is shown."""

SHOWN_IS_RIGHT = 0.92
"""Wanted share of messages, of those that get a suggestion, whose category is among what is shown."""

HALF = 0.5
"""Two suggestions that together are more likely wrong than right are never shown."""

WRONG_SUGGESTION = 5
"""A suggestion for a message that no answer fits weighs as much as so many persons asked without need."""

LEAST_ROWS = 20
"""A share of fewer rows than this is no evidence."""

_GRID = np.round(np.arange(0.05, 1.0, 0.01), 2)


def fit_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """The temperature in [.1, 10] with the least log loss (Guo et al. 2017)."""
    places = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        right = softmax(scores, float(np.exp(log_temperature)))[places, labels]
        return float(-np.log(np.maximum(right, 1e-12)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10)), method="bounded")
    return float(np.exp(found.x))


def choose_thresholds(predictions: list[Prediction], truths: list[str]) -> Thresholds:
    """Thresholds for these calibration rows, chosen one after the other with the very rule that serves.

    1. `out_of_scope`: least harm, a suggestion for an out-of-scope row counting as WRONG_SUGGESTION persons asked
       without need, with HALF for the least mass.
    2. `show_one`: the lowest at which ONE_IS_RIGHT of the one-suggestion rows are right.
    3. `least_mass`: the lowest, from HALF on, at which SHOWN_IS_RIGHT of all suggesting rows hold their category.
    """
    strange = _scope_threshold(predictions, truths)
    one, one_note = 0.98, f"no limit reached {ONE_IS_RIGHT:.0%} on {LEAST_ROWS} rows or more, so a strict one"
    for limit in _GRID:
        right = _hits(predictions, truths, Thresholds(float(limit), HALF, strange, "trial"), _ONE)
        if len(right) >= LEAST_ROWS and np.mean(right) >= ONE_IS_RIGHT:
            one, one_note = float(limit), f"{np.mean(right):.1%} of {len(right)} rows shown one are right"
            break
    mass, mass_note = (
        0.9,
        f"no limit reached {SHOWN_IS_RIGHT:.0%} on {LEAST_ROWS} rows or more, so a strict one",
    )
    for limit in _GRID[_GRID >= HALF]:
        right = _hits(predictions, truths, Thresholds(one, float(limit), strange, "trial"), _SUGGESTING)
        if len(right) >= LEAST_ROWS and np.mean(right) >= SHOWN_IS_RIGHT:
            mass, mass_note = (
                float(limit),
                f"the right one is shown in {np.mean(right):.1%} of {len(right)} rows",
            )
            break
    reason = (
        f"Chosen on {len(truths)} calibration rows. Out of scope from {strange:.2f}: least harm, "
        f"a wrong suggestion counting as {WRONG_SUGGESTION} persons asked without need. "
        f"One suggestion from {one:.2f}: {one_note}. Two best together from {mass:.2f}: {mass_note}."
    )
    return Thresholds(one, mass, strange, reason)


_ONE = frozenset({DecisionKind.SHOW_ONE})
_SUGGESTING = frozenset({DecisionKind.SHOW_ONE, DecisionKind.SHOW_TWO})


def _hits(
    predictions: list[Prediction], truths: list[str], limits: Thresholds, kinds: frozenset[DecisionKind]
) -> list[bool]:
    """For each row decided as one of `kinds`: whether its category is shown."""
    shown = [apply_rule(prediction, limits) for prediction in predictions]
    return [truth in row.categories for row, truth in zip(shown, truths, strict=True) if row.kind in kinds]


def _scope_threshold(predictions: list[Prediction], truths: list[str]) -> float:
    outside = [truth == OUT_OF_SCOPE for truth in truths]
    if not any(outside):
        return 1.0
    harms = []
    for limit in _GRID:
        trial = Thresholds(ONE_IS_RIGHT, HALF, float(limit), "trial")
        to_person = [apply_rule(p, trial).kind is DecisionKind.ABSTAIN for p in predictions]
        needless = sum(sent and not out for sent, out in zip(to_person, outside, strict=True))
        misled = sum(out and not sent for sent, out in zip(to_person, outside, strict=True))
        harms.append(needless + WRONG_SUGGESTION * misled)
    # Of equal ones the lowest: an unneeded person is the smaller harm.
    return float(_GRID[int(np.argmin(harms))])
