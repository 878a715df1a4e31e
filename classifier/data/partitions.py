"""Files of any size as partitions: so many rows at a time, never a whole Parquet file in memory.

A partition is known by its content, so that work on it is found again whatever the file is called and wherever the
partition stands in it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.data.tables import Format, as_text, format_of, read_rows
from classifier.errors import DataRefused
from classifier.text import clean

if TYPE_CHECKING:
    import pyarrow as pa

_READ_BYTES = 1 << 20
"""Of a column at once: without it, all of a column in a row group is read, and a file may be one row group."""


@dataclass(frozen=True, slots=True)
class Partition:
    """Rows that follow each other in one file.

    `place` counts partitions from 0 over all files; `keys` are the columns kept; `content` is the SHA-256 of keys and texts.
    """

    place: int
    keys: "pa.RecordBatch"
    texts: "pa.Array"
    content: str

    def __len__(self) -> int:
        return len(self.texts)

    def words(self) -> list[str]:
        """The cleaned text of each row; raises DataRefused for bytes that are no text."""
        try:
            return [clean(as_text(cell)) for cell in self.texts.to_pylist()]
        except UnicodeDecodeError as error:
            raise DataRefused(f"partition {self.place} holds text that is not UTF-8") from error


@dataclass(frozen=True, slots=True)
class Source:
    """Files to read, with the column that holds the message and those kept beside it. `rows` counts them all."""

    tables: tuple["_ParquetFile | _InMemory", ...]
    text_column: str
    key_columns: tuple[str, ...]
    rows_each: int

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    def partitions(self) -> Iterator[Partition]:
        """Every file begins a partition anew. Raises DataRefused where a file is damaged."""
        places = count()
        for table in self.tables:
            for batch in table.batches([self.text_column, *self.key_columns], self.rows_each):
                batch = batch.select([self.text_column, *self.key_columns])
                keys, texts = batch.select(self.key_columns), batch.column(0)
                yield Partition(next(places), keys, texts, _sha256(batch))


def open_source(data: Path, text_column: str, key_columns: Sequence[str] | None, rows_each: int) -> Source:
    """A file, or all Parquet files of a folder in the order of their names; None for all columns but the text.

    Parquet is read as it is asked for; a CSV or JSONL file is read whole. Raises DataRefused when there is no file, no such
    column, or no row.
    """
    paths = (
        [data]
        if not data.is_dir()
        else sorted(path for path in data.rglob("*.parquet") if _is_shown(path, data))
    )
    if not paths:
        raise DataRefused(f"there is no .parquet file in {data}")
    tables = tuple(_open(path) for path in paths)
    keys = tuple(tables[0].columns if key_columns is None else dict.fromkeys(key_columns))
    keys = tuple(column for column in keys if column != text_column)
    for path, table in zip(paths, tables, strict=True):
        if missing := [column for column in (text_column, *keys) if column not in table.columns]:
            found = ", ".join(table.columns)
            raise DataRefused(f"{path} has no column {' or '.join(missing)} (columns: {found})")
    source = Source(tables, text_column, keys, rows_each)
    if not source.rows:
        raise DataRefused(f"{data} holds no rows")
    return source


def _is_shown(path: Path, folder: Path) -> bool:
    """Whether no part of the path begins as names of files in the making do (Spark's convention)."""
    return not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)


@dataclass(frozen=True, slots=True)
class _ParquetFile:
    """A Parquet file of which only the footer was read."""

    path: Path
    columns: tuple[str, ...]
    rows: int

    def batches(self, columns: Sequence[str], rows_each: int) -> Iterator["pa.RecordBatch"]:
        import pyarrow as pa  # noqa: PLC0415  (imports slowly)
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            with pq.ParquetFile(self.path, buffer_size=_READ_BYTES) as file:
                yield from file.iter_batches(rows_each, columns=list(columns))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(self.path, error) from error


@dataclass(frozen=True, slots=True)
class _InMemory:
    """The rows of a format that cannot be read in part."""

    table: "pa.Table"

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    def batches(self, columns: Sequence[str], rows_each: int) -> Iterator["pa.RecordBatch"]:
        yield from self.table.select(list(columns)).to_batches(rows_each)


def _open(path: Path) -> _ParquetFile | _InMemory:
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    if format_of(path) is not Format.PARQUET:
        return _InMemory(pa.Table.from_pylist(read_rows(path, ())))
    try:
        with pq.ParquetFile(path) as file:
            return _ParquetFile(path, tuple(file.schema_arrow.names), file.metadata.num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> DataRefused:
    return DataRefused(f"{path} is not a whole Parquet file: {str(error).partition(chr(10))[0]}")


def _sha256(batch: "pa.RecordBatch") -> str:
    """Of what the batch holds, by Arrow's own serialisation; what a file's writer noted about its columns is left out."""
    import pyarrow as pa  # noqa: PLC0415

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema.remove_metadata()) as stream:
        stream.write_batch(batch.replace_schema_metadata(None))
    return hashlib.sha256(sink.getvalue()).hexdigest()
