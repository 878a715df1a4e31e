"""How good a model is with so many rows: trained as always on some of them, and measured on the same test rows each time."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from classifier.data.dataset import Dataset, Example, Shares, Split
from classifier.data.splits import split_by_group
from classifier.encoders.store import Installed
from classifier.errors import DataRefused
from classifier.evaluation.evaluate import report, run
from classifier.serving.serve import load
from classifier.training.train import Progress, TrainParams, train


@dataclass(frozen=True, slots=True)
class Point:
    """`rows` in all, those for calibration and for training's own test included; figures on `measured_on` other rows."""

    rows: int
    accuracy: float
    weighted_precision: float
    log_loss: float
    ece: float
    one_shown: float
    shown: float
    right_when_one: float | None
    right_among_shown: float | None
    measured_on: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


COLUMNS = (
    "rows",
    "accuracy",
    "weighted precision",
    "log loss",
    "ECE",
    "one shown",
    "right then",
    "right shown",
)


def cells(point: Point) -> tuple[str, ...]:
    """A line of the table."""
    known = (point.accuracy, point.weighted_precision, point.log_loss, point.ece)
    shares = (point.one_shown, point.right_when_one, point.shown, point.right_among_shown)
    return (
        f"{point.rows:,}",
        *(f"{figure:.3f}" for figure in known),
        *("-" if share is None else f"{share:.1%}" for share in shares),
    )


def learning_curve(
    dataset: Dataset,
    encoder: Installed,
    cache_dir: Path,
    sizes: Sequence[int],
    params: TrainParams,
    now: datetime,
    progress: Progress,
) -> Iterator[Point]:
    """A point for each of `sizes`; a larger one holds the rows of the smaller.

    Raises DataRefused when there are not so many rows beside the test rows, or too few of some category among them.
    """
    test = dataset.of(Split.TEST)
    others = [example for example in dataset.examples if example.split is not Split.TEST]
    if max(sizes) > len(others):
        raise DataRefused(f"{dataset.name} has {len(others)} rows beside its test rows, not {max(sizes)}")
    order = np.random.default_rng(params.seed).permutation(len(others))
    for size in sizes:
        few = _as_file(dataset, [others[place] for place in order[:size]], params.seed)
        with TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            train(few, encoder, model, cache_dir, params, now, progress)
            classifier = load(model, encoder.folder.parent)
        step = progress(f"Measuring what {size:,} rows taught", len(test))
        figures = report(run(classifier, test, step), encoder.recipe.understands)
        if figures.model is None:
            raise DataRefused(f"encoder {encoder.recipe.name} reads none of the test rows of {dataset.name}")
        yield Point(
            rows=size,
            accuracy=figures.model.accuracy,
            weighted_precision=figures.model.weighted_precision,
            log_loss=figures.model.log_loss,
            ece=figures.model.ece,
            one_shown=figures.one.value or 0.0,
            shown=1.0 - (figures.abstained.value or 0.0),
            right_when_one=figures.right_when_one.value,
            right_among_shown=figures.right_among_shown.value,
            measured_on=figures.model.n,
        )


def _as_file(dataset: Dataset, examples: Sequence[Example], seed: int) -> Dataset:
    """These rows as if they were a file of their own, split by group."""
    splits = split_by_group(
        [example.text for example in examples],
        [example.category for example in examples],
        [example.group for example in examples],
        Shares.for_rows(len(examples)),
        seed,
    )
    own = (replace(example, split=split) for example, split in zip(examples, splits, strict=True))
    return replace(dataset, examples=tuple(own), brings_split=False)
