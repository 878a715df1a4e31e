"""Several classifiers on one split, so that a choice of model is a measurement.

All learn from the fit rows, get their temperature on the calibration rows, and are measured on the test rows.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from classifier.evaluation.metrics import Figures, figures
from classifier.serving.boosting import softmax
from classifier.study.contenders import CONTENDERS
from classifier.training.balancing import Balance
from classifier.training.calibration import fit_temperature
from classifier.training.fit_views import FitRows

Interval = tuple[float, float]

RESAMPLES = 1_000


@dataclass(frozen=True, slots=True)
class Contender:
    """One classifier's figures on the test rows; `fit_s` is the time to learn, embeddings not counted.

    `accuracy_interval`: 95 % bootstrap interval over the test rows (percentile; Efron 1979).
    """

    name: str
    balance: Balance
    figures: Figures
    accuracy_interval: Interval
    temperature: float
    fit_s: float
    probabilities: NDArray[np.float64]

    def as_dict(self) -> dict[str, Any]:
        about = {"name": self.name, "balance": self.balance.value, "fit_s": self.fit_s}
        interval = {"accuracy_interval": list(self.accuracy_interval)}
        return about | interval | {"temperature": self.temperature} | self.figures.as_dict()


def compare(
    fit: FitRows,
    calibration: FitRows,
    test: FitRows,
    labels: tuple[str, ...],
    balances: Sequence[Balance] = (Balance.NONE,),
    seed: int = 0,
) -> Iterator[Contender]:
    """Each contender with each way of balancing as soon as it is measured, simplest first."""
    for name, learn in CONTENDERS.items():
        for balance in balances:
            started = time.perf_counter()
            score = learn(fit, len(labels), balance, seed)
            fit_s = time.perf_counter() - started
            temperature = fit_temperature(score(calibration), calibration.labels)
            probabilities = softmax(score(test), temperature)
            yield Contender(
                name,
                balance,
                figures(probabilities, test.labels, labels),
                _interval(probabilities.argmax(axis=1) == test.labels, seed),
                temperature,
                fit_s,
                probabilities,
            )


def _interval(is_right: NDArray[np.bool_], seed: int) -> Interval:
    if is_right.all() or not is_right.any():
        return float(is_right[0]), float(is_right[0])  # every resample is the same
    found = bootstrap(
        (is_right.astype(float),),
        np.mean,
        n_resamples=RESAMPLES,
        method="percentile",
        batch=50,
        rng=np.random.default_rng(seed),
    )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
