"""Categories given to a trained model later, from a few examples, while all it learned stays as it is (cold start).

Each has a head of its own: a logistic regression on where a message lies (meaning and wording) and on how surely the trees
took it for one of theirs. A message of a new kind is near its examples, and the trees are at a loss with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.serving.neighbours import Floats
from classifier.serving.views import Places, Views

LOG_SCALE = 0.1
"""Logarithms of probabilities reach from -9 to 0, the other inputs hardly from -1 to 1."""

_LEAST_PROBABILITY = 1e-4


@dataclass(frozen=True, slots=True)
class AddedCategory:
    """A head: `weights` (inputs,) and `bias`. `examples` (n, inputs): what it reads of those it was fitted on."""

    name: str
    weights: Floats
    bias: float
    examples: Floats

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        bias = np.array([self.bias], np.float32)
        return {"weights": self.weights, "bias": bias, "examples": self.examples.astype(np.float16)}

    @staticmethod
    def from_arrays(name: str, arrays: Mapping[str, NDArray[np.generic]]) -> "AddedCategory":
        bias = float(arrays["bias"].astype(np.float32)[0])
        return AddedCategory(
            name, arrays["weights"].astype(np.float32), bias, arrays["examples"].astype(np.float32)
        )

    def nearness(self, meaning: Floats) -> Floats:
        """Cosine of each example with a message that lies at `meaning` (m,): shape (n,)."""
        return self.examples[:, : len(meaning)] @ meaning

    def probability(self, inputs: Floats) -> NDArray[np.float64]:
        """Shape (n,), of being of this category rather than of any other, for `inputs` (n, inputs)."""
        log_odds = np.clip(inputs.astype(np.float64) @ self.weights + self.bias, -500, 500)
        # Never certain: two heads that both were would leave nothing.
        return np.asarray(np.clip(1 / (1 + np.exp(-log_odds)), 1e-6, 1 - 1e-6))


@dataclass(frozen=True, slots=True)
class Background:
    """What a later head is fitted against, calibration rows: where they lie, `rows` (m, place), and what the trees, which never
    learned from them, say of each: `logs` (m, labels), logarithms of probabilities."""

    rows: Floats
    logs: Floats

    def inputs(self) -> Floats:
        """What a head reads of these rows."""
        return np.hstack([self.rows, self.logs * LOG_SCALE]).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"rows": self.rows.astype(np.float16), "logs": self.logs.astype(np.float16)}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> "Background":
        return Background(arrays["rows"].astype(np.float32), arrays["logs"].astype(np.float32))


def logs_of(probabilities: NDArray[np.float64]) -> Floats:
    """Their logarithms, not below that of 1e-4: float32 of the same shape."""
    return np.log(np.maximum(probabilities, _LEAST_PROBABILITY)).astype(np.float32)


def located(places: Places, views: Views) -> Floats:
    """Where messages lie, as the neighbours' rows do: meaning beside wording, float32 (n, place)."""
    return np.hstack([places.meaning, places.worded(views.params.wording_neighbour_dimensions)])


def head_inputs(rows: Floats, probabilities: NDArray[np.float64]) -> Floats:
    """What a head reads of messages that lie at `rows` (n, place), of which the trees say `probabilities` (n, labels)."""
    return np.hstack([rows, logs_of(probabilities) * LOG_SCALE]).astype(np.float32)


def tree_probabilities(inputs: Floats, label_count: int) -> NDArray[np.float64]:
    """The trees' probabilities (n, labels) within `inputs` (n, inputs)."""
    return np.exp(inputs[:, -label_count:].astype(np.float64) / LOG_SCALE)


def with_added(
    probabilities: NDArray[np.float64], rows: Floats, added: Sequence[AddedCategory]
) -> NDArray[np.float64]:
    """Probabilities (n, labels + added): the heads judge independently, and what they leave is the trees'."""
    inputs = head_inputs(rows, probabilities)
    heads = np.stack([category.probability(inputs) for category in added], axis=1)
    # The chance of one and of no other; both at once cannot be, so what is left is scaled to 1.
    none = np.prod(1 - heads, axis=1, keepdims=True)
    alone = np.stack(
        [
            heads[:, place] * np.prod(np.delete(1 - heads, place, axis=1), axis=1)
            for place in range(len(added))
        ],
        axis=1,
    )
    joint = np.hstack([probabilities * none, alone])
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))
