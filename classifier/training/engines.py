"""Where the heavy work of training is done: in this process, or on a cluster of machines (Dask).

Both engines give the same two functions: one embeds texts (`EmbedJobs`), one trains the trees (`FitTrees`).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.data.partitions import Partition

if TYPE_CHECKING:
    from classifier.training.boosting import BoosterParams


class Engine(StrEnum):
    """`DASK`: the processes of a dask.distributed cluster, on this machine or on many."""

    LOCAL = "local"
    DASK = "dask"


@dataclass(frozen=True, slots=True)
class Job:
    """A partition to embed: the cleaned text of each row, and each text once (`distinct`, in order of appearance)."""

    partition: Partition
    words: list[str]
    distinct: list[str]


EmbedJobs = Callable[[Iterable[Job]], Iterator[tuple[Job, NDArray[np.float32]]]]
"""Embeds each job's distinct texts, float32 (n_distinct, dimensions), in any order; takes few jobs ahead of what it gives."""


class FitTrees(Protocol):
    """Trains the trees over the views' columns, to LightGBM's text (`boosting.train_booster`)."""

    def __call__(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.int64],
        label_count: int,
        params: "BoosterParams",
        weights: NDArray[np.float64] | None = None,
    ) -> str: ...
