"""A replayed history counted: by threshold, by category, by language and by week. Pure."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from classifier.decision import OUT_OF_SCOPE, DecisionKind, Thresholds, apply_rule
from classifier.evaluation.replay import Replayed
from classifier.evaluation.rules import REPORTED

LISTED = (0.5, 0.6, 0.7, *REPORTED)
"""Top thresholds that a table tells, with the model's own."""

DRAWN = tuple(round(0.30 + 0.02 * step, 2) for step in range(36))
"""Further ones for a chart, .30 to 1."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`n` messages: shown `one` suggestion, `two`, or a `person`.

    Of those whose category the history knows: `nameable` have one that can be shown, all but out of scope; `known_shown` were
    suggested something, and for `right` of them their category was in it; `known_one`, `right_one`: the same of those shown
    one alone.
    """

    name: str
    n: int
    one: int
    two: int
    person: int
    nameable: int
    known_shown: int
    right: int
    known_one: int
    right_one: int

    @property
    def coverage(self) -> float | None:
        """Share of all messages with a nameable category that were shown it; None without any."""
        return self.right / self.nameable if self.nameable else None

    @property
    def precision_when_one(self) -> float | None:
        return self.right_one / self.known_one if self.known_one else None

    @property
    def right_among_shown(self) -> float | None:
        return self.right / self.known_shown if self.known_shown else None

    def as_dict(self) -> dict[str, Any]:
        counts = {name: getattr(self, name) for name in self.__slots__}
        shares = ("coverage", "precision_when_one", "right_among_shown")
        return counts | {name: getattr(self, name) for name in shares}


def tally(name: str, rows: Sequence[Replayed]) -> Tally:
    """Counts over these rows."""
    kinds = [row.decision.kind for row in rows]
    known = [row for row in rows if row.message.category and row.decision.categories]
    alone = [row for row in known if row.decision.kind is DecisionKind.SHOW_ONE]
    return Tally(
        name=name,
        n=len(rows),
        one=kinds.count(DecisionKind.SHOW_ONE),
        two=kinds.count(DecisionKind.SHOW_TWO),
        person=kinds.count(DecisionKind.ABSTAIN),
        nameable=sum(row.message.category not in (None, OUT_OF_SCOPE) for row in rows),
        known_shown=len(known),
        right=sum(row.is_right for row in known),
        known_one=len(alone),
        right_one=sum(row.is_right for row in alone),
    )


def under(row: Replayed, thresholds: Thresholds) -> Replayed:
    """What would have been shown with other thresholds; a message that never reached the model goes to a person all the same."""
    prediction = row.decision.prediction
    if prediction is None:
        return row
    shown = apply_rule(prediction, thresholds)
    decision = replace(
        row.decision,
        kind=shown.kind,
        categories=shown.categories,
        rule=shown.rule,
        abstain_reason=shown.abstain_reason,
    )
    return replace(row, decision=decision)


def by_threshold(rows: Sequence[Replayed], thresholds: Thresholds) -> tuple[Tally, ...]:
    """For each of LISTED, DRAWN and the model's own top threshold, rising; its other two limits stay."""
    tried = sorted({*LISTED, *DRAWN, thresholds.show_one})
    return tuple(
        tally(f"{t:.2f}", [under(row, replace(thresholds, show_one=t)) for row in rows]) for t in tried
    )


def by_category(rows: Sequence[Replayed]) -> tuple[Tally, ...]:
    """For each category that the history names, the largest first."""
    found = _grouped(rows, lambda row: row.message.category)
    return tuple(sorted(found, key=lambda own: (-own.n, own.name)))


def by_language(rows: Sequence[Replayed]) -> tuple[Tally, ...]:
    """For each language, as the history says or else as it was detected, the largest first."""
    found = _grouped(rows, lambda row: row.message.language or row.decision.language)
    return tuple(sorted(found, key=lambda own: (-own.n, own.name)))


def by_week(rows: Sequence[Replayed]) -> tuple[Tally, ...]:
    """For each week that has messages, named by its Monday (UTC), the first one first."""
    return _grouped(rows, _monday)


def _monday(row: Replayed) -> str | None:
    if row.message.date is None:
        return None
    day = row.message.date.date()
    try:
        return (day - timedelta(days=day.weekday())).isoformat()
    except OverflowError:  # the first days there are
        return day.isoformat()


def _grouped(rows: Sequence[Replayed], name_of: Callable[[Replayed], str | None]) -> tuple[Tally, ...]:
    groups: dict[str, list[Replayed]] = defaultdict(list)
    for row in rows:
        if name := name_of(row):
            groups[name].append(row)
    return tuple(tally(name, own) for name, own in sorted(groups.items()))


def disagreements(rows: Sequence[Replayed]) -> list[Replayed]:
    """Rows that were suggested something else than the history says, the most confident first."""
    wrong = [row for row in rows if row.message.category and row.decision.categories and not row.is_right]
    return sorted(wrong, key=lambda row: -(row.decision.confidence or 0.0))
