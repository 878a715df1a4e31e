"""Which rows are learned from and which are kept to choose thresholds and to measure: the split that everything shares.

Rows that are alike (`alike.numbered`) are one group and go into one split together: otherwise the test rows would hold
what the fit rows taught. Both ways of splitting look at nothing but the rows, so the order of a file does not matter.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from classifier.errors import DataRefused


class Split(StrEnum):
    """What a row is used for: to learn from, to choose temperature and thresholds on, to measure on."""

    FIT = "fit"
    CALIBRATION = "calibration"
    TEST = "test"


class SplitBy(StrEnum):
    """How rows are split. `AUTO`: as the file's own `split` column says, by group if it has none."""

    AUTO = "auto"
    GROUP = "group"
    TIME = "time"


_TO_PROVE, _LEAST_TO_PROVE = 500, 100


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares of all rows in (0, 1) that are held out; the rest, which must be at least half, is learned from.

    Raises DataRefused for others.
    """

    calibration: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        if not (self.calibration > 0 and self.test > 0 and self.calibration + self.test <= 0.5):
            raise DataRefused(
                f"shares of {self.calibration:g} for calibration and {self.test:g} for test: both must be above 0, and "
                "half of the rows must be left to learn from"
            )

    @staticmethod
    def for_rows(count: int) -> "Shares":
        """What is held out of a file of `count` rows: a tenth to measure on, and a tenth to calibrate on.

        Of few rows up to three tenths calibrate, for 500 of them prove a promise that 50 cannot, and all are learned from in
        the end; but not where even those could prove nothing.
        """
        share = min(max(_TO_PROVE / max(count, 1), 0.1), 0.3)
        return Shares(calibration=share if share * count >= _LEAST_TO_PROVE else 0.1, test=0.1)

    def of(self, split: Split) -> float:
        held_out = {Split.CALIBRATION: self.calibration, Split.TEST: self.test}
        return held_out.get(split, 1.0 - self.calibration - self.test)


@dataclass(frozen=True, slots=True)
class _Group:
    """Rows that are alike, by their places; `key` is theirs in whatever order they come."""

    key: bytes
    places: list[int]


def split_by_group(
    texts: Sequence[str], categories: Sequence[str], groups: Sequence[int], shares: Shares, seed: int
) -> list[Split]:
    """A split for each row: groups in an order given by `seed` fill up the shares within each category.

    A group counts for the category that most of its rows have, the first in the alphabet among equals.
    """
    by_category: dict[str, list[_Group]] = defaultdict(list)
    for group in _gathered(texts, groups, seed):
        counts = Counter(categories[place] for place in group.places)
        by_category[min(counts, key=lambda name: (-counts[name], name))].append(group)
    splits = [Split.FIT] * len(texts)
    for members in by_category.values():
        filled = dict.fromkeys(Split, 0)
        for group in sorted(members, key=lambda group: group.key):
            split = _emptiest(filled, len(group.places), shares)
            filled[split] += len(group.places)
            for place in group.places:
                splits[place] = split
    return splits


def _emptiest(filled: dict[Split, int], coming: int, shares: Shares) -> Split:
    """The split that would be farthest below its share once `coming` more rows are in."""
    total = sum(filled.values()) + coming
    return max(Split, key=lambda split: shares.of(split) * total - filled[split])


def split_by_time(
    texts: Sequence[str], dates: Sequence[datetime], groups: Sequence[int], shares: Shares, seed: int
) -> list[Split]:
    """A split for each row: the newest groups are for test, those before them for calibration.

    A group is as old as its first row: what keeps coming back was known before, and is learned from. So no held-out row is
    older than the moment the rows to learn from end at, and later ones are learned from only if they repeat earlier ones.
    `seed` decides among groups of one date.
    """
    newest = sorted(
        _gathered(texts, groups, seed),
        key=lambda group: (min(dates[place] for place in group.places), group.key),
        reverse=True,
    )
    splits = [Split.FIT] * len(texts)
    filled = dict.fromkeys(Split, 0)
    for group in newest:
        split = next(
            (s for s in (Split.TEST, Split.CALIBRATION) if filled[s] < shares.of(s) * len(texts)), Split.FIT
        )
        filled[split] += len(group.places)
        for place in group.places:
            splits[place] = split
    return splits


def _gathered(texts: Sequence[str], groups: Sequence[int], seed: int) -> list[_Group]:
    places: dict[int, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        places[group].append(place)
    return [
        _Group(_key(min(texts[place] for place in members), seed), members) for members in places.values()
    ]


def _key(text: str, seed: int) -> bytes:
    """As good as random, and the same for the same text and seed on every machine."""
    return hashlib.blake2b(f"{seed}\0{text}".encode("utf-8", "replace"), digest_size=16).digest()
