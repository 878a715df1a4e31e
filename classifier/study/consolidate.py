"""From hundreds of raw categories to a few: a proposal by meaning and volume, with its price in accuracy.

Categories are merged pairwise (Ward 1963): each time the pair whose merging moves the least volume the shortest way, so
that a rare category joins its neighbour early and two large ones stay apart.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from classifier.serving.neighbours import Electorate, Neighbours
from classifier.serving.views import unit

SAMPLE = 60
"""Texts of each raw category that are embedded; its volume counts in full."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """`groups`: name of a group (its largest raw category) -> raw categories, largest first.

    `raw_accuracy` and `grouped_accuracy`: how often the neighbours of a sampled text vote for its own label, left out
    itself; the second minus the first is what merging gains, 1 minus the second is what it still costs.
    """

    groups: dict[str, tuple[str, ...]]
    volumes: dict[str, int]
    raw_accuracy: float
    grouped_accuracy: float

    def as_dict(self) -> dict[str, Any]:
        return {
            "groups": {name: list(members) for name, members in self.groups.items()},
            "volumes": self.volumes,
            "raw_accuracy": self.raw_accuracy,
            "grouped_accuracy": self.grouped_accuracy,
        }

    def as_yaml(self) -> str:
        """A mapping file to edit: group -> raw categories with their volume."""
        mapping = {name: {raw: self.volumes[raw] for raw in members} for name, members in self.groups.items()}
        head = (
            f"# {len(self.volumes)} raw categories in {len(self.groups)} groups, proposed from meaning and volume: "
            "read it, rename, move.\n"
            f"# Neighbours vote for a text's own category in {self.raw_accuracy:.1%} of cases before, "
            f"{self.grouped_accuracy:.1%} after.\n"
        )
        return head + str(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True))


def sample(categories: Sequence[str], each: int, seed: int) -> list[int]:
    """Places of at most `each` rows of every category, in the order of the rows."""
    random = np.random.default_rng(seed)
    by_category: dict[str, list[int]] = {}
    for place, category in enumerate(categories):
        by_category.setdefault(category, []).append(place)
    chosen = (
        places if len(places) <= each else random.choice(places, each, replace=False).tolist()
        for places in by_category.values()
    )
    return sorted(place for places in chosen for place in places)


def propose(
    vectors: NDArray[np.float32], sampled: Sequence[str], volumes: Counter[str], count: int
) -> Proposal:
    """Merge the categories of `sampled` rows (with their `vectors`, (n, d)) into `count` groups."""
    names = sorted(set(sampled), key=lambda name: (-volumes[name], name))
    labels = np.array([names.index(name) for name in sampled], dtype=np.int64)
    centroids = np.stack([vectors[labels == place].mean(axis=0) for place in range(len(names))])
    of_group = merge(centroids.astype(np.float64), np.array([volumes[name] for name in names], float), count)
    groups: dict[str, tuple[str, ...]] = {}
    for group in dict.fromkeys(of_group):
        members = tuple(name for name, own in zip(names, of_group, strict=True) if own == group)
        groups[members[0]] = members
    grouped = np.array([of_group[label] for label in labels], dtype=np.int64)
    return Proposal(groups, dict(volumes), _vote_accuracy(vectors, labels), _vote_accuracy(vectors, grouped))


def merge(centroids: NDArray[np.float64], volumes: NDArray[np.float64], count: int) -> list[int]:
    """The group (index of its first member) of each row of `centroids` (n, d), after merging down to `count`."""
    centres, weights = centroids.copy(), volumes.copy()
    group = list(range(len(centres)))
    alive = list(range(len(centres)))
    while len(alive) > max(count, 1):
        live = centres[alive]
        squares = (live**2).sum(axis=1)
        distance = np.maximum(squares[:, None] + squares[None, :] - 2 * live @ live.T, 0.0)
        load = weights[alive]
        cost = distance * (load[:, None] * load[None, :]) / (load[:, None] + load[None, :])
        cost[np.tril_indices(len(alive))] = np.inf
        first, second = (alive[place] for place in np.unravel_index(int(cost.argmin()), cost.shape))
        total = weights[first] + weights[second]
        centres[first] = (weights[first] * centres[first] + weights[second] * centres[second]) / total
        weights[first] = total
        group = [first if own == second else own for own in group]
        alive.remove(second)
    return group


def _vote_accuracy(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    names, dense = np.unique(labels, return_inverse=True)
    neighbours = Neighbours(unit(vectors - vectors.mean(axis=0)), dense, (Electorate(10, 4),), told=0)
    votes = neighbours.columns(neighbours.nearest_of_own(np.arange(len(dense))), len(names))
    return float((votes.argmax(axis=1) == dense).mean())
