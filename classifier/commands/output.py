"""How the commands speak: tables on standard output, progress on standard error, JSON when asked."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from classifier.evaluation.evaluate import Report

# Into a file or a pipe there is no terminal to ask for its width.
OUT = Console(width=None if sys.stdout.isatty() else 120)
ERR = Console(stderr=True)


def say(line: str) -> None:
    """One line on standard output, however narrow the terminal."""
    OUT.print(line, highlight=False, markup=False, soft_wrap=True)


def note(line: str) -> None:
    """One line beside the result, on standard error."""
    ERR.print(line, highlight=False, markup=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int], Callable[[], None]]]:
    """A function that starts a bar with a name and a number of steps and returns what advances it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR) as progress:

        def start(name: str, steps: int) -> Callable[[], None]:
            task = progress.add_task(name, total=steps)
            return lambda: progress.advance(task)

        yield start


@contextmanager
def rate_bar(name: str, rows: int) -> Iterator[Callable[[int, bool], None]]:
    """One bar over so many rows. What advances it takes rows done, and whether they are new: those alone have a rate."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[rate]}"), console=ERR) as progress:
        task, began, new = progress.add_task(name, total=rows, rate=""), perf_counter(), 0

        def advance(done: int, is_new: bool) -> None:
            nonlocal new
            new += done if is_new else 0
            rate = f"{new / (perf_counter() - began):.0f} rows/s" if new else ""
            progress.update(task, advance=done, rate=rate)

        yield advance


def table(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    """A table with text on the left and every further column to the right."""
    drawn = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        drawn.add_column(column, justify="left" if place == 0 else "right")
    for row in rows:
        drawn.add_row(*(Text(str(cell)) for cell in row))  # plain: people's words are no markup
    return drawn


def print_report(report: Report, heading: str) -> None:
    """The evaluation, for people."""
    OUT.print(f"\n[bold]{heading}[/bold]: {report.rows} rows\n")
    OUT.print(
        table(
            "What people would see",
            ("outcome", "share"),
            [
                ("one suggestion", report.one),
                ("two suggestions", report.two),
                ("straight to a person", report.abstained),
                ("right when one is shown", report.right_when_one),
                ("right one among what is shown", report.right_among_shown),
                ("out-of-scope rows that ended with a person", report.out_of_scope_to_person),
                (
                    "rows in a language the encoder reads, turned away for their language",
                    report.wrong_language,
                ),
                ("rows in a language it does not read, not noticed", report.slipped_through),
            ],
        )
    )
    if report.abstain_reasons:
        OUT.print(table("Why a person", ("reason", "rows"), list(report.abstain_reasons.items())))
    if report.model:
        bare = report.model
        rows = [
            ("weighted precision", f"{bare.weighted_precision:.3f}"),
            ("weighted recall", f"{bare.weighted_recall:.3f}"),
            ("accuracy", f"{bare.accuracy:.3f}"),
            ("right one among the best two", f"{bare.top_two:.3f}"),
            ("macro-F1", f"{bare.macro_f1:.3f}"),
            ("log loss", f"{bare.log_loss:.3f}"),
            ("calibration error (ECE)", f"{bare.ece:.3f}"),
            *(
                (f"right one shown by a top threshold of {t}, nothing abstained from", f"{coverage:.3f}")
                for t, coverage in bare.coverage_at.items()
            ),
            *(
                (f"fewest suggestions per row that show the right one in {float(target):.0%}", _buttons(mean))
                for target, mean in bare.mean_buttons_at.items()
            ),
        ]
        OUT.print(
            table(f"The bare model, on the {bare.n} rows it was asked about", ("figure", "value"), rows)
        )
        by_label = [
            (r.label, r.n, f"{r.precision:.3f}", f"{r.recall:.3f}", f"{r.f1:.3f}") for r in bare.labels
        ]
        OUT.print(table("By label", ("label", "n", "precision", "recall", "F1"), by_label))
    by_language = [(r.language, r.n, r.suggested, r.right_among_shown, r.accuracy) for r in report.languages]
    columns = ("language", "n", "suggested", "right among shown", "bare model right")
    OUT.print(table("By language", columns, by_language))


def _buttons(mean: float | None) -> str:
    return "not reached" if mean is None else f"{mean:.3f}"
