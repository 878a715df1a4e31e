"""Several classifiers on one split of the same embeddings, so that a choice of model is a measurement.

All learn from the fit rows, get their temperature on the calibration rows, and are measured on the test rows.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from classifier.evaluation.metrics import Figures, figures
from classifier.serving.boosting import Booster, BoosterParams, softmax, train_booster
from classifier.serving.features import FeatureParams, fit_reference
from classifier.training.calibration import fit_temperature

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Embeddings (n, d) and label indices (n,) of one split; `said` (n,) as for `fit_reference`."""

    vectors: Floats
    labels: Labels
    said: Labels | None = None


@dataclass(frozen=True, slots=True)
class Contender:
    """One classifier's figures; `fit_s` is the time to learn, embeddings not counted."""

    name: str
    figures: Figures
    temperature: float
    fit_s: float

    def as_dict(self) -> dict[str, Any]:
        measured = self.figures.as_dict()
        measured.pop("labels")
        return {"name": self.name, "fit_s": self.fit_s, "temperature": self.temperature} | measured


Scorer = Callable[[Floats], Scores]
Learner = Callable[[Rows, int], Scorer]


def compare(fit: Rows, calibration: Rows, test: Rows, labels: tuple[str, ...]) -> Iterator[Contender]:
    """Each contender as soon as it is measured, simplest first."""
    for name, learn in CONTENDERS.items():
        started = time.perf_counter()
        score = learn(fit, len(labels))
        fit_s = time.perf_counter() - started
        temperature = fit_temperature(score(calibration.vectors), calibration.labels)
        probabilities = softmax(score(test.vectors), temperature)
        yield Contender(name, figures(probabilities, test.labels, labels), temperature, fit_s)


def _block(place: int) -> Learner:
    """One of the three blocks of `features` on its own: 0 margins, 1 cosines, 2 votes."""

    def learn(rows: Rows, label_count: int) -> Scorer:
        reference, _ = fit_reference(rows.vectors, rows.labels, label_count, FeatureParams())
        start = rows.vectors.shape[1] + place * label_count

        def score(vectors: Floats) -> Scores:
            return reference.features(vectors)[:, start : start + label_count].astype(np.float64)

        return score

    return learn


def _votes(rows: Rows, label_count: int) -> Scorer:
    shares = _block(2)(rows, label_count)
    # A share is a probability already; its logarithm is its score. No vote at all counts as a hundredth.
    return lambda vectors: np.log(shares(vectors) + 0.01)


def _logistic(rows: Rows, label_count: int, penalty: float = 1e-3) -> Scorer:
    """Multinomial logistic regression with an L2 penalty, by L-BFGS."""
    inputs = _standard(rows.vectors, rows.vectors)
    one_hot = np.eye(label_count)[rows.labels]
    shape = (inputs.shape[1], label_count)

    def loss(flat: Scores) -> tuple[float, Scores]:
        weights = flat.reshape(shape)
        shares = softmax(inputs @ weights)
        right = np.maximum(shares[np.arange(len(inputs)), rows.labels], 1e-12)
        slope = inputs.T @ (shares - one_hot) / len(inputs) + penalty * weights
        return float(-np.log(right).mean() + 0.5 * penalty * (weights**2).sum()), slope.ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    weights = found.x.reshape(shape)
    return lambda vectors: np.asarray(_standard(vectors, rows.vectors) @ weights, dtype=np.float64)


def _standard(vectors: Floats, like: Floats) -> Scores:
    """Centred and scaled as `like` is, with a column of ones."""
    scaled = (vectors - like.mean(axis=0)) / (like.std() + 1e-9)
    return np.hstack([scaled, np.ones((len(scaled), 1))]).astype(np.float64)


def _lightgbm_plain(rows: Rows, label_count: int) -> Scorer:
    booster = Booster(train_booster(rows.vectors, rows.labels, label_count, BoosterParams()))
    return booster.scores


def _lightgbm_full(rows: Rows, label_count: int) -> Scorer:
    reference, own = fit_reference(rows.vectors, rows.labels, label_count, FeatureParams(), rows.said)
    booster = Booster(train_booster(own, rows.labels, label_count, BoosterParams()))
    return lambda vectors: booster.scores(reference.features(vectors))


CONTENDERS: dict[str, Learner] = {
    "class centroids": _block(1),
    "nearest neighbours": _votes,
    "ridge margins": _block(0),
    "logistic regression": _logistic,
    "LightGBM, embedding only": _lightgbm_plain,
    "LightGBM, as trained": _lightgbm_full,
}
