"""Files with one row a message, as rows of text."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterable
from pathlib import Path

from classifier.errors import DataRefused


def read_bytes(path: Path) -> bytes:
    """A file's bytes, decompressed if it ends in .gz; raises DataRefused."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataRefused(f"{path} cannot be read: {error}") from error


def read_rows(path: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a CSV or CSV.gz as dictionaries; raises DataRefused when a needed column is not there."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataRefused(f"{path} is not UTF-8") from error
    csv.field_size_limit(10_000_000)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        found = ", ".join(reader.fieldnames or ()) or "none"
        raise DataRefused(f"{path} has no column {' or '.join(missing)} (columns: {found})")
    try:
        return [{key: value or "" for key, value in row.items() if key is not None} for row in reader]
    except csv.Error as error:
        raise DataRefused(f"{path} is not a CSV file: {error}") from error
