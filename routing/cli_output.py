"""How the commands speak: tables on standard output, progress on standard error, JSON when asked."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from routing.comparing import PolicySummary
from routing.model import Matching
from routing.originals.comparison import Outcome, PublishedRun
from routing.plain import to_plain
from routing.simulation import METRICS
from routing.study.policies_page import name_of, say
from routing.wording import explain

OUT = Console()
ERR = Console(stderr=True)


def print_json(value: object) -> None:
    """One JSON document; dataclasses become objects, times ISO 8601."""
    json.dump(to_plain(value), sys.stdout, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, shown on terminals only; yields the function that advances it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, disable=not ERR.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Text in the first column to the left, everything else to the right."""
    drawn = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        drawn.add_column(column, justify="left" if place == 0 else "right")
    for row in rows:
        drawn.add_row(*(Text(_short(cell)) for cell in row))  # plain text: ids are no markup
    OUT.print(drawn)


def print_matching(matching: Matching) -> None:
    """Who gets what and why; who waits and why."""
    given = [(a.task_id, a.agent_id, a.cost, explain(a)) for a in matching.assignments]
    print_table("Assigned", ("task", "agent", "cost", "why"), given)
    if matching.waiting:
        rows = [(w.task_id, w.reason.value, w.detail) for w in matching.waiting]
        print_table("Waiting", ("task", "reason", "detail"), rows)


def print_published(run: PublishedRun) -> None:
    """Tier by tier, merged and random, as the publication tabulates it."""
    columns = ("", "tasks", "agents", "score difference", "similarity", "task length (estimate)")
    rows = [_published_row(tier.tier.value, tier.tasks, tier.agents, tier.outcome) for tier in run.tiers]
    merged_tasks, merged_agents = sum(t.tasks for t in run.tiers), sum(t.agents for t in run.tiers)
    rows.append(_published_row("merged", merged_tasks, merged_agents, run.merged))
    rows.append(_published_row(f"random, seed {run.random_seed}", run.tasks, run.agents, run.random))
    print_table(f"{run.policy.value}: means over agents", columns, rows)
    kept = "left out, as published" if run.score_0_left_out else "kept, in the lowest tier"
    OUT.print(
        f"Score means: tasks {run.task_score_mean:.6f}, agents {run.agent_score_mean:.6f}. "
        f"Score 0: {run.tasks_at_score_0} tasks and {run.agents_at_score_0} agents, {kept}. "
        f"Matching took {run.matching_s:.2f} s.",
        soft_wrap=True,
        highlight=False,
    )


def print_comparison(rows: Sequence[PolicySummary], seeds: int) -> None:
    """One column a policy and re-rank interval; the differences are from the first column, day by day."""
    names = [name_of(row) for row in rows]
    means = [(m.replace("_", " "), *(say(row.metrics[m]) for row in rows)) for m in METRICS]
    title = f"Mean of {seeds} simulated days with its 95 % interval (times in minutes)"
    print_table(title, ("", *names), means)
    if len(rows) > 1:
        against = [(m.replace("_", " "), *(say(row.against_first[m]) for row in rows[1:])) for m in METRICS]
        print_table(f"Difference from {names[0]} on the same days", ("", *names[1:]), against)


def _published_row(name: str, tasks: int, agents: int, outcome: Outcome | None) -> tuple[object, ...]:
    if outcome is None:
        return (name, tasks, agents, "-", "-", "-")
    means = (f"{outcome.score_difference:.4f}", f"{outcome.similarity:.4f}", f"{outcome.task_length:.3f}")
    return (name, tasks, agents, *means)


def _short(cell: object) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
