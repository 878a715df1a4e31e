"""A replayed history as a folder: one Markdown page, its charts as PNG, and the counts as JSON.

Texts are cleaned ones, with placeholders in place of personal data: a report is passed around.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifier.decision import Thresholds
from classifier.evaluation.replay import Replayed, summary
from classifier.evaluation.tallies import (
    LISTED,
    Tally,
    by_category,
    by_language,
    by_threshold,
    by_week,
    disagreements,
)
from classifier.study.markdown import plain, quoted, table
from classifier.study.replay_charts import categories_chart, thresholds_chart, weeks_chart
from classifier.text import clean

COLUMNS = (
    "messages",
    "one",
    "two",
    "person",
    "coverage",
    "right when one",
    "right among shown",
)
DISAGREEMENTS = ("message", "shown", "recorded", "confidence")

_MOST_DISAGREEMENTS = 50
"""On the page; report.json has all."""

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class History:
    """A replayed history, counted. `own`: the model's top threshold, as its tally is named. `learned`: how many of its
    messages the model has learned from."""

    total: dict[str, Any]
    learned: int
    own: str
    thresholds: tuple[Tally, ...]
    categories: tuple[Tally, ...]
    languages: tuple[Tally, ...]
    weeks: tuple[Tally, ...]
    disagreements: tuple[Replayed, ...]

    @property
    def warning(self) -> str | None:
        """What to say of messages that the model knows."""
        if not self.learned:
            return None
        return (
            f"{self.learned} of {self.total['messages']} messages are ones that the model learned from: on those it looks "
            "better than it is."
        )

    @property
    def listed(self) -> list[Tally]:
        """The thresholds for a table."""
        names = {*(f"{t:.2f}" for t in LISTED), self.own}
        return [one for one in self.thresholds if one.name in names]

    def as_dict(self) -> dict[str, Any]:
        parts = ("thresholds", "categories", "languages", "weeks")
        counts = {part: [one.as_dict() for one in getattr(self, part)] for part in parts}
        wrong = [
            {
                "text": clean(row.message.text),
                "category": row.message.category,
                "shown": list(row.decision.categories),
                "confidence": row.decision.confidence,
            }
            for row in self.disagreements
        ]
        return {
            "sum": self.total,
            "learned_from": self.learned,
            "top_threshold": self.own,
            **counts,
            "disagreements": wrong,
        }


def count(rows: Sequence[Replayed], thresholds: Thresholds, learned: int = 0) -> History:
    """All counts of a replay by a model with these thresholds, which learned from so many of the messages."""
    return History(
        total=summary(rows),
        learned=learned,
        own=f"{thresholds.show_one:.2f}",
        thresholds=by_threshold(rows, thresholds),
        categories=by_category(rows),
        languages=by_language(rows),
        weeks=by_week(rows),
        disagreements=tuple(disagreements(rows)),
    )


def cells(one: Tally) -> tuple[str, ...]:
    """What follows the name in a row, by COLUMNS."""
    shown = (one.one, one.two, one.person)
    shares = (one.coverage, one.precision_when_one, one.right_among_shown)
    return (
        str(one.n),
        *(f"{part / one.n:.1%}" if one.n else "" for part in shown),
        *("" if share is None else f"{share:.1%}" for share in shares),
    )


def disagreement_cells(row: Replayed, longest: int = _LONGEST) -> tuple[str, str, str, str]:
    """One row, by DISAGREEMENTS; of the message at most so many characters."""
    words = clean(row.message.text)
    words = words if len(words) <= longest else words[:longest].rstrip() + " ..."
    shown = ", ".join(row.decision.categories)
    return words, shown, row.message.category or "", f"{row.decision.confidence or 0:.2f}"


def sum_cells(history: History) -> list[tuple[str, str]]:
    """What was counted, and how often."""
    return [(name.replace("_", " "), _said(value)) for name, value in history.total.items()]


def write_page(folder: Path, heading: str, history: History) -> None:
    """Write report.md, report.json and a chart for each part that the history has something for."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = {"thresholds.png": True, "weeks.png": bool(history.weeks), "categories.png": _has_right(history)}
    for name in (name for name, wanted in charts.items() if not wanted):
        (folder / name).unlink(missing_ok=True)  # of an earlier report
    thresholds_chart(folder / "thresholds.png", history.thresholds, history.own)
    if charts["weeks.png"]:
        weeks_chart(folder / "weeks.png", history.weeks)
    if charts["categories.png"]:
        categories_chart(folder / "categories.png", history.categories)
    figures = {"about": heading, **history.as_dict()}
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.md").write_text(_page(heading, history), encoding="utf-8")


def _has_right(history: History) -> bool:
    return any(one.known_shown for one in history.categories)


def _page(heading: str, history: History) -> str:
    lines = [
        "# What would have been shown",
        "",
        f"{plain(heading)}. Each message went through the code that serves; texts below are cleaned, with placeholders in place of "
        "personal data.",
        "",
        *([f"**{history.warning}**", ""] if history.warning else []),
        "## In sum",
        "",
        *table(("what", "count"), [(name, plain(value)) for name, value in sum_cells(history)]),
        "",
        "Coverage: share of all messages with a recorded category, other than out of scope, that were shown it. Right when "
        "one, right among shown: of the messages with a recorded category that were shown one suggestion, or any.",
        "",
        "## By top threshold",
        "",
        f"One suggestion when the highest probability is at least this, else two; the model's own is {history.own}. Its other "
        "limits stay as they are.",
        "",
        *_tallies("top threshold", history.listed),
        "",
        "![By top threshold](thresholds.png)",
        "",
        *_part("By category, as recorded", "category", history.categories),
        *(["![Right among shown](categories.png)", ""] if _has_right(history) else []),
        *_part("By language", "language", history.languages),
        *_part("By week, named by its Monday", "week", history.weeks),
        *(["![By week](weeks.png)", ""] if history.weeks else []),
        *_disagreements(history.disagreements),
    ]
    return "\n".join(lines)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count}" for name, count in value.items()) or "none"
    return str(value)


def _part(title: str, name: str, tallies: Sequence[Tally]) -> list[str]:
    return [f"## {title}", "", *_tallies(name, tallies), ""] if tallies else []


def _tallies(name: str, tallies: Sequence[Tally]) -> list[str]:
    return table((name, *COLUMNS), [(plain(one.name), *cells(one)) for one in tallies])


def _disagreements(rows: Sequence[Replayed]) -> list[str]:
    if not rows:
        return []
    told = [disagreement_cells(row) for row in rows[:_MOST_DISAGREEMENTS]]
    listed = [
        (quoted(words), plain(shown), plain(recorded), confidence)
        for words, shown, recorded, confidence in told
    ]
    return [
        "## Other than recorded",
        "",
        f"{len(rows)} messages would have been shown something else than their recorded category; the {len(told)} most "
        "confident of them. Some are the record's mistakes.",
        "",
        *table(DISAGREEMENTS, listed),
        "",
    ]
