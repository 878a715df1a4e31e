"""What the bare model said of the rows it can be asked about: what its figures and the rules are measured on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.data.dataset import Example
from classifier.decision import OUT_OF_SCOPE, Prediction


@dataclass(frozen=True, slots=True)
class Asked:
    """What the bare model said of n rows: `probabilities` (n, k) of `labels` (k,), whose places are the `truths` (n,).

    The first `known` labels are the model's; it gives the others, which only the file has, no probability at all.
    `groups` (n,): rows that are alike have the same number.
    """

    probabilities: NDArray[np.float64]
    truths: NDArray[np.int64]
    labels: tuple[str, ...]
    known: int
    groups: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> "Asked":
        """The rows with a True in `chosen` (n,)."""
        return replace(
            self,
            probabilities=self.probabilities[chosen],
            truths=self.truths[chosen],
            groups=self.groups[chosen],
        )


def asked(
    said_of: Iterable[tuple[Example, Prediction | None]], understands: Callable[[str], bool]
) -> Asked | None:
    """Rows with words whose language, where the file says it, the encoder reads; None without any.

    Out-of-scope rows are left out where the model has no such label: they have no category that it could miss.
    """
    rows = [
        (example, said)
        for example, said in said_of
        if said is not None
        and (example.language is None or understands(example.language))
        and (example.category != OUT_OF_SCOPE or OUT_OF_SCOPE in said.labels)
    ]
    if not rows:
        return None
    own = rows[0][1].labels
    labels = own + tuple(sorted({example.category for example, _ in rows} - set(own)))
    probabilities = np.zeros((len(rows), len(labels)))
    probabilities[:, : len(own)] = [said.probabilities for _, said in rows]
    return Asked(
        probabilities=probabilities,
        truths=np.array([labels.index(example.category) for example, _ in rows]),
        labels=labels,
        known=len(own),
        groups=np.array([example.group for example, _ in rows]),
    )
