"""Policies and re-rank intervals side by side as a folder: one Markdown page and its charts as PNG."""

from collections.abc import Sequence
from pathlib import Path

from routing.comparing import Interval, PolicySummary
from routing.params import Policy
from routing.simulation import METRICS, Scenario
from routing.study.charts import BLUE, GREEN, GREY, ORANGE, make_folder, new_figure, save
from routing.study.markdown import table

_COLOURS = {
    Policy.ADAPTIVE: BLUE,
    Policy.HUNGARIAN: ORANGE,
    Policy.GREEDY_CLOCK: GREEN,
    Policy.LONGEST_IDLE: GREY,
    Policy.RANDOM: "black",
}
_PANELS = {
    "mean_first_response": "mean first response, minutes",
    "missed_share": "deadlines missed, share of tasks",
    "utilisation": "utilisation, share of time at work",
    "similarity": "market similarity",
    "high_risk_at_top": "high-risk tasks at top-tier agents",
    "matchings": "matchings a day",
}
LIMITS = (
    "Simulated: the team, the work and what a poor fit costs are assumptions (routing/simulation tells them), the policies are "
    "the ones that run in production. Differences between policies on the same days are what to look at; absolute figures "
    "are those of this scenario and no promise for a desk. Intervals are over seeds, 95 %, by Student's t."
)


def name_of(row: PolicySummary) -> str:
    """Policy and interval, as people say it."""
    return f"{row.policy.value}, {say_interval(row.rerank_s)}"


def say_interval(rerank_s: float) -> str:
    """How often it is matched."""
    if not rerank_s:
        return "on demand"
    return f"every {rerank_s:g} s" if rerank_s < 60.0 else f"every {rerank_s / 60.0:g} min"


def say(of: Interval) -> str:
    """A mean with its interval, where there is one."""
    if of.low is None or of.high is None:
        return f"{of.mean:.3f}"
    return f"{of.mean:.3f} [{of.low:.3f}, {of.high:.3f}]"


def write_page(folder: Path, scenario: Scenario, seeds: int, rows: Sequence[PolicySummary]) -> None:
    """Write report.md and policies.png into `folder`. Raises InvalidParams where that cannot be."""
    make_folder(folder)
    _draw(folder / "policies.png", rows)
    (folder / "report.md").write_text(_page(scenario, seeds, rows), encoding="utf-8")


def _page(scenario: Scenario, seeds: int, rows: Sequence[PolicySummary]) -> str:
    said = f"{scenario.agents} people in {scenario.offices} offices, load {scenario.load:g}"
    lines = ["# How work is given out, and how often", "", f"{said}; mean of {seeds} days. {LIMITS}", ""]
    names = [name_of(row) for row in rows]
    lines += ["![Each metric by re-rank interval](policies.png)", "", "## Means", ""]
    lines += table(("", *names), [(m.replace("_", " "), *(say(r.metrics[m]) for r in rows)) for m in METRICS])
    if len(rows) > 1:
        lines += ["", f"## Difference from {names[0]}, on the same days", ""]
        lines += table(
            ("", *names[1:]),
            [(m.replace("_", " "), *(say(r.against_first[m]) for r in rows[1:])) for m in METRICS],
        )
    return "\n".join([*lines, ""])


def _draw(path: Path, rows: Sequence[PolicySummary]) -> None:
    intervals = sorted({row.rerank_s for row in rows})
    figure = new_figure(11.0, 6.2)
    grid = figure.subplots(2, len(_PANELS) // 2)
    for axes, (metric, title) in zip(grid.ravel(), _PANELS.items(), strict=True):
        for policy in dict.fromkeys(row.policy for row in rows):
            mine = sorted((r for r in rows if r.policy is policy), key=lambda r: r.rerank_s)
            found = [row.metrics[metric] for row in mine]
            axes.errorbar(
                [intervals.index(row.rerank_s) for row in mine],
                [of.mean for of in found],
                yerr=[(of.high or of.mean) - of.mean for of in found],
                color=_COLOURS[policy],
                label=policy.value,
                marker="o",
                markersize=4,
                capsize=3,
            )
        axes.set_xticks(range(len(intervals)), [say_interval(rerank_s) for rerank_s in intervals], fontsize=8)
        axes.set_title(title, fontsize=10)
        axes.set_ylim(bottom=0.0)
        axes.grid(axis="y", alpha=0.3)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(_COLOURS))
    save(figure, path)
