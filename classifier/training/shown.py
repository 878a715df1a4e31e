"""The serving rule (`classifier.decision.apply_rule`) over many rows at once, for trying many thresholds on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.decision import OUT_OF_SCOPE, Thresholds

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Kinds:
    """What the rule makes of n rows: three flags of shape (n,). Neither `one` nor `two` is a person."""

    one: Flags
    two: Flags
    right: Flags

    @property
    def shown(self) -> Flags:
        return self.one | self.two


@dataclass(frozen=True, slots=True)
class RankedRows:
    """All that the rule asks of n rows, each field of shape (n,).

    `top`: highest probability; `mass`: of the two best categories together; `strange`: of out of scope; `leads`:
    out of scope is the most probable label. `first_right`, `two_right`: whether the best category, or one of
    the best two, is the true one. `outside`: the row is truly out of scope. `has_second`: there is a second category.
    """

    top: Floats
    mass: Floats
    strange: Floats
    leads: Flags
    first_right: Flags
    two_right: Flags
    outside: Flags
    has_second: bool

    def decide(self, show_one: float, least_mass: float, out_of_scope: float) -> Kinds:
        """Exactly what `apply_rule` does with these thresholds; a test compares the two."""
        served = ~self.leads & (self.strange < out_of_scope) & (self.mass >= least_mass)
        one = served & (self.top >= show_one)
        two = served & ~one & self.has_second
        return Kinds(one, two, np.where(one, self.first_right, self.two_right))

    def under(self, thresholds: Thresholds) -> Kinds:
        return self.decide(thresholds.show_one, thresholds.least_mass, thresholds.out_of_scope)


def rank(probabilities: Floats, truths: Sequence[str], labels: Sequence[str]) -> RankedRows:
    """For `probabilities` (n, k) of `labels` (k,); a truth that is none of them is never right."""
    place = labels.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in labels else None
    categories = np.array([label for label in labels if label != OUT_OF_SCOPE], dtype=object)
    known = probabilities if place is None else np.delete(probabilities, place, axis=1)
    best = np.argsort(-known, axis=1, kind="stable")[
        :, :2
    ]  # stable: equal ones in label order, as in serving
    true = categories[best] == np.array(truths, dtype=object)[:, None]
    return RankedRows(
        top=probabilities.max(axis=1),
        mass=np.take_along_axis(known, best, axis=1).sum(axis=1),
        strange=np.zeros(len(known)) if place is None else probabilities[:, place],
        leads=np.zeros(len(known), dtype=bool) if place is None else probabilities.argmax(axis=1) == place,
        first_right=true[:, 0],
        two_right=true.any(axis=1),
        outside=np.array([truth == OUT_OF_SCOPE for truth in truths]),
        has_second=known.shape[1] > 1,
    )
