"""What would have been shown: a file of past messages through the exact serving code."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from classifier.data.dataset import DATE_COLUMNS
from classifier.data.dates import parse_date
from classifier.data.tables import Row, read_rows
from classifier.decision import Decision, DecisionKind
from classifier.serving.artefact import Model, unpack_examples
from classifier.serving.serve import Classifier
from classifier.text import clean


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message of the history; None is what the file does not say. `date`: in UTC."""

    text: str
    category: str | None
    language: str | None = None
    date: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message and what would have been shown for it."""

    message: PastMessage
    decision: Decision

    @property
    def is_right(self) -> bool:
        """Whether the category of the history is among what is shown."""
        return self.message.category in self.decision.categories

    def as_dict(self) -> dict[str, Any]:
        decision = self.decision
        return {
            "text": self.message.text,
            "category": self.message.category,
            "date": self.message.date.isoformat() if self.message.date else None,
            "kind": decision.kind.value,
            "shown": list(decision.categories),
            "confidence": decision.confidence,
            "language": decision.language,
            "abstain_reason": decision.abstain_reason.value if decision.abstain_reason else None,
            "rule": decision.rule,
        }


def read_history(
    path: Path, text_column: str = "text", category_column: str = "category"
) -> list[PastMessage]:
    """Messages of a CSV, JSONL or Parquet file, the first two also with .gz; raises DataRefused naming what is wrong.

    Dates are those of the first of DATE_COLUMNS that it has; what is no date there is none.
    """
    rows = read_rows(path, (text_column,))
    dates = next((column for column in DATE_COLUMNS if column in rows[0]), None)
    return [
        PastMessage(
            text=row[text_column],
            category=row.get(category_column, "").strip() or None,
            language=row.get("language", "").strip() or None,
            date=_date(row, dates) if dates else None,
        )
        for row in rows
    ]


def _date(row: Row, column: str) -> datetime | None:
    try:
        return parse_date(row[column])
    except (ValueError, OverflowError, OSError):  # the last two: seconds beyond any year
        return None


def replay(
    classifier: Classifier, messages: Sequence[PastMessage], advance: Callable[[], None] = lambda: None
) -> list[Replayed]:
    """Decide every message, in the file's order, a thread for each core."""
    rows = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        decisions = pool.map(classifier.decide, (message.text for message in messages))
        for message, decision in zip(messages, decisions, strict=True):
            rows.append(Replayed(message, decision))
            advance()
    return rows


def learned_from(messages: Sequence[PastMessage], model: Model) -> int:
    """How many of these messages the model has learned from, to the word."""
    learned = set(unpack_examples(model.packed_examples))
    return sum(clean(message.text) in learned for message in messages)


def summary(rows: Sequence[Replayed]) -> dict[str, Any]:
    """Counts over all rows; what was right only where the file says the category."""
    labelled = [row for row in rows if row.message.category and row.decision.kind is not DecisionKind.ABSTAIN]
    right = sum(row.is_right for row in labelled)
    reasons = Counter(row.decision.abstain_reason.value for row in rows if row.decision.abstain_reason)
    first = Counter(row.decision.categories[0] for row in rows if row.decision.categories)
    kinds = Counter(row.decision.kind for row in rows)
    return {
        "messages": len(rows),
        "one": kinds[DecisionKind.SHOW_ONE],
        "two": kinds[DecisionKind.SHOW_TWO],
        "person": kinds[DecisionKind.ABSTAIN],
        "abstain_reasons": dict(reasons.most_common()),
        "first_shown": dict(first.most_common()),
        "labelled_and_suggested": len(labelled),
        "right_among_shown": right,
    }
