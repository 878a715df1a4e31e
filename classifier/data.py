"""Files of requests: reading, checking, and the split that training, calibration and the honest figures share."""

import csv
import gzip
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from random import Random

from classifier.errors import DataRefused

STARTER = Path(__file__).parent / "starter" / "requests.csv"

LEAST_ROWS_PER_CATEGORY = 10
"""Five splits of two: under that, neither calibration nor test says anything."""

_CYCLE = ("fit", "calibration", "fit", "test", "fit")


class Split(StrEnum):
    """What a row is used for: 60 % fit, 20 % calibration, 20 % test."""

    FIT = "fit"
    CALIBRATION = "calibration"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled request. `text` as written; `language` is None when the file does not say."""

    text: str
    category: str
    language: str | None
    split: Split


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rows of one file. `fingerprint` is the SHA-256 of its (decompressed) bytes."""

    name: str
    examples: tuple[Example, ...]
    fingerprint: str

    def of(self, split: Split) -> tuple[Example, ...]:
        return tuple(example for example in self.examples if example.split is split)

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(example.category for example in self.examples).items()))


def read_bytes(path: Path) -> bytes:
    """A file's bytes, decompressed if it ends in .gz; raises DataRefused."""
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError) as error:
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


def read_dataset(
    path: Path, *, text_column: str = "text", category_column: str = "category", seed: int = 0
) -> Dataset:
    """Read labelled requests. Without a `split` column rows are split by a seeded, stratified rule.

    Raises DataRefused for a missing column, an unknown split, or a category with too few rows.
    """
    rows = read_rows(path, (text_column, category_column))
    has_split = bool(rows) and "split" in rows[0]
    examples = [
        Example(
            text=row[text_column],
            category=row[category_column].strip(),
            language=row.get("language") or None,
            split=_split(row["split"], path) if has_split else Split.FIT,
        )
        for row in rows
        if row[text_column].strip() and row[category_column].strip()
    ]
    few = [
        name
        for name, count in Counter(e.category for e in examples).items()
        if count < LEAST_ROWS_PER_CATEGORY
    ]
    if few:
        raise DataRefused(f"{path}: fewer than {LEAST_ROWS_PER_CATEGORY} rows for {', '.join(sorted(few))}")
    if len({example.category for example in examples}) < 2:
        raise DataRefused(f"{path} needs at least two categories")
    if not has_split:
        examples = stratified(examples, seed)
    return Dataset(path.name, tuple(examples), hashlib.sha256(read_bytes(path)).hexdigest())


def _split(value: str, path: Path) -> Split:
    try:
        return Split(value)
    except ValueError:
        raise DataRefused(f"{path}: split must be fit, calibration or test, not {value!r}") from None


def stratified(examples: Sequence[Example], seed: int) -> list[Example]:
    """The same rows with splits in the shares 3:1:1 within each category, the same for the same seed."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, example in enumerate(examples):
        groups[example.category].append(place)
    random = Random(seed)
    splits: dict[int, Split] = {}
    for category in sorted(groups):
        places = groups[category]
        random.shuffle(places)
        for turn, place in enumerate(places):
            splits[place] = Split(_CYCLE[turn % len(_CYCLE)])
    return [replace(example, split=splits[place]) for place, example in enumerate(examples)]
