"""What would have been shown: a file of past messages through the exact serving code."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.data.tables import read_rows
from classifier.decision import Decision, DecisionKind
from classifier.serving.serve import Classifier


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message of the history; `category` is None where the file does not say what it was about."""

    text: str
    category: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One message and what would have been shown for it."""

    message: PastMessage
    decision: Decision

    def as_dict(self) -> dict[str, Any]:
        decision = self.decision
        return {
            "text": self.message.text,
            "category": self.message.category,
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
    """Messages of a CSV, JSONL or Parquet file, the first two also with .gz; raises DataRefused naming what is wrong."""
    rows = read_rows(path, (text_column,))
    return [PastMessage(row[text_column], row.get(category_column, "").strip() or None) for row in rows]


def replay(
    classifier: Classifier, messages: Sequence[PastMessage], advance: Callable[[], None] = lambda: None
) -> list[Replayed]:
    """Decide every message, in the file's order."""
    rows = []
    for message in messages:
        rows.append(Replayed(message, classifier.decide(message.text)))
        advance()
    return rows


def summary(rows: Sequence[Replayed]) -> dict[str, Any]:
    """Counts over all rows; what was right only where the file says the category."""
    labelled = [row for row in rows if row.message.category and row.decision.kind is not DecisionKind.ABSTAIN]
    right = sum(row.message.category in row.decision.categories for row in labelled)
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
