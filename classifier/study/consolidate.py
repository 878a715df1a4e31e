"""From hundreds of raw categories to a few: a proposal by meaning, confusion and volume, with its price at every step.

The sample is halved: one half says what to merge, the other measures what it does, so that the figures do not flatter.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.errors import DataRefused
from classifier.study.confusion import CrossValidated, Told, cross_validate
from classifier.study.merging import Merge, grouped, merges

SAMPLE = 60
"""Texts of each raw category that are embedded; its volume counts in full."""


class Reason(StrEnum):
    """Why a raw category is in no group."""

    NO_WORDS = "no_words"
    TOO_FEW = "too_few"
    NEAR_NONE = "near_none"

    @property
    def in_words(self) -> str:
        return _IN_WORDS[self]


_IN_WORDS = {
    Reason.NO_WORDS: "no row has words",
    Reason.TOO_FEW: "too few rows to say",
    Reason.NEAR_NONE: "near no group",
}


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A raw category that is left to a person; `nearest`: the group nearest in meaning, None without words."""

    name: str
    rows: int
    reason: Reason
    nearest: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One merge, down to `groups` groups, which are named by their largest raw category.

    `rows` of both. `confused`: share of their rows that vote for the other one. `told` after it, and what it `gained` in
    accuracy. `detail`: share of all detail that it loses, `detail_lost` with those before. `largest`: share of rows in the
    largest group.
    """

    groups: int
    kept: str
    joined: str
    rows: int
    confused: float
    told: Told
    gained: float
    detail: float
    detail_lost: float
    largest: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """`groups`: name of a group (its largest raw category) -> raw categories, largest first; the largest group first.

    `volumes`: rows of every raw category. `examples`: its most typical text, cleaned. `raw` and `grouped`: what the vote
    tells before and after; the latter without what is `unmapped`. `measured`: rows that these figures are of.
    """

    groups: dict[str, tuple[str, ...]]
    unmapped: tuple[Unmapped, ...]
    volumes: dict[str, int]
    examples: dict[str, str]
    steps: tuple[Step, ...]
    raw: Told
    grouped: Told
    measured: int

    @property
    def kept(self) -> int:
        """Rows whose raw category is in a group."""
        return sum(self.volumes[raw] for members in self.groups.values() for raw in members)

    def as_dict(self) -> dict[str, Any]:
        rows = sum(self.volumes.values())
        return {
            "groups": {name: list(members) for name, members in self.groups.items()},
            "unmapped": [asdict(one) for one in self.unmapped],
            "volumes": self.volumes,
            "rows": rows,
            "kept": self.kept,
            "coverage": self.kept / rows,
            "measured_rows": self.measured,
            "raw": asdict(self.raw),
            "grouped": asdict(self.grouped),
            "steps": [asdict(step) for step in self.steps],
        }


def sample(categories: Sequence[str], each: int, seed: int) -> list[int]:
    """Places of at most `each` rows of every category, in the order of the rows."""
    random = np.random.default_rng(seed)
    by_category: dict[str, list[int]] = {}
    for place, category in enumerate(categories):
        by_category.setdefault(category, []).append(place)
    chosen = (
        places if len(places) <= each else random.choice(places, each, replace=False).tolist()
        for places in by_category.values()
    )
    return sorted(place for places in chosen for place in places)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows with words: cleaned `texts`, their `vectors` (n, d) and raw `categories`; alike ones share a number in `twins`."""

    texts: Sequence[str]
    vectors: NDArray[np.float32]
    categories: Sequence[str]
    twins: Sequence[int]


