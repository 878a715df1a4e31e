"""The charts of the reports, each one PNG. Matplotlib is imported when one is drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from routing.errors import InvalidParams
from routing.originals.tables import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY, GREEN = "#1164a3", "#e8912d", "#9aa0a6", "#2e7d32"
Series: TypeAlias = tuple[str, Sequence[float | None], str]
"""Label, values and colour."""
_BINS = 40
_DPI = 120


def make_folder(folder: Path) -> None:
    """Make a report's folder and those above it. Raises InvalidParams where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InvalidParams(f"cannot write a report into {folder}: {problem.strerror}") from problem


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, sizes in inches."""
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: "Figure", path: Path) -> None:
    """Write the PNG; its folder is there."""
    figure.savefig(path, dpi=_DPI)


def draw_histograms(path: Path, title: str, panels: Sequence[tuple[str, Floats, str]], across: int) -> None:
    """One histogram a panel (title, values, colour), counts on a log scale so that a long tail can be seen."""
    down = -(-len(panels) // across)
    figure = new_figure(3.0 * across, 2.2 * down + 0.4)
    figure.suptitle(title)
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes, (name, values, colour) in zip(grid, panels, strict=False):
        known = values[~np.isnan(values)]
        if len(known):
            axes.hist(known, bins=_BINS, color=colour, log=True)
            axes.set_ylim(bottom=0.7)  # a bar for a single one, too
            axes.yaxis.set_major_formatter("{x:,.0f}")
            axes.yaxis.set_minor_formatter("")
        axes.set_title(name if len(known) else f"{name}: nothing known", fontsize=9)
        axes.tick_params(labelsize=8)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    for row in range(down):
        grid[row * across].set_ylabel("how many (log scale)", fontsize=8)
    save(figure, path)


def draw_heatmaps(
    path: Path, maps: Sequence[tuple[str, Sequence[str], Sequence[Sequence[float | None]]]]
) -> None:
    """Correlations side by side, each (title, names, square of values in [-1, 1] or None)."""
    most = max(len(names) for _, names, _ in maps)
    figure = new_figure((0.75 * most + 2.0) * len(maps), 0.6 * most + 2.0)
    for axes, (title, names, values) in zip(np.ravel(figure.subplots(1, len(maps))), maps, strict=True):
        square = np.array([[np.nan if v is None else v for v in row] for row in values])
        axes.imshow(square, cmap="RdBu", vmin=-1, vmax=1)
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set_title(title)
        for (row, column), value in np.ndenumerate(square):
            said, colour = ("none", "black") if np.isnan(value) else (f"{value:.2f}", _ink(value))
            axes.text(column, row, said, ha="center", va="center", color=colour)
    save(figure, path)


def draw_bars(axes: Any, names: Sequence[str], series: Sequence[Series]) -> None:
    """Groups of horizontal bars, the first name on top."""
    places, height = np.arange(len(names)), 0.8 / len(series)
    for at, (label, values, colour) in enumerate(series):
        lengths = [0.0 if value is None else value for value in values]
        bars = axes.barh(places + (at + 0.5) * height - 0.4, lengths, height, label=label, color=colour)
        axes.bar_label(bars, ["none" if v is None else f"{v:.2f}" for v in values], padding=2, fontsize=8)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.margins(x=0.12)
    axes.grid(axis="x", alpha=0.3)


def _ink(value: float) -> str:
    return "white" if abs(value) > 0.6 else "black"
