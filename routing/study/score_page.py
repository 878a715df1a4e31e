"""The scores as a folder: one Markdown page and its charts as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from routing.originals.tables import Floats
from routing.study.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Series,
    draw_bars,
    draw_heatmaps,
    draw_histograms,
    make_folder,
    new_figure,
    save,
)
from routing.study.markdown import table
from routing.study.score_figures import Distribution, Influence, ScoreStudy
from routing.study.score_parts import Column, Parts, Recipe, Scale, rescale

DISTRIBUTION_COLUMNS = (
    "",
    "known",
    "missing",
    "mean",
    "sd",
    "5 %",
    "median",
    "95 %",
    "max",
    "skew",
    "gaps",
    "scale",
)
INFLUENCE_COLUMNS = ("component", "weight", "rank correlation", "share of variance")
INFLUENCE_NOTE = (
    "A weight is not an influence: what a component does is its rank correlation with the score, and its share of the "
    "score's variance (before the cap)."
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Tasks or agents: the score taken apart, its study, and the influences under the other recipe."""

    name: str
    parts: Parts
    study: ScoreStudy
    other: tuple[Influence, ...]


def distribution_cells(row: Distribution) -> tuple[str, ...]:
    """One row of the table, by DISTRIBUTION_COLUMNS."""
    quantiles = row.quantiles or (None,) * 5
    figures = (row.mean, row.sd, quantiles[0], quantiles[2], quantiles[4], row.maximum, row.skewness)
    scale = "" if row.scale is None else row.scale.value
    name = f"{row.name} (component)" if row.kind == "component" else row.name
    return (name, f"{row.count:,}", f"{row.missing:,}", *map(_figure, figures), row.gaps_get or "", scale)


def influence_cells(row: Influence) -> tuple[str, ...]:
    """One row of the table, by INFLUENCE_COLUMNS."""
    figures = (row.rank_correlation, row.variance_share)
    return (row.component, f"{row.weight:.2f}", *("none" if v is None else f"{v:.3f}" for v in figures))


def conclusions(subject: Subject) -> list[str]:
    """What the figures say, in sentences: the order by weight and by influence, and columns that work the other way."""
    rows = subject.study.influences
    by_weight = sorted(rows, key=lambda row: -row.weight)
    by_influence = sorted(rows, key=lambda row: -abs(row.rank_correlation or 0.0))
    said = [
        f"By weight: {_listed(by_weight, [f'{r.weight:.2f}' for r in by_weight])}. "
        f"By influence: {_listed(by_influence, [_figure(r.rank_correlation) for r in by_influence])}."
    ]
    said.extend(
        f"Against its purpose: the score moves with {name} the other way than meant "
        f"(rank correlation {subject.study.column_correlations[name]:+.3f})."
        for name in subject.study.against_purpose
    )
    return said


def write_page(folder: Path, recipe: Recipe, subjects: Sequence[Subject]) -> None:
    """Write report.md and the charts into `folder`."""
    make_folder(folder)
    for subject in subjects:
        title = f"{subject.name.capitalize()}: columns, components and score ({recipe.value})"
        draw_histograms(folder / f"{subject.name}-distributions.png", title, _panels(subject.parts), 4)
    components = [
        (_map_title(s, "components"), list(s.parts.components), s.study.correlations) for s in subjects
    ]
    columns = [(_map_title(s, "columns"), list(s.parts.columns), s.study.between_columns) for s in subjects]
    draw_heatmaps(folder / "correlations.png", components)
    draw_heatmaps(folder / "columns.png", columns)
    _draw_influence(folder / "influence.png", recipe, subjects)
    (folder / "report.md").write_text(_page(recipe, subjects), encoding="utf-8")


