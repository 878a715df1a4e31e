"""Files of requests: reading, checking, and the split that training, calibration and the honest figures share."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from random import Random

from classifier.data.tables import read_rows
from classifier.errors import DataRefused
from classifier.text import clean, word_set

STARTER = Path(__file__).parents[1] / "starter" / "requests.csv"

LEAST_ROWS_PER_CATEGORY = 10
"""Five splits of two: under that, neither calibration nor test says anything."""


class Split(StrEnum):
    """What a row is used for: 60 % fit, 20 % calibration, 20 % test."""

    FIT = "fit"
    CALIBRATION = "calibration"
    TEST = "test"


_SHARES = {Split.FIT: 0.6, Split.CALIBRATION: 0.2, Split.TEST: 0.2}


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled request. `text` as written; `language` is None when the file does not say."""

    text: str
    category: str
    language: str | None
    split: Split


@dataclass(frozen=True, slots=True)
class Dataset:
    """The usable rows of one file, in its order. `unlabelled`: rows without a text or a category, which are not here."""

    name: str
    examples: tuple[Example, ...]
    unlabelled: int = 0

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all that is read of the rows, their order included: the same one trains the same model."""
        return _hash([(e.text, e.category, e.language, e.split.value) for e in self.examples])

    @property
    def rows_sha256(self) -> str:
        """SHA-256 over texts and categories in any order: which rows, however they are split."""
        return _hash(sorted((e.text, e.category) for e in self.examples))

    @property
    def split_sha256(self) -> str:
        """SHA-256 over texts and splits in any order: which rows are held out."""
        return _hash(sorted((e.text, e.split.value) for e in self.examples))

    @property
    def twins(self) -> int:
        """Rows that say the same as an earlier one."""
        return len(self.examples) - len(set(self._said()))

    @property
    def leaks(self) -> int:
        """Calibration and test rows that say the same as a fit row; 0 unless the file brings its own split."""
        rows = list(zip(self._said(), self.examples, strict=True))
        fitted = {number for number, example in rows if example.split is Split.FIT}
        return sum(number in fitted and example.split is not Split.FIT for number, example in rows)

    def _said(self) -> list[int]:
        return numbered(clean(example.text) for example in self.examples)

    def of(self, split: Split) -> tuple[Example, ...]:
        return tuple(example for example in self.examples if example.split is split)

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(example.category for example in self.examples).items()))


def _hash(rows: Sequence[tuple[str | None, ...]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def numbered(texts: Iterable[str]) -> list[int]:
    """A number for each cleaned text; texts that say the same (the same set of words) have the same number."""
    numbers: dict[frozenset[str], int] = {}
    return [numbers.setdefault(word_set(text), len(numbers)) for text in texts]


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
    return Dataset(path.name, tuple(examples), len(rows) - len(examples))


def _split(value: str, path: Path) -> Split:
    try:
        return Split(value)
    except ValueError:
        raise DataRefused(f"{path}: split must be fit, calibration or test, not {value!r}") from None


def stratified(examples: Sequence[Example], seed: int) -> list[Example]:
    """The same rows with splits in the shares 3:1:1 within each category, the same for the same seed.

    Rows that say the same go into one split together, counted for the category of the first: otherwise the test rows
    would hold what the fit rows taught.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(numbered(clean(e.text) for e in examples)):
        groups[number].append(place)
    by_category: dict[str, list[list[int]]] = defaultdict(list)
    for places in groups.values():
        by_category[examples[places[0]].category].append(places)
    random = Random(seed)
    splits: dict[int, Split] = {}
    for category in sorted(by_category):
        random.shuffle(by_category[category])
        filled = dict.fromkeys(Split, 0)
        for places in by_category[category]:
            split = _emptiest(filled, len(places))
            filled[split] += len(places)
            splits |= dict.fromkeys(places, split)
    return [replace(example, split=splits[place]) for place, example in enumerate(examples)]


def _emptiest(filled: dict[Split, int], coming: int) -> Split:
    """The split that would be farthest below its share once `coming` more rows are in."""
    total = sum(filled.values()) + coming
    return max(Split, key=lambda split: _SHARES[split] * total - filled[split])
