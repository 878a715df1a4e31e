"""Embedding files of any size: what is missing of a folder of embeddings is embedded, by either engine."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.data.partitions import Partition, Source
from classifier.encoders.session import Encoder
from classifier.encoders.store import Installed
from classifier.errors import DataRefused
from classifier.training.embedded import EmbeddedFolder, Origin
from classifier.training.engines import EmbedJobs, Job


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a run did: partitions and rows of the folder, and how many of them it made."""

    partitions: int
    rows: int
    new_partitions: int
    new_rows: int


def embed(
    data: Path,
    source: Source,
    out: Path,
    encoder: Installed,
    engine: EmbedJobs,
    advance: Callable[[int, bool], None] = lambda rows, is_new: None,
) -> Embedded:
    """Embed what `out` lacks of `source`, opened from `data`; `advance` is told of rows as their partition is there.

    Raises DataRefused when `out` holds something else or lies in the data.
    """
    if out.resolve().is_relative_to(data.resolve()):
        raise DataRefused(f"{out} is in the data itself: embed into another folder")
    folder = EmbeddedFolder(out, Origin.of(data.resolve().name, source, encoder), encoder.recipe.prefix)

    def missing() -> Iterator[Job]:
        for partition in source.partitions():
            if folder.has(partition):
                advance(len(partition), False)
            else:
                yield _job(partition)

    new_partitions, new_rows = 0, 0
    for job, vectors in engine(missing()):
        folder.write(job, vectors)
        new_partitions, new_rows = new_partitions + 1, new_rows + len(job.words)
        advance(len(job.words), True)
    folder.finish()
    return Embedded(folder.partitions, source.rows, new_partitions, new_rows)


def _job(partition: Partition) -> Job:
    words = partition.words()
    return Job(partition, words, list(dict.fromkeys(text for text in words if text)))


def embed_here(encoder: Encoder, jobs: Iterable[Job]) -> Iterator[tuple[Job, NDArray[np.float32]]]:
    """One job at a time, one thread a core, each with a text of its own: the vectors are those of one thread."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for job in jobs:
            yield job, stacked(pool.map(encoder.embed, job.distinct), encoder.recipe.dimensions)


def stacked(vectors: Iterable[NDArray[np.float32]], dimensions: int) -> NDArray[np.float32]:
    """float32, shape (n, dimensions), also of none."""
    return np.array(list(vectors), dtype=np.float32).reshape(-1, dimensions)