def _page(recipe: Recipe, subjects: Sequence[Subject]) -> str:
    lines = ["# What the scores are made of", "", _RECIPES[recipe], "", INFLUENCE_NOTE, ""]
    lines += [
        "![Weight and influence](influence.png)",
        "",
        "![Correlations](correlations.png)",
        "",
        "![Columns](columns.png)",
        "",
    ]
    for subject in subjects:
        lines += [f"## {subject.name.capitalize()}", "", *conclusions(subject), ""]
        lines += table(INFLUENCE_COLUMNS, [influence_cells(row) for row in subject.study.influences])
        lines += ["", f"The same weights, {_other(recipe).value} recipe:", ""]
        lines += table(INFLUENCE_COLUMNS, [influence_cells(row) for row in subject.other])
        lines += ["", "Columns against the score:", ""]
        found = subject.study.column_correlations.items()
        lines += table(("column", "rank correlation with the score"), [(n, _figure(v)) for n, v in found])
        lines += ["", "Distributions (of what is known):", ""]
        lines += table(DISTRIBUTION_COLUMNS, [distribution_cells(d) for d in subject.study.distributions])
        lines += ["", f"![Distributions]({subject.name}-distributions.png)", ""]
    return "\n".join(lines)


_RECIPES = {
    Recipe.CAREFUL: "Careful recipe: a gap gets its prior (named in the table), never the best value; a handling time of "
    "0 is a gap; where `start_time_missing` is 1 the days to the start are one; a skewed column is counted by its "
    "logarithm where that helps; every component is standardised before it is weighted.",
    Recipe.PUBLISHED: "Published recipe: gaps as the original filled them, so a handling time of 0, which stands for a "
    "missing one, counts as the fastest; only handling time by its logarithm; components of tasks are not standardised.",
}


def _map_title(subject: Subject, what: str) -> str:
    return f"{subject.name.capitalize()}: rank correlations of {what}"


def _panels(parts: Parts) -> list[tuple[str, Floats, str]]:
    columns = [
        (_column_title(column), rescale(column.measured, column.scale), GREY)
        for column in parts.columns.values()
    ]
    components = [(f"component: {name}", values, BLUE) for name, values in parts.components.items()]
    return [*columns, *components, ("score", parts.score, ORANGE)]


def _column_title(column: Column) -> str:
    return {
        Scale.PLAIN: column.name,
        Scale.LOG: f"log10({column.name} + 1)",
        Scale.MIRRORED_LOG: f"-log10(max - {column.name} + 1)",
    }[column.scale]


def _draw_influence(path: Path, recipe: Recipe, subjects: Sequence[Subject]) -> None:
    other, most = _other(recipe), max(len(subject.study.influences) for subject in subjects)
    figure = new_figure(5.6 * len(subjects), 1.1 * most + 1.6)
    for axes, subject in zip(figure.subplots(1, len(subjects), squeeze=False)[0], subjects, strict=True):
        rows = subject.study.influences
        series: list[Series] = [
            ("weight", [row.weight for row in rows], GREY),
            (f"rank correlation, {recipe.value}", [row.rank_correlation for row in rows], BLUE),
            (f"rank correlation, {other.value}", [row.rank_correlation for row in subject.other], ORANGE),
            (f"share of variance, {recipe.value}", [row.variance_share for row in rows], GREEN),
        ]
        draw_bars(axes, [row.component for row in rows], series)
        axes.set_title(f"{subject.name.capitalize()}: weight and influence")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    save(figure, path)


def _other(recipe: Recipe) -> Recipe:
    return Recipe.PUBLISHED if recipe is Recipe.CAREFUL else Recipe.CAREFUL


def _listed(rows: Sequence[Influence], figures: Sequence[str]) -> str:
    return ", ".join(f"{row.component} {figure}" for row, figure in zip(rows, figures, strict=True))


def _figure(value: float | None) -> str:
    if value is None:
        return "none"
    if abs(value) < 1e-9:  # a mean of standardised values is 0 but for the last bits
        return "0"
    return f"{value:.3g}" if abs(value) < 1000.0 else f"{value:,.0f}"
