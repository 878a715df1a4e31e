"""Files with one row a message, as rows of text: CSV, JSON lines and Parquet, told apart by how their names end."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from classifier.errors import DataRefused

Row = dict[str, str]


class Format(StrEnum):
    """What a file holds. The first two may be compressed (.gz); Parquet compresses itself."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


def format_of(path: Path) -> Format:
    """The format a name stands for; raises DataRefused for any other ending."""
    name = path.name.lower()
    if name.endswith(".parquet"):
        return Format.PARQUET
    plain = name.removesuffix(".gz")
    if plain.endswith(".csv"):
        return Format.CSV
    if plain.endswith((".jsonl", ".ndjson")):
        return Format.JSON_LINES
    raise DataRefused(f"{path} ends neither in .csv, .jsonl (or .gz of them) nor in .parquet")


def read_rows(path: Path, needed: Iterable[str]) -> list[Row]:
    """All rows, each a dictionary from column to text; at least one row, and every needed column is in each.

    What is missing in a cell (nothing, null, NaN) is the empty text. Raises DataRefused in one line for whatever else is
    wrong: no such column, another encoding, a line that is not JSON, a damaged file, no rows.
    """
    kind = format_of(path)
    if kind is Format.CSV:
        columns, rows = _read_csv(path)
    elif kind is Format.JSON_LINES:
        columns, rows = _read_json_lines(path)
    else:
        columns, rows = _read_parquet(path)
    missing = [column for column in needed if column not in columns]
    if missing:
        found = ", ".join(columns) or "none"
        raise DataRefused(f"{path} has no column {' or '.join(missing)} (columns: {found})")
    if not rows:
        raise DataRefused(f"{path} holds no rows")
    return rows


def _read_csv(path: Path) -> tuple[list[str], list[Row]]:
    csv.field_size_limit(10_000_000)
    reader = csv.DictReader(io.StringIO(_read_text(path), newline=""), restval="")
    try:
        columns = list(reader.fieldnames or ())
        rows = []
        for row in reader:
            # A comma outside quotes moves every later cell under a wrong column: no row of such a file is to be trusted.
            if any(surplus := row.pop(None, ())):
                raise DataRefused(
                    f"{path}, line {reader.line_num}: {len(columns) + len(surplus)} cells under {len(columns)} columns; "
                    "cells that hold a comma must be quoted"
                )
            rows.append({column: as_text(cell) for column, cell in row.items()})
    except csv.Error as error:
        raise DataRefused(f"{path} is not a CSV file: {error}") from error
    return columns, rows


def _read_json_lines(path: Path) -> tuple[list[str], list[Row]]:
    objects = [content for _, content in read_objects(path)]
    columns = list(dict.fromkeys(name for content in objects for name in content))
    return columns, [{column: as_text(content.get(column)) for column in columns} for content in objects]


def _read_parquet(path: Path) -> tuple[list[str], list[Row]]:
    import pyarrow as pa  # noqa: PLC0415  (imports slowly, and most files are CSV)
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(io.BytesIO(read_bytes(path)))
        # Python has no nanoseconds: without pandas, pyarrow refuses to turn them into its values.
        for place, field in enumerate(table.schema):
            if pa.types.is_timestamp(field.type):
                coarse = table.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
                table = table.set_column(place, field.name, coarse)
        rows = [{column: as_text(cell) for column, cell in row.items()} for row in table.to_pylist()]
    except UnicodeDecodeError as error:
        raise DataRefused(f"{path} holds text that is not UTF-8") from error
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataRefused(f"{path} is not a whole Parquet file: {reason}") from error
    return list(table.column_names), rows


def read_objects(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a file of JSON lines, each with its line number; raises DataRefused naming the line.

    Only "\\n" ends a line: JSON may hold the other line breaks that Unicode knows as they are.
    """
    objects = []
    for number, line in enumerate(_read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            raise DataRefused(f"{path}, line {number}: not JSON") from None
        if not isinstance(content, dict):
            raise DataRefused(f"{path}, line {number}: not an object with named fields")
        objects.append((number, content))
    return objects


def read_bytes(path: Path) -> bytes:
    """A file's bytes, decompressed if it ends in .gz; raises DataRefused, also when there are none."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.name.lower().endswith(".gz") else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error
    if not content:
        raise DataRefused(f"{path} is empty")
    return content


def _read_text(path: Path) -> str:
    content = read_bytes(path)
    # UTF-16 without its mark is read as UTF-8 with a zero beside each letter: no column would have its name.
    if b"\0" in content.partition(b"\n")[0]:
        raise DataRefused(f"{path}, line 1: not UTF-8; save the file in that encoding")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataRefused(f"{path}, line {line}: not UTF-8; save the file in that encoding") from error


def as_text(cell: object) -> str:
    """A cell as text: "" for null and NaN (also spelt out, as spreadsheets and data frames leave it).

    Whole numbers lose their point (a column with gaps comes as 3.0), dates are ISO 8601, lists and objects are JSON.
    """
    if isinstance(cell, str):
        # Half a surrogate pair, which JSON may hold, cannot be written to a file again.
        text = cell if cell.isascii() else cell.encode("utf-8", "replace").decode("utf-8")
        return "" if text.strip().casefold() == "nan" else text
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, bytes):
        return as_text(cell.decode("utf-8"))
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, (dict, list)):
        return json.dumps(cell, ensure_ascii=False, default=str)
    return str(cell)


def write_rows(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write these columns of rows in the format of the name, whole or not at all; raises DataRefused where it cannot."""
    content = {Format.CSV: _as_csv, Format.JSON_LINES: _as_json_lines, Format.PARQUET: _as_parquet}[
        format_of(path)
    ](columns, rows)
    if path.name.lower().endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError as error:
        raise DataRefused(f"{path} cannot be written: {error}") from error


def _as_csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _as_json_lines(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    lines = (
        json.dumps({column: row[column] for column in columns}, ensure_ascii=False) + "\n" for row in rows
    )
    return "".join(lines).encode("utf-8")


def _as_parquet(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  (imports slowly)
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema([(column, pa.string()) for column in columns])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), out)
    return out.getvalue()
