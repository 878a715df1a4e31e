"""The charts of a replayed history."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from classifier.evaluation.tallies import Tally

_BLUE, _ORANGE, _GREEN, _GREY, _DARK = "#1164a3", "#e8912d", "#2e8b57", "0.75", "0.4"

_MOST_BARS = 30
"""Categories, the largest first; the page's table has all."""


def thresholds_chart(path: Path, tallies: Sequence[Tally], own: str) -> None:
    """What each top threshold shows, and above, where the history has categories, how often that is right."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

    is_known = any(one.nameable for one in tallies)
    figure = Figure(figsize=(8, 7 if is_known else 4), layout="constrained")
    panels = figure.subplots(2 if is_known else 1, sharex=True, squeeze=False)[:, 0]
    t = [float(one.name) for one in tallies]
    if is_known:
        _line(panels[0], t, [one.coverage for one in tallies], _BLUE, "coverage")
        _line(panels[0], t, [one.precision_when_one for one in tallies], _GREEN, "right when one", "--")
        panels[0].set(ylabel="share that is right")
    for name, colour, part in (
        ("one suggestion", _BLUE, "one"),
        ("two", _ORANGE, "two"),
        ("a person", _DARK, "person"),
    ):
        _line(panels[-1], t, [getattr(one, part) / one.n for one in tallies], colour, name)
    panels[-1].set(xlabel="top threshold", ylabel="share of all messages", ylim=(-0.02, 1.02))
    for axes in panels:
        axes.axvline(float(own), color="0.3", linewidth=1, linestyle=":", label=f"the model's own, {own}")
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.legend(loc="best")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _line(
    axes: Any, t: Sequence[float], shares: Sequence[float | None], colour: str, name: str, style: str = "-"
) -> None:
    """A line with a gap where there is no share."""
    known = [float("nan") if share is None else share for share in shares]
    axes.plot(t, known, color=colour, linestyle=style, label=name)


def weeks_chart(path: Path, weeks: Sequence[Tally]) -> None:
    from matplotlib import dates  # noqa: PLC0415  (only a report needs it)
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    shares, volume = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    mondays = [date.fromisoformat(one.name) for one in weeks]
    bottom = [0.0] * len(weeks)
    for name, colour, part in (
        ("one suggestion", _BLUE, "one"),
        ("two", _ORANGE, "two"),
        ("a person", _GREY, "person"),
    ):
        height = [getattr(one, part) / one.n for one in weeks]
        shares.bar(mondays, height, width=6, bottom=bottom, color=colour, label=name)
        bottom = [low + own for low, own in zip(bottom, height, strict=True)]
    shares.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    shares.set(
        ylabel="share of the week's messages", title="What would have been shown, by week", ylim=(0, 1)
    )
    shares.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=3, frameon=False)
    volume.bar(mondays, [one.n for one in weeks], width=6, color="0.5")
    volume.set(ylabel="messages")
    drawn: Any = dates  # typed only in part
    locator = drawn.AutoDateLocator(minticks=1)
    volume.xaxis.set_major_locator(locator)
    volume.xaxis.set_major_formatter(drawn.ConciseDateFormatter(locator))
    figure.savefig(path, dpi=120)


def categories_chart(path: Path, categories: Sequence[Tally]) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415

    shown = [one for one in categories if one.known_shown][:_MOST_BARS][::-1]
    figure = Figure(figsize=(8, 0.4 * len(shown) + 1.4), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(
        [_label(one) for one in shown], [one.right_among_shown or 0.0 for one in shown], color=_BLUE
    )
    axes.bar_label(bars, [f"{one.right} of {one.known_shown}" for one in shown], padding=3, fontsize=8)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="right one among what is shown", xlim=(0, 1.18))
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)


def _label(one: Tally) -> str:
    """A category's name as it is written, if not too long: matplotlib reads what is between dollars as mathematics."""
    return (one.name if len(one.name) <= 40 else f"{one.name[:37]}...").replace("$", r"\$")
