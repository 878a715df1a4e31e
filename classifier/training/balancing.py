"""Ways to make rare categories count for more (mission A7): on what the trees learn from, and on nothing else.

Calibration and test rows are never touched: they tell how often each category really comes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import DataRefused


class Balance(StrEnum):
    """`SMOTE` invents rows between neighbours of a rare label (Chawla et al. 2002)."""

    NONE = "none"
    WEIGHTS = "weights"
    SMOTE = "smote"
    OVER = "over"
    UNDER = "under"


@dataclass(frozen=True, slots=True)
class Balanced:
    """What is learned from: columns (n, width), dense or sparse as they came, labels (n,), and weights (n,) or None."""

    columns: Any
    labels: NDArray[np.int64]
    weights: NDArray[np.float64] | None


def balance(columns: NDArray[np.float32], labels: NDArray[np.int64], how: Balance, seed: int) -> Balanced:
    """The fit rows, balanced. Raises DataRefused where a way needs a package that is not installed."""
    if how is Balance.NONE:
        return Balanced(columns, labels, None)
    if how is Balance.WEIGHTS:
        counts = np.bincount(labels)
        weights = len(labels) / (np.count_nonzero(counts) * counts[labels])
        return Balanced(columns, labels, weights)
    sampled, own = _sampler(how, int(np.bincount(labels)[labels].min()), seed).fit_resample(columns, labels)
    return Balanced(sampled.astype(np.float32), np.asarray(own, dtype=np.int64), None)


def _sampler(how: Balance, rarest: int, seed: int):  # type: ignore[no-untyped-def]  # imbalanced-learn has no types
    try:
        from imblearn.over_sampling import SMOTE, RandomOverSampler  # noqa: PLC0415  (the optional study packages)
        from imblearn.under_sampling import RandomUnderSampler  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise DataRefused(f"--balance {how} needs imbalanced-learn; run: make setup-study") from error
    if how is Balance.OVER:
        return RandomOverSampler(random_state=seed)
    if how is Balance.UNDER:
        return RandomUnderSampler(random_state=seed)
    if rarest < 2:
        raise DataRefused("--balance smote needs two rows or more of every category")
    return SMOTE(random_state=seed, k_neighbors=min(5, rarest - 1))
