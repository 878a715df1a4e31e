"""Conformal sets: as many labels as it takes for the true one to be among them at a chosen level.

Split conformal prediction by the least ambiguous sets (Sadinle, Lei and Wasserman 2019), computed by MAPIE, which is an
optional package. For rows exchangeable with the calibration rows the level holds on average, whatever the model.
"""

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.asked import Asked
from classifier.evaluation.rules import TARGETS, Flags, Floats, Point, Rule, RuleCurve, point

LEVELS = tuple(round(0.50 + 0.01 * step, 2) for step in range(50))
"""Wanted chances that the true label is in the set, .50 to .99."""

MISSING = "Conformal sets are left out: they need mapie; run: make setup-study"


def is_installed() -> bool:
    """Whether the optional package is there."""
    return find_spec("mapie") is not None


class _Told:
    """What MAPIE asks of a fitted classifier, for rows whose probabilities are known: they are the inputs themselves."""

    def __init__(self, label_count: int) -> None:
        self.classes_ = np.arange(label_count)

    def predict_proba(self, rows: Floats) -> Floats:
        return rows

    def predict(self, rows: Floats) -> NDArray[np.int64]:
        best: NDArray[np.int64] = rows.argmax(axis=1)
        return best


def conformal_sets(
    calibration: Floats, truths: NDArray[np.int64], rows: Floats, levels: Sequence[float]
) -> Flags:
    """Which labels are in the set of each row: shape (n, k, levels), for probabilities `rows` (n, k).

    `calibration` (m, k) with label indices `truths` (m,): of rows that neither model nor figures know. Each level must be
    reachable with so many rows: m > 1 / (1 - level).
    """
    from mapie.classification import SplitConformalClassifier  # noqa: PLC0415  (an optional study package)

    sets: Any = SplitConformalClassifier(
        estimator=_Told(calibration.shape[1]), confidence_level=list(levels), conformity_score="lac"
    )
    with warnings.catch_warnings():
        # Few calibration rows need not have every label.
        warnings.filterwarnings("ignore", "WARNING: your conformalization dataset has less labels")
        sets.conformalize(calibration, truths)
    return np.asarray(sets.predict_set(rows)[1], dtype=bool)


def calibrated_on(calibration: Asked, rows: Asked) -> RuleCurve | None:
    """The curve over LEVELS for `rows`; a label that the model does not know is never covered.

    None when the calibration rows are too few for any level.
    """
    usable = calibration.truths < calibration.known
    levels = [level for level in LEVELS if usable.sum() > 1 / (1 - level) + 1e-9]
    if not levels:
        return None
    said, asked = calibration.probabilities[usable, : calibration.known], rows.probabilities[:, : rows.known]
    sets = conformal_sets(said, calibration.truths[usable], asked, levels)
    known = rows.truths < rows.known
    covered = sets[np.arange(len(sets)), np.where(known, rows.truths, 0)] & known[:, None]
    sizes = sets.sum(axis=1)
    points = tuple(point(level, sizes[:, at], covered[:, at]) for at, level in enumerate(levels))
    operating = {target: _cheapest(points, target) for target in TARGETS}
    return RuleCurve(Rule.CONFORMAL, len(sets), points, points, operating)


def calibrated_on_half(rows: Asked, seed: int) -> RuleCurve | None:
    """The same, calibrated on one half of the groups of alike rows, drawn by `seed`, and measured on the other."""
    names, group = np.unique(rows.groups, return_inverse=True)
    taken = np.random.default_rng(seed).permutation(len(names))[: len(names) // 2]
    half = np.isin(group, taken)
    return calibrated_on(rows.of(half), rows.of(~half)) if half.any() else None


def _cheapest(points: Sequence[Point], target: float) -> Point | None:
    return min(
        (own for own in points if own.coverage >= target), key=lambda own: own.mean_buttons, default=None
    )
