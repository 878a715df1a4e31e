"""A folder of embeddings, made partition by partition: `part-<place>-<hash>.parquet` and manifest.json.

Each file holds the kept columns of its rows, the hash of what the encoder was given, and the embedding as a fixed-size list
of float32; the last two are null where a text is empty. A file is written under another name and renamed, so what is there
is whole. Its hash is that of the partition's content and the encoder: a run that was cut short, or over data that has grown,
goes on with what is missing.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from classifier.data.partitions import Partition, Source
from classifier.encoders.store import Installed
from classifier.errors import DataRefused
from classifier.training.embedding_cache import text_key
from classifier.training.engines import Job

MANIFEST = "manifest.json"
EMBEDDING, TEXT_HASH = "embedding", "text_sha256"
_PART = re.compile(r"part-\d{6,}-[0-9a-f]{32}\.parquet(\.partial)?")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a folder is made of; a run goes on only with what it was begun with. `data` is a name, not a path."""

    data: str
    text_column: str
    key_columns: tuple[str, ...]
    rows_each: int
    encoder: str
    revision: str
    fingerprint: str
    dimensions: int

    @staticmethod
    def of(data: str, source: Source, encoder: Installed) -> "Origin":
        return Origin(
            data=data,
            text_column=source.text_column,
            key_columns=source.key_columns,
            rows_each=source.rows_each,
            encoder=encoder.recipe.name,
            revision=encoder.recipe.revision,
            fingerprint=encoder.fingerprint,
            dimensions=encoder.recipe.dimensions,
        )


class EmbeddedFolder:
    """The folder while it is filled, by one writer at a time."""

    def __init__(self, folder: Path, origin: Origin, prefix: str) -> None:
        """`prefix` is the recipe's. Raises DataRefused when the folder was begun with another origin."""
        if reserved := {EMBEDDING, TEXT_HASH} & set(origin.key_columns):
            raise DataRefused(
                f"column {reserved.pop()} would be there twice; name the others with --key-column"
            )
        self._folder, self._origin, self._prefix = folder, origin, prefix
        folder.mkdir(parents=True, exist_ok=True)
        self._present = {path.name for path in folder.iterdir() if _PART.fullmatch(path.name)}
        self._rows: dict[str, int] = {}
        if self._present:
            _check_same(folder, origin)
        self._note(complete=False)

    @property
    def partitions(self) -> int:
        """How many of this run's are there."""
        return len(self._rows)

    def has(self, partition: Partition) -> bool:
        """Whether this partition is there, whole; where it stood elsewhere in the data its file is renamed."""
        name = self._name(partition)
        if name not in self._present and not self._moved(name):
            return False
        if _row_count(self._folder / name) != len(partition):
            return False
        self._rows[name] = len(partition)
        return True

    def _moved(self, name: str) -> bool:
        content = name.partition("-")[2].partition("-")[2]
        others = (other for other in self._present if other.endswith(content) and other not in self._rows)
        if (other := next(others, None)) is None:
            return False
        (self._folder / other).rename(self._folder / name)
        self._present ^= {other, name}
        return True

    def write(self, job: Job, vectors: NDArray[np.float32]) -> None:
        """`vectors` (n_distinct, dimensions) of the job's distinct texts."""
        name = self._name(job.partition)
        partial = self._folder / f"{name}.partial"
        # No two numbers of an embedding are the same: a dictionary of them would be half as big again.
        pq.write_table(self._table(job, vectors), partial, use_dictionary=list(self._origin.key_columns))
        partial.replace(self._folder / name)
        self._rows[name] = len(job.words)

    def _table(self, job: Job, vectors: NDArray[np.float32]) -> pa.Table:
        places = {text: place for place, text in enumerate(job.distinct)}
        is_empty = np.array([not text for text in job.words])
        rows = np.zeros((len(job.words), self._origin.dimensions), dtype=np.float32)
        rows[~is_empty] = vectors[[places[text] for text in job.words if text]]
        embeddings = pa.FixedSizeListArray.from_arrays(
            pa.array(rows.reshape(-1)), self._origin.dimensions, mask=pa.array(is_empty)
        )
        hashes = pa.array(
            [text_key(self._prefix, text) if text else None for text in job.words], pa.binary(32)
        )
        keys = pa.Table.from_batches([job.partition.keys])
        return keys.append_column(TEXT_HASH, hashes).append_column(EMBEDDING, embeddings)

    def finish(self) -> None:
        """Say in the manifest that all is there, and take away partitions that the data no longer holds."""
        for path in self._folder.iterdir():
            if _PART.fullmatch(path.name) and path.name not in self._rows:
                path.unlink()
        self._note(complete=True)

    def _name(self, partition: Partition) -> str:
        key = hashlib.sha256(f"{partition.content} {self._origin.fingerprint}".encode()).hexdigest()
        return f"part-{partition.place:06d}-{key[:32]}.parquet"

    def _note(self, *, complete: bool) -> None:
        counts = {"rows": sum(self._rows.values()), "partitions": self.partitions} if complete else {}
        noted = asdict(self._origin) | {"complete": complete} | counts
        partial = self._folder / f"{MANIFEST}.partial"
        partial.write_text(json.dumps(noted, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(self._folder / MANIFEST)


def look_up(folder: Path, encoder: Installed, texts: Iterable[str]) -> dict[bytes, NDArray[np.float32]]:
    """Embeddings (dimensions,) of those cleaned texts that are in the folder, by their `text_key`.

    Raises DataRefused when there are none, or another encoder made them.
    """
    noted, recipe = _manifest(folder), encoder.recipe
    if noted.get("fingerprint") != encoder.fingerprint:
        raise DataRefused(
            f"the embeddings in {folder} are by {noted.get('encoder')} ({str(noted.get('fingerprint'))[:12]}), not by "
            f"{recipe.name} ({encoder.fingerprint[:12]}): embed again, or name the encoder with --encoder"
        )
    wanted = {text_key(recipe.prefix, text) for text in texts}
    found = {}
    for path in sorted(
        path for path in folder.iterdir() if _PART.fullmatch(path.name) and path.suffix == ".parquet"
    ):
        for key, row in _stored(path):
            if key in wanted:
                found[key] = row.copy()  # a view would keep the whole batch
    return found


def _stored(path: Path) -> Iterator[tuple[bytes, NDArray[np.float32]]]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[TEXT_HASH, EMBEDDING]):
                full = batch.filter(pc.is_valid(batch.column(TEXT_HASH)))
                rows = full.column(EMBEDDING).flatten().to_numpy().reshape(full.num_rows, -1)
                yield from zip(full.column(TEXT_HASH).to_pylist(), rows, strict=True)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DataRefused(f"{path} is damaged: delete it and embed again") from error


def _row_count(path: Path) -> int | None:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError):
        return None  # half of it was lost with the power: it is made again


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise DataRefused(f"there are no embeddings in {folder}; run: python -m classifier embed") from None
    except (OSError, ValueError, TypeError) as error:
        raise DataRefused(f"{folder / MANIFEST} cannot be read: {error}") from error


def _check_same(folder: Path, origin: Origin) -> None:
    noted = _manifest(folder)
    for name, wanted in json.loads(json.dumps(asdict(origin))).items():
        if noted.get(name) != wanted:
            raise DataRefused(
                f"{folder} was begun with {name.replace('_', ' ')} {noted.get(name)}, not {wanted}: embed into another folder"
            )
