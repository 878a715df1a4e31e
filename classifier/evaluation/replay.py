"""What would have been shown: a file of past messages through the exact serving code."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.data.tables import read_bytes, read_rows
from classifier.decision import Decision, DecisionKind
from classifier.errors import DataRefused
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
    """Messages of a CSV or JSONL file, either with .gz; raises DataRefused naming the line."""
    is_lines = path.name.removesuffix(".gz").endswith((".jsonl", ".ndjson"))
    rows = _read_lines(path, text_column) if is_lines else read_rows(path, (text_column,))
    messages = [PastMessage(str(row[text_column]), _text_or_none(row.get(category_column))) for row in rows]
    if not messages:
        raise DataRefused(f"{path} holds no messages")
    return messages


def _read_lines(path: Path, text_column: str) -> list[dict[str, Any]]:
    rows = []
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except (UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise DataRefused(f"{path} is not UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            raise DataRefused(f"{path}, line {number}: not JSON") from None
        if not isinstance(row, dict) or not isinstance(row.get(text_column), str):
            raise DataRefused(f"{path}, line {number}: no field {text_column!r} with a text")
        rows.append(row)
    return rows


def _text_or_none(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None


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
