"""The comparison as a folder: one Markdown page, its charts as PNG, and the figures as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.data.dataset import Dataset
from classifier.evaluation.metrics import ECE_BINS
from classifier.study.compare import Contender
from classifier.training.balancing import Balance

COLUMNS = ("model", "precision", "accuracy", "95 %", "top 2", "macro-F1", "log loss", "ECE", "fit s")


def cells(contender: Contender) -> tuple[str, ...]:
    """One row of the table, by COLUMNS."""
    own, (low, high) = contender.figures, contender.accuracy_interval
    figures = (own.top_two, own.macro_f1, own.log_loss, own.ece)
    return (
        _name(contender),
        f"{own.weighted_precision:.3f}",
        f"{own.accuracy:.3f}",
        f"{low:.3f}-{high:.3f}",
        *(f"{value:.3f}" for value in figures),
        f"{contender.fit_s:.1f}",
    )


def write_page(
    folder: Path,
    dataset: Dataset,
    encoder: str,
    labels: Sequence[str],
    contenders: Sequence[Contender],
    truths: NDArray[np.int64],
) -> None:
    """Write report.md, report.json and three charts into `folder`; `truths`: the test rows' label indices."""
    folder.mkdir(parents=True, exist_ok=True)
    best = contenders[-1]
    _models_chart(folder / "models.png", contenders)
    _calibration_chart(folder / "calibration.png", best, truths)
    _confusion_chart(folder / "confusion.png", best, truths, labels)
    figures = {"data": dataset.name, "encoder": encoder, "models": [c.as_dict() for c in contenders]}
    (folder / "report.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (folder / "report.md").write_text(_page(dataset, encoder, contenders, len(truths)), encoding="utf-8")


def _page(dataset: Dataset, encoder: str, contenders: Sequence[Contender], tested: int) -> str:
    best = contenders[-1]
    lines = [
        "# Comparison of classifiers",
        "",
        f"`{dataset.name}` ({len(dataset.examples)} rows, SHA-256 `{dataset.fingerprint[:12]}`), encoder `{encoder}`, "
        f"figures on {tested} test rows that no model and no temperature has seen. Rows that say nearly the same are in one "
        "split together.",
        "",
        "Precision is weighted by each category's rows; 95 %: bootstrap interval of the accuracy over the test rows; ECE: "
        "mean gap between a model's confidence and how often it is right; fit s: seconds to learn, embeddings not counted.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---" * len(COLUMNS) + "|",
        *("| " + " | ".join(cells(contender)) + " |" for contender in contenders),
        "",
        "![Models](models.png)",
        "",
        f"## {_name(best)}",
        "",
        "| category | n | precision | recall | F1 |",
        "|---|---|---|---|---|",
        *(
            f"| {row.label} | {row.n} | {row.precision:.3f} | {row.recall:.3f} | {row.f1:.3f} |"
            for row in best.figures.labels
        ),
        "",
        "![Calibration](calibration.png)",
        "",
        "![Confusion](confusion.png)",
        "",
    ]
    return "\n".join(lines)


def _name(contender: Contender) -> str:
    return contender.name + ("" if contender.balance is Balance.NONE else f" ({contender.balance})")


def _models_chart(path: Path, contenders: Sequence[Contender]) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)

    figure = Figure(figsize=(8, 0.5 * len(contenders) + 1.2), layout="constrained")
    axes = figure.subplots()
    accuracy = np.array([c.figures.accuracy for c in contenders])
    low, high = np.array([c.accuracy_interval for c in contenders]).T
    places = np.arange(len(contenders))
    axes.errorbar(
        accuracy, places, xerr=[accuracy - low, high - accuracy], fmt="o", capsize=3, color="#1164a3"
    )
    axes.plot([c.figures.weighted_precision for c in contenders], places, "D", color="#e8912d", markersize=4)
    axes.set_yticks(places, [_name(c) for c in contenders])
    axes.set_xlabel("accuracy with its 95 % interval (blue), weighted precision (orange)")
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)


def _calibration_chart(path: Path, contender: Contender, truths: NDArray[np.int64]) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)

    confidence = contender.probabilities.max(axis=1)
    is_right = contender.probabilities.argmax(axis=1) == truths
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    used = [place for place in range(ECE_BINS) if (bins == place).sum() >= 10]
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(
        [confidence[bins == place].mean() for place in used],
        [is_right[bins == place].mean() for place in used],
        "o-",
        color="#1164a3",
    )
    axes.set(
        xlabel="confidence of the first category",
        ylabel="share that is right",
        xlim=(0, 1),
        ylim=(0, 1),
        title=f"{contender.name}: ECE {contender.figures.ece:.3f}",
    )
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def _confusion_chart(
    path: Path, contender: Contender, truths: NDArray[np.int64], labels: Sequence[str]
) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415  (only a report needs it)

    counts = np.zeros((len(labels), len(labels)))
    np.add.at(counts, (truths, contender.probabilities.argmax(axis=1)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(0.8 * len(labels) + 2.5, 0.7 * len(labels) + 2), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true", title="Share of each true category")
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            axes.text(
                column,
                row,
                f"{share:.0%}",
                ha="center",
                va="center",
                color="white" if share > 0.5 else "black",
            )
    figure.savefig(path, dpi=120)
