"""Published matchings beside random as a folder: one Markdown page and its charts as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from routing.originals.comparison import PerAgent
from routing.originals.tables import Floats
from routing.params import Policy
from routing.study.against_random import EVERYBODY, MEASURES, AgainstRandom
from routing.study.charts import BLUE, GREEN, GREY, ORANGE, make_folder, new_figure, save
from routing.study.markdown import table
from routing.study.tier_moves import Moves, TierMoves

COMPARED_COLUMNS = (
    "measure",
    "tier",
    "agents",
    "matched",
    "random",
    "difference",
    "random draws",
    "matched 5-95 %",
)
MOVES_COLUMNS = ("", "tier", "how many", "up", "same", "down")
ESTIMATE_NOTE = (
    "Task length is an estimate in no unit: how long an agent takes for a task that somebody else handled was never "
    "measured. A difference in it is no saving."
)
MOVES_NOTE = (
    "Expected against random assignment, in which any agent is as likely as any other: a task goes up when its agent is "
    "of a higher tier than chance would have given it, an agent when a task of theirs is. An expectation, not a count of "
    "what happened."
)
_BINS = 40


@dataclass(frozen=True, slots=True)
class Matched:
    """One policy: its outcome agent by agent, beside random, and its moves."""

    policy: Policy
    per_agent: PerAgent
    against_random: tuple[AgainstRandom, ...]
    moves: TierMoves


def compared_cells(row: AgainstRandom) -> tuple[str, ...]:
    """One row of the table, by COMPARED_COLUMNS."""
    digits = 2 if row.measure == "task_length" else 4
    return (
        MEASURES[row.measure],
        row.tier,
        f"{row.agents:,}",
        f"{row.matched.mean:.{digits}f}",
        f"{row.random.mean:.{digits}f}",
        f"{row.difference:+.{digits}f}",
        f"{row.draws_low:.{digits}f} to {row.draws_high:.{digits}f}",
        f"{row.matched.low:.{digits}f} to {row.matched.high:.{digits}f}",
    )


def moves_rows(moves: TierMoves) -> list[tuple[str, ...]]:
    """The rows of the table, by MOVES_COLUMNS: each side's tiers, and the side as a whole."""
    rows = []
    for side, found in (("tasks", moves.tasks), ("agents", moves.agents)):
        rows += [_move_cells(side, move.tier.value, [move]) for move in found]
        rows.append(_move_cells(side, "all", found))
    return rows


def distinct_moves(matched: Sequence[Matched]) -> list[tuple[str, TierMoves]]:
    """Policies with the same moves under one name: all that match tier by tier move tasks alike."""
    names: dict[TierMoves, list[str]] = {}
    for own in matched:
        names.setdefault(own.moves, []).append(own.policy.value)
    return [(" and ".join(policies), moves) for moves, policies in names.items()]


def write_page(folder: Path, matched: Sequence[Matched], drawn: Sequence[PerAgent]) -> None:
    """Write report.md, one chart of distributions a policy and one of moves into `folder`."""
    make_folder(folder)
    for own in matched:
        _draw_distributions(folder / f"{own.policy.value}.png", own, drawn)
    _draw_moves(folder / "moves.png", matched)
    (folder / "report.md").write_text(_page(matched, len(drawn)), encoding="utf-8")


def _page(matched: Sequence[Matched], draws: int) -> str:
    lines = [
        "# Matchings beside random",
        "",
        f"Means over agents that got work; random: everybody with everything, {draws} draws together, the same tier's "
        "agents; random draws: lowest and highest mean of one draw. A mean between the two is no different from random.",
        "",
        ESTIMATE_NOTE,
        "",
    ]
    for own in matched:
        lines += [f"## {own.policy.value}", ""]
        lines += table(COMPARED_COLUMNS, [compared_cells(row) for row in own.against_random])
        lines += ["", f"![Distributions over agents]({own.policy.value}.png)", ""]
    lines += ["## Up and down a tier", "", MOVES_NOTE, ""]
    for name, moves in distinct_moves(matched):
        lines += [f"{name}:", "", *table(MOVES_COLUMNS, moves_rows(moves)), ""]
    return "\n".join([*lines, "![Moves](moves.png)", ""])


def _move_cells(side: str, tier: str, moves: Sequence[Moves]) -> tuple[str, ...]:
    sums = [sum(values) for values in zip(*((m.up, m.same, m.down) for m in moves), strict=True)]
    return (side, tier, f"{sum(move.count for move in moves):,}", *(f"{value:,.0f}" for value in sums))


def _draw_distributions(path: Path, own: Matched, drawn: Sequence[PerAgent]) -> None:
    figure = new_figure(4.2 * len(MEASURES), 3.6)
    figure.suptitle(f"{own.policy.value} beside random: agents that got work (lines: means)")
    means = {row.measure: row for row in own.against_random if row.tier == EVERYBODY}
    for axes, (field, name) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        matched: Floats = getattr(own.per_agent, field)
        random: Floats = np.concatenate([getattr(draw, field) for draw in drawn])
        bins = np.histogram_bin_edges(np.concatenate([matched, random]), _BINS)
        axes.hist(
            random,
            bins,
            color=GREY,
            alpha=0.6,
            weights=np.full(len(random), 1.0 / len(random)),
            label="random",
        )
        axes.hist(
            matched, bins, color=BLUE, histtype="step", linewidth=1.6,
            weights=np.full(len(matched), 1.0 / len(matched)), label=own.policy.value,
        )  # fmt: skip
        if field in means:
            axes.axvline(means[field].random.mean, color="0.3", linestyle=":", linewidth=1.2)
            axes.axvline(means[field].matched.mean, color=BLUE, linestyle="--", linewidth=1.2)
        axes.set_xlabel(name)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set_ylabel("share of agents")
        axes.legend(fontsize=8)
    save(figure, path)


def _draw_moves(path: Path, matched: Sequence[Matched]) -> None:
    distinct = distinct_moves(matched)
    figure = new_figure(10.0, 2.4 * len(distinct) + 0.6)
    grid = figure.subplots(len(distinct), 2, squeeze=False)
    for line, (name, found) in zip(grid, distinct, strict=True):
        for axes, side, moves in zip(line, ("tasks", "agents"), (found.tasks, found.agents), strict=True):
            left = np.zeros(len(moves))
            for field, colour in (("up", GREEN), ("same", GREY), ("down", ORANGE)):
                values = np.array([getattr(move, field) for move in moves])
                axes.barh([move.tier.value for move in moves], values, left=left, color=colour, label=field)
                left += values
            axes.invert_yaxis()
            axes.set_title(f"{name}: {side} by their tier", fontsize=10)
            axes.set_xlabel(f"{side} expected to go up, stay or go down a tier")
            axes.xaxis.set_major_formatter("{x:,.0f}")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
    save(figure, path)
