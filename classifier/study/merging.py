"""Merging categories two by two: each time the pair whose merging loses the least detail.

Detail is of two kinds, each a share of all there is, so that both add up to 1 when one group is left:

* what a classifier can tell: the mutual information of a row's category and the classifier's vote (the agglomerative
  information bottleneck; Slonim and Tishby 1999). Two categories that get the same votes lose nothing by being one, a rare
  one little, and a large group does not swallow its neighbours, as it does where confusion alone is counted;
* what they mean: the spread of the categories' centroids (Ward 1963).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

MEANING = 0.25
"""Weight of meaning beside what can be told. More makes one large group of all that lies in the middle, none joins rare
categories by the chance of their few votes."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Group `joined` becomes part of `kept`, both named by the place of their first category; `detail` in [0, 1] is lost."""

    kept: int
    joined: int
    detail: float


def merges(votes: Floats, centroids: Floats, volumes: Floats) -> list[Merge]:
    """The k - 1 merges of k categories, in order; of equal pairs the one of the earlier categories.

    `votes` (k, k): row i is how the rows of category i vote, adding up to 1. `centroids` (k, d), `volumes` (k,).
    """
    groups = _Groups(votes, centroids, volumes)
    losses = np.full((len(volumes), len(volumes)), np.inf)
    for place in range(len(volumes) - 1):
        losses[place, place + 1 :] = groups.losses(place, np.arange(place + 1, len(volumes)))
    found, live = [], np.arange(len(volumes))
    while len(live) > 1:
        kept, joined = (int(place) for place in np.unravel_index(losses.argmin(), losses.shape))
        found.append(Merge(kept, joined, max(float(losses[kept, joined]), 0.0)))
        groups.merge(kept, joined)
        live = live[live != joined]
        losses[joined, :] = losses[:, joined] = np.inf
        before, after = live[live < kept], live[live > kept]
        losses[before, kept] = groups.losses(kept, before)
        losses[kept, after] = groups.losses(kept, after)
    return found


def grouped(count: int, merged: list[Merge]) -> Places:
    """The group of each of `count` categories after these merges: the place of its first category."""
    group = np.arange(count)
    for one in merged:
        group[group == one.joined] = one.kept
    return group


class _Groups:
    """Votes, centroids and weights of the groups there are; a group is kept at the place of its first category."""

    def __init__(self, votes: Floats, centroids: Floats, volumes: Floats) -> None:
        self._weights = volumes / volumes.sum()
        self._joint = votes * self._weights[:, None]
        self._centres = centroids.copy()
        mean = self._weights @ centroids
        self._spread = float(self._weights @ ((centroids - mean) ** 2).sum(axis=1))
        self._information = float(_negentropy(self._joint).sum() - _negentropy(self._joint.sum(axis=0)))

    def losses(self, place: int, others: Places) -> Floats:
        """What merging `place` with each of the `others` (m,) would lose, shape (m,)."""
        own, theirs = self._weights[place], self._weights[others]
        apart = ((self._centres[place] - self._centres[others]) ** 2).sum(axis=1)
        meaning = apart * own * theirs / (own + theirs)
        told = (
            _negentropy(self._joint[place])
            + _negentropy(self._joint[others])
            - _negentropy(self._joint[place] + self._joint[others])
        )
        return MEANING * _share(meaning, self._spread) + (1 - MEANING) * _share(told, self._information)

    def merge(self, kept: int, joined: int) -> None:
        own, other = self._weights[kept], self._weights[joined]
        self._centres[kept] = (own * self._centres[kept] + other * self._centres[joined]) / (own + other)
        self._weights[kept] = own + other
        self._joint[kept] += self._joint[joined]


def _negentropy(masses: Floats) -> Floats:
    """For each row of masses (..., k): its sum times the negative entropy of its shares, in nats."""
    total = masses.sum(axis=-1)
    return np.asarray(_xlogx(masses).sum(axis=-1) - _xlogx(total))


def _xlogx(masses: Floats) -> Floats:
    return np.asarray(masses * np.log(np.where(masses > 0, masses, 1.0)))


def _share(part: Floats, whole: float) -> Floats:
    """Nothing is lost where there is nothing: of categories that all vote and mean the same."""
    return part / whole if whole > 1e-12 else np.zeros_like(part)
