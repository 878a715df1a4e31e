"""Files of labelled requests: reading and checking them, and how their rows are split."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from classifier.data.alike import numbered
from classifier.data.dates import parse_date
from classifier.data.mapping import CategoryMapping, Mapped, apply
from classifier.data.splits import Shares, Split, SplitBy, split_by_group, split_by_time
from classifier.data.tables import Row, read_rows
from classifier.errors import DataRefused
from classifier.text import clean

__all__ = ["STARTER", "Dataset", "Example", "Shares", "Split", "SplitBy", "read_dataset"]

STARTER = Path(__file__).parents[1] / "starter" / "requests.csv"

LEAST_ROWS_PER_CATEGORY = 10
"""With fewer, shares of a tenth leave nothing to calibrate or measure on."""

DATE_COLUMNS = ("date", "created_at")
"""The first of these that a file has says when a row was written: ISO 8601, UTC unless it names another zone."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled request. `text` as written, `words` cleaned; `language` is None when the file does not say.

    `group`: examples of one file that are alike (`alike.numbered`) have the same number.
    """

    text: str
    category: str
    language: str | None
    split: Split
    group: int
    words: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """The usable rows of one file, in its order, and what is not here.

    `unlabelled`: rows without a text or a category. `undated`: rows without a date, where rows are split by it.
    `brings_split`: the file says itself how its rows are split.
    `mapping`: what its categories are the groups of; `unmapped`: rows of each raw category that it has no group for, where
    those are to be left out.
    """

    name: str
    examples: tuple[Example, ...]
    unlabelled: int = 0
    undated: int = 0
    brings_split: bool = False
    mapping: CategoryMapping | None = None
    unmapped: Mapping[str, int] = field(default_factory=dict)

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
        """Rows that are alike an earlier one."""
        return len(self.examples) - len({example.group for example in self.examples})

    @property
    def leaks(self) -> int:
        """Calibration and test rows that are alike a fit row; 0 unless the file brings its own split."""
        fitted = {example.group for example in self.examples if example.split is Split.FIT}
        return sum(e.group in fitted and e.split is not Split.FIT for e in self.examples)

    def of(self, split: Split) -> tuple[Example, ...]:
        return tuple(example for example in self.examples if example.split is split)

    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(example.category for example in self.examples).items()))


def _hash(rows: Sequence[tuple[str | None, ...]]) -> str:
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def read_dataset(
    path: Path,
    *,
    text_column: str = "text",
    category_column: str = "category",
    seed: int = 0,
    shares: Shares | None = None,
    split_by: SplitBy = SplitBy.AUTO,
    mapping: CategoryMapping | None = None,
    leave_out_unmapped: bool = False,
    to_learn: bool = True,
) -> Dataset:
    """Read labelled requests, with `mapping` as requests of its groups. A `split` column is followed where `split_by` is AUTO;
    without, `shares` are held out, by default those for so many rows.

    Raises DataRefused for what `read_rows` and `apply` refuse, an unknown split, a date that is none, too few rows or
    categories, or a split that leaves nothing to learn a category from. Without `to_learn` rows are only measured: then one
    is enough, and a split that leaves out a category or a whole part is taken as it is.
    """
    found = read_rows(path, (text_column, category_column))
    labelled = [row for row in found if row[text_column].strip() and row[category_column].strip()]
    mapped = Mapped(labelled, {})
    if mapping:
        mapped = apply(labelled, mapping, column=category_column, leave_out_unmapped=leave_out_unmapped)
    rows, dates = mapped.rows, None
    if split_by is SplitBy.TIME:
        rows, dates = _dated(mapped.rows, found[0], path)
    texts, categories = [row[text_column] for row in rows], [row[category_column].strip() for row in rows]
    own = [_split(row["split"], path) for row in rows if "split" in row] if split_by is SplitBy.AUTO else []
    if to_learn:
        _refuse_few(categories, _named((row[category_column].strip() for row in found), mapping), path)
    elif not rows:
        raise DataRefused(f"{path} has no row with a text and a category")
    words = [clean(text) for text in texts]
    groups = numbered(words)
    shares = shares or Shares.for_rows(len(rows))
    splits = own or _computed(texts, categories, groups, dates, shares, seed, path)
    if to_learn and not own:
        _refuse_useless(splits, categories, split_by, path)
    languages = [row.get("language") or None for row in rows]
    return Dataset(
        name=path.name,
        examples=tuple(map(Example, texts, categories, languages, splits, groups, words)),
        unlabelled=len(found) - len(labelled),
        undated=len(mapped.rows) - len(rows),
        brings_split=bool(own),
        mapping=mapping,
        unmapped=mapped.left_out,
    )


def _dated(rows: Sequence[Row], columns: Iterable[str], path: Path) -> tuple[list[Row], list[datetime]]:
    """The rows that have a date, and their dates."""
    column = next((column for column in DATE_COLUMNS if column in columns), None)
    if column is None:
        raise DataRefused(f"{path} has no column {' or '.join(DATE_COLUMNS)} to split by time")
    dated = [row for row in rows if row[column].strip()]
    dates = []
    for row in dated:
        try:
            dates.append(parse_date(row[column]))
        except ValueError:
            wanted = "2026-01-31 or 2026-01-31T09:30:00Z"
            raise DataRefused(f"{path}: {row[column]!r} in {column} is no date such as {wanted}") from None
    return dated, dates


def _split(value: str, path: Path) -> Split:
    try:
        return Split(value)
    except ValueError:
        raise DataRefused(f"{path}: split must be fit, calibration or test, not {value!r}") from None


def _named(categories: Iterable[str], mapping: CategoryMapping | None) -> set[str]:
    """The categories, or groups of the mapping, that the file names, be it on rows without a text."""
    found = set(categories) - {""}
    return {mapping.group_of[raw] for raw in found & mapping.group_of.keys()} if mapping else found


def _refuse_few(categories: Sequence[str], named: AbstractSet[str], path: Path) -> None:
    """Raises DataRefused for categories with too few rows, also for those `named` on rows without a text alone."""
    counts = Counter(categories)
    few = sorted(name for name in counts.keys() | named if counts[name] < LEAST_ROWS_PER_CATEGORY)
    if few:
        raise DataRefused(f"{path}: fewer than {LEAST_ROWS_PER_CATEGORY} rows for {', '.join(few)}")
    if len(counts) < 2:
        raise DataRefused(f"{path} needs at least two categories")


def _computed(
    texts: Sequence[str],
    categories: Sequence[str],
    groups: Sequence[int],
    dates: Sequence[datetime] | None,
    shares: Shares,
    seed: int,
    path: Path,
) -> list[Split]:
    """Splits by time where there are dates, else by group; raises DataRefused where all rows have one date."""
    if dates is None:
        return split_by_group(texts, categories, groups, shares, seed)
    if len(set(dates)) == 1:
        raise DataRefused(f"{path}: all rows have one date, so they cannot be split by time")
    return split_by_time(texts, dates, groups, shares, seed)


def _refuse_useless(
    splits: Sequence[Split], categories: Sequence[str], split_by: SplitBy, path: Path
) -> None:
    """Raises DataRefused for computed splits that leave nothing to learn a category from, or nothing to measure on."""
    if missing := [split for split in Split if split not in splits]:
        raise DataRefused(f"{path}: too many rows are alike: none is left for {' and '.join(missing)}")
    learned = {category for category, split in zip(categories, splits, strict=True) if split is Split.FIT}
    if unlearned := sorted(set(categories) - learned):
        ways = "split by time" if split_by is SplitBy.TIME else "split by group"
        raise DataRefused(f"{path}: {ways}, no row is left to learn {', '.join(unlearned)} from")
