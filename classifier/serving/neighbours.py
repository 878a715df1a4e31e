"""The nearest rows a model has learned from, and what they vote for (k-nearest neighbours; Fix & Hodges 1951).

Support requests come in threads and waves: the same fault, nearly the same words. On real tickets these votes were worth
more than any other view (docs/classifier.md). They also explain a decision, and a new category counts at once.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

_BLOCK = 1_024  # rows whose similarities to all others are held at once
_INT8 = 127


@dataclass(frozen=True, slots=True)
class Electorate:
    """The `count` nearest rows vote with weight cosine ** `sharpness`."""

    count: int
    sharpness: int

    def __post_init__(self) -> None:
        if self.count < 1 or self.sharpness < 1:
            raise ValueError("an electorate needs at least one voter, and a sharpness of at least 1")

    def weights(self, similarity: Floats) -> NDArray[np.float64]:
        """The voters' weights, shape (n, at most `count`), of similarities with the largest first."""
        weights: NDArray[np.float64] = (
            similarity[:, : self.count].clip(min=0.0).astype(np.float64) ** self.sharpness
        )
        return weights


@dataclass(frozen=True, slots=True)
class Near:
    """For n rows, their nearest first: `places` (n, m) of learned rows and `similarity` (n, m), cosines."""

    places: NDArray[np.int64]
    similarity: Floats


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`rows` (n, d): learned rows of length one with their `labels` (n,).

    `told`: of how many nearest rows the bare similarity is a column too.
    """

    rows: Floats
    labels: Labels
    electorates: tuple[Electorate, ...]
    told: int

    def width(self, label_count: int) -> int:
        return len(self.electorates) * label_count + self.told

    def nearest(self, queries: Floats) -> Near:
        """The nearest rows of `queries` (n, d)."""
        return self._in_blocks(queries, None)

    def nearest_of_own(self, groups: Labels) -> Near:
        """The nearest of every learned row among those of other `groups` (n,)."""
        return self._in_blocks(self.rows, groups)

    def _in_blocks(self, queries: Floats, groups: Labels | None) -> Near:
        """Block by block, so that the similarities of all to all need not fit into memory."""
        wanted = min(max(self.told, *(one.count for one in self.electorates)), len(self.rows))
        if len(queries) == 1 and groups is None:
            # A matrix times a vector; as a product of two matrices it takes ten times as long.
            return _largest((self.rows @ queries[0])[None, :], wanted)

        def block(start: int) -> Near:
            similarity = queries[start : start + _BLOCK] @ self.rows.T
            if groups is not None:
                similarity[groups[start : start + _BLOCK, None] == groups] = -1.0
            return _largest(similarity, wanted)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(block, range(0, len(queries), _BLOCK)))
        return Near(
            np.vstack([near.places for near in found]), np.vstack([near.similarity for near in found])
        )

    def columns(self, near: Near, label_count: int) -> Floats:
        """float32, shape (n, width): each electorate's shares of votes (zeros where nothing is near), then similarities."""
        blocks = [_votes(near, self.labels, label_count, electorate) for electorate in self.electorates]
        told = np.zeros((len(near.places), self.told), dtype=np.float32)
        known = min(self.told, near.similarity.shape[1])
        told[:, :known] = near.similarity[:, :known]
        return np.hstack([*blocks, told]).astype(np.float32)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Rows as int8: a hundredth of a component changes no vote that counts, and a quarter of the bytes."""
        scale = max(float(np.abs(self.rows).max()), 1e-9) / _INT8
        packed = np.round(self.rows / scale).astype(np.int8)
        return {
            "rows": packed,
            "scale": np.array([scale], np.float32),
            "labels": self.labels.astype(np.int16),
        }

    @staticmethod
    def from_arrays(
        arrays: Mapping[str, NDArray[np.generic]], electorates: tuple[Electorate, ...], told: int
    ) -> "Neighbours":
        rows = arrays["rows"].astype(np.float32) * arrays["scale"].astype(np.float32)[0]
        return Neighbours(rows, arrays["labels"].astype(np.int64), electorates, told)


def _largest(similarity: Floats, count: int) -> Near:
    places = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(similarity, places, axis=1)
    # Of equally near ones the earlier row first, whatever order the partition left them in.
    order = np.lexsort((places, -values), axis=1)
    return Near(np.take_along_axis(places, order, axis=1), np.take_along_axis(values, order, axis=1))


def _votes(near: Near, labels: Labels, label_count: int, electorate: Electorate) -> NDArray[np.float64]:
    places, weights = near.places[:, : electorate.count], electorate.weights(near.similarity)
    votes = np.zeros((len(places), label_count))
    np.add.at(votes, (np.arange(len(places))[:, None], labels[places]), weights)
    total = votes.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.divide(votes, total, out=votes, where=total > 0)
    return shares
