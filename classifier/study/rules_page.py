"""The rules for one button or two as a folder: one Markdown page, its charts as PNG, and the figures as JSON."""

import json
from pathlib import Path

import numpy as np

from classifier.evaluation.rules import (
    CLAIMED_COVERAGE,
    CLAIMED_THRESHOLDS,
    GRID,
    TARGETS,
    Point,
    Rule,
    RuleCurve,
)
from classifier.study.markdown import plain, table
from classifier.study.rules import Compared

_FIGURES = ("coverage", "buttons", "two", "right if one", "right if any", "abstained")
OPERATING = ("rule", "for", "at", *_FIGURES)
TOP = ("t", *_FIGURES)

_COLOURS = {Rule.TOP: "#1164a3", Rule.GAP: "#e8912d", Rule.SECOND: "#2e8b57", Rule.CONFORMAL: "#8b3a8b"}
_STYLES = {Rule.TOP: "-", Rule.GAP: "--", Rule.SECOND: ":", Rule.CONFORMAL: "-."}
_LOWEST = 30  # the chart over t begins at this place of GRID: a lower threshold hardly ever shows two


def operating_cells(compared: Compared) -> list[tuple[str, ...]]:
    """One row for each target and rule, by OPERATING."""
    return [
        (str(curve.rule), f"{target:.0%}", *_operating(curve.operating[target]))
        for target in TARGETS
        for curve in compared.curves
    ]


def top_cells(compared: Compared) -> list[tuple[str, ...]]:
    """One row for each reported top threshold, by TOP."""
    return [(f"{own.parameter:.2f}", *_cells(own)) for own in compared.top]


def _operating(own: Point | None) -> tuple[str, ...]:
    return (f"{own.parameter:.4f}", *_cells(own)) if own else ("never", *("" for _ in _FIGURES))


def _cells(own: Point) -> tuple[str, ...]:
    shares = (own.share_of_two, own.precision_when_one, own.right_among_shown, own.abstained)
    told = ("none" if share is None else f"{share:.1%}" for share in shares)
    return (f"{own.coverage:.1%}", f"{own.mean_buttons:.3f}", *told)


def write_page(folder: Path, heading: str, warning: str | None, compared: Compared) -> None:
    """Write report.md, report.json and two charts into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _buttons_chart(folder / "coverage_buttons.png", compared)
    _top_chart(folder / "top_threshold.png", compared)
    figures = {"about": heading, "warning": warning, **compared.as_dict()}
    (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(_page(heading, warning, compared), encoding="utf-8")


def _page(heading: str, warning: str | None, compared: Compared) -> str:
    lines = [
        "# Rules for one suggestion or two",
        "",
        f"{plain(heading)}: {compared.n} rows that the model can be asked about.",
        *(["", f"**{plain(warning)}**"] if warning else []),
        "",
        *(f"- **{curve.rule}**: {curve.rule.sentence}." for curve in compared.curves),
        "",
        compared.about_conformal,
        "",
        "Coverage: share of all rows whose true label is among those shown. Buttons: labels shown, a row on average. Two: share "
        "of rows shown two, or, by a conformal set, more. Right if one: share of right ones among rows shown one label, the "
        "precision when one is shown; right if any: among rows shown anything. No threshold sends a row to a person here; only "
        "a conformal set can be empty, which is abstained. What people would see, abstentions included, is told by `evaluate` "
        "and `replay`.",
        "",
        "## The fewest buttons for a coverage",
        "",
        "Read off these very rows: what a rule can reach, not a promise for others. Thresholds that hold for other rows are "
        "chosen in training, on calibration rows.",
        "",
        *table(OPERATING, operating_cells(compared)),
        "",
        "![Coverage against mean buttons](coverage_buttons.png)",
        "",
        "## The top threshold",
        "",
        compared.claim,
        "",
        *table(TOP, top_cells(compared)),
        "",
        "![The top threshold](top_threshold.png)",
        "",
    ]
    return "\n".join(lines)


def _buttons_chart(path: Path, compared: Compared) -> None:
    """Coverage against buttons, and below, what each rule gains over the top threshold: the curves lie close."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

    figure = Figure(figsize=(8, 7), layout="constrained")
    axes, gains = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    top_buttons, top_coverage = _drawn(compared.curves[0])
    for curve in compared.curves:
        look = {"color": _COLOURS[curve.rule], "linestyle": _STYLES[curve.rule]}
        buttons, coverage = _drawn(curve)
        axes.plot(buttons, coverage, label=str(curve.rule), **look)
        for own in filter(None, curve.operating.values()):
            axes.plot(own.mean_buttons, own.coverage, "o", color=_COLOURS[curve.rule], markersize=5)
        gains.plot(
            buttons, 100 * (np.array(coverage) - np.interp(buttons, top_buttons, top_coverage)), **look
        )
    for target in TARGETS:
        axes.axhline(target, color="0.6", linewidth=0.8)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    targets = " and ".join(f"{target:.0%}" for target in TARGETS)
    axes.set(ylabel="coverage", title=f"{compared.n} rows; dots: fewest buttons for {targets}")
    axes.legend(loc="lower right")
    gains.set(
        xlabel="mean buttons per row", ylabel="over the top threshold,\npercentage points", xlim=(0.98, 2.02)
    )
    for own_axes in (axes, gains):
        own_axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _drawn(curve: RuleCurve) -> tuple[list[float], list[float]]:
    """Mean buttons and coverage from one button to two: sets can be smaller and larger, and nobody shows them."""
    shown = [own for own in curve.drawn if 1 <= own.mean_buttons <= 2]
    return [own.mean_buttons for own in shown], [own.coverage for own in shown]


def _top_chart(path: Path, compared: Compared) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

    curve = compared.curves[0].curve[_LOWEST:]
    t = GRID[_LOWEST:]
    figure = Figure(figsize=(8, 7), layout="constrained")
    right, two = figure.subplots(2, sharex=True, height_ratios=(3, 2))
    claimed, (low, high) = CLAIMED_THRESHOLDS, CLAIMED_COVERAGE
    right.fill_between(claimed, low, high, color="0.8", label="coverage that the original project found")
    right.plot(t, [own.coverage for own in curve], color="#1164a3", label="coverage")
    precision = [own.precision_when_one for own in curve]
    alone = [
        float("nan") if share is None else share for share in precision
    ]  # a gap where nobody is shown one
    right.plot(t, alone, color="#2e8b57", linestyle="--", label="precision when one is shown")
    right.set(ylabel="share that is right", title=f"One suggestion from p1 >= t: {compared.n} rows")
    right.legend(loc="best")
    two.plot(t, [own.share_of_two for own in curve], color="#e8912d")
    two.set(xlabel="top threshold t", ylabel="share shown two", ylim=(0, 1))
    for axes in (right, two):
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
