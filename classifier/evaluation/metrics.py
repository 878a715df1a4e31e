"""Figures of a classifier over rows it has not seen. Precision first: a wrong suggestion costs trust."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.evaluation.rules import best_two, coverage_at, mean_buttons_at

ECE_BINS = 15


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """One label's row: `n` rows that truly have it."""

    label: str
    n: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`weighted_*` weigh each label by its rows; `ece` is the expected calibration error over 15 equal bins.

    `top_two`: share of rows whose label is one of the best two. `coverage_at`, `mean_buttons_at`: of the top-threshold rule
    (`classifier.evaluation.rules`).
    """

    n: int
    weighted_precision: float
    weighted_recall: float
    accuracy: float
    top_two: float
    macro_f1: float
    log_loss: float
    ece: float
    coverage_at: dict[str, float]
    mean_buttons_at: dict[str, float | None]
    labels: tuple[LabelFigures, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def figures(probabilities: NDArray[np.float64], truths: NDArray[np.int64], labels: Sequence[str]) -> Figures:
    """Figures of `probabilities` (n, k >= 2) against label indices `truths` (n,); raises ValueError for no rows.

    A label without a probability of its own can be a column of zeros: it is always missed, and costs log(1e12) of log loss.
    """
    if len(truths) == 0:
        raise ValueError("no rows to measure on")
    guesses = probabilities.argmax(axis=1)
    rows = tuple(_label_row(label, guesses == place, truths == place) for place, label in enumerate(labels))
    present = [row for row in rows if row.n]
    weights = np.array([row.n for row in present]) / len(truths)
    best = best_two(probabilities, truths)
    right = probabilities[np.arange(len(truths)), truths]
    return Figures(
        n=len(truths),
        weighted_precision=float(weights @ [row.precision for row in present]),
        weighted_recall=float(weights @ [row.recall for row in present]),
        accuracy=float((guesses == truths).mean()),
        top_two=float((best.first_right | best.second_right).mean()),
        macro_f1=float(np.mean([row.f1 for row in present])),
        log_loss=float(-np.log(np.maximum(right, 1e-12)).mean()),
        ece=expected_calibration_error(probabilities.max(axis=1), guesses == truths),
        coverage_at=coverage_at(best),
        mean_buttons_at=mean_buttons_at(best),
        labels=rows,
    )


def _label_row(label: str, guessed: NDArray[np.bool_], true: NDArray[np.bool_]) -> LabelFigures:
    hits = int((guessed & true).sum())
    precision = hits / int(guessed.sum()) if guessed.any() else 0.0
    recall = hits / int(true.sum()) if true.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return LabelFigures(label, int(true.sum()), precision, recall, f1)


def expected_calibration_error(confidence: NDArray[np.float64], is_right: NDArray[np.bool_]) -> float:
    """Mean gap between confidence and accuracy over ECE_BINS equal bins, weighted by their rows."""
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = 0.0
    for place in range(ECE_BINS):
        chosen = bins == place
        if chosen.any():
            gaps += chosen.mean() * abs(confidence[chosen].mean() - is_right[chosen].mean())
    return float(gaps)