def propose(rows: Sample, volumes: Counter[str], count: int, least: int, seed: int) -> Proposal:
    """Merge the raw categories that have `least` rows or more in the sample into `count` groups.

    Raises DataRefused when they are not more than `count`.
    """
    seen = Counter(rows.categories)
    names = sorted((name for name in seen if seen[name] >= least), key=lambda name: (-volumes[name], name))
    if len(names) <= count:
        raise DataRefused(
            f"{len(names)} raw categories have {least} rows or more with words, which is not more than {count} groups"
        )
    place_of = {name: place for place, name in enumerate(names)}
    of_rows = np.array([place_of.get(name, -1) for name in rows.categories], dtype=np.int64)
    own = np.flatnonzero(of_rows >= 0)
    study = cross_validate(
        rows.vectors[own],
        of_rows[own],
        np.array([volumes[name] for name in names], float),
        np.array(rows.twins, dtype=np.int64)[own],
        seed,
    )
    merged = merges(study.joint, study.centroids, study.volumes)
    group = study.settled(grouped(len(names), merged[: len(names) - count]))
    groups = {
        names[places[0]]: tuple(names[place] for place in places)
        for places in sorted(
            (np.flatnonzero(group == one) for one in set(group.tolist()) - {-1}),
            key=lambda places: (-study.volumes[places].sum(), names[places[0]]),
        )
    }
    return Proposal(
        groups=groups,
        unmapped=_unmapped(rows, volumes, groups, {names[place] for place in np.flatnonzero(group < 0)}),
        volumes=dict(volumes.most_common()),
        examples=_examples(rows),
        steps=tuple(_steps(study, merged, names)),
        raw=study.told(np.arange(len(names))),
        grouped=study.told(group),
        measured=int(study.is_measured.sum()),
    )


def _unmapped(
    rows: Sample, volumes: Counter[str], groups: dict[str, tuple[str, ...]], strange: set[str]
) -> tuple[Unmapped, ...]:
    """Every raw category that is in no group, largest first."""
    group_of = {raw: name for name, members in groups.items() for raw in members}
    of_rows = np.array([group_of.get(category, "") for category in rows.categories])
    centres = np.stack([rows.vectors[of_rows == name].mean(axis=0) for name in groups])
    categories, found = np.array(rows.categories), []
    for name, count in volumes.most_common():
        own = rows.vectors[categories == name]
        if name not in group_of:
            reason = Reason.NEAR_NONE if name in strange else Reason.TOO_FEW if len(own) else Reason.NO_WORDS
            nearest = list(groups)[int((centres @ own.mean(axis=0)).argmax())] if len(own) else None
            found.append(Unmapped(name, count, reason, nearest))
    return tuple(found)


def _examples(rows: Sample) -> dict[str, str]:
    """The text of each raw category that is nearest to the mean of its own."""
    categories = np.array(rows.categories)
    found = {}
    for name in dict.fromkeys(rows.categories):
        own = np.flatnonzero(categories == name)
        typical = own[int((rows.vectors[own] @ rows.vectors[own].mean(axis=0)).argmax())]
        found[name] = rows.texts[typical]
    return found


def _steps(study: CrossValidated, merged: list[Merge], names: Sequence[str]) -> list[Step]:
    """Every merge with what it does."""
    joint = study.joint * study.volumes[:, None]  # rows of one that vote for the other
    group, before, lost, steps = np.arange(len(names)), study.told(np.arange(len(names))), 0.0, []
    for number, one in enumerate(merged, 1):
        first, second = group == one.kept, group == one.joined
        rows = study.volumes[first | second].sum()
        crossed = joint[np.ix_(first, second)].sum() + joint[np.ix_(second, first)].sum()
        group = np.where(second, one.kept, group)
        told, lost = study.told(group), lost + one.detail
        steps.append(
            Step(
                groups=len(names) - number,
                kept=names[one.kept],
                joined=names[one.joined],
                rows=int(rows),
                confused=float(crossed / rows),
                told=told,
                gained=told.accuracy - before.accuracy,
                detail=one.detail,
                detail_lost=lost,
                largest=float(np.bincount(group, study.volumes).max() / study.volumes.sum()),
            )
        )
        before = told
    return steps
