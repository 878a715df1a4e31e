"""What a category is worth that a model is given later, from few examples: left out of training, added, and measured.

The examples come from fit rows that the views did not see, in several draws; figures are on test rows of all categories.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.dataset import Split
from classifier.serving.added import AddedCategory, head_inputs, located, with_added
from classifier.serving.boosting import softmax
from classifier.serving.neighbours import Floats
from classifier.training.add_category import background_of, fit_head
from classifier.training.calibration import fit_temperature
from classifier.training.fit_views import FitRows
from classifier.training.stack import fit_stack

EVERY = "all, mean"


@dataclass(frozen=True, slots=True)
class Measured:
    """Means over the draws: `recall` and `precision` of the category's own test rows (None where there are none, or none was
    ever taken for it), `accuracy` of all test rows, and `without` the category."""

    category: str
    examples: int
    recall: float | None
    precision: float | None
    accuracy: float
    without: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


COLUMNS = ("category", "examples", "recall", "precision", "accuracy", "accuracy without it")


def cells(row: Measured) -> tuple[str, ...]:
    """A line of the table."""
    figures = (row.recall, row.precision, row.accuracy, row.without)
    return (row.category, str(row.examples), *("-" if f is None else f"{f:.3f}" for f in figures))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a model without the category makes of n rows: what a head reads of them, where they lie, and probabilities."""

    inputs: Floats
    rows: Floats
    said: NDArray[np.float64]


class ColdStart:
    """`parts`: rows by split, with label indices into `labels`."""

    def __init__(
        self,
        parts: Mapping[Split, FitRows],
        labels: Sequence[str],
        *,
        most_rows: int,
        draws: int,
        share: float,
        seed: int,
    ) -> None:
        self._labels, self._draws, self._share, self._seed = tuple(labels), draws, share, seed
        self._test, self._calibration = parts[Split.TEST], parts[Split.CALIBRATION]
        order = np.random.default_rng(seed).permutation(len(parts[Split.FIT].labels))
        self._fit = _some(parts[Split.FIT], np.sort(order[:most_rows]))
        self._all_fit = parts[Split.FIT]

    @property
    def test_rows(self) -> int:
        return len(self._test.labels)

    def measure(self, category: str, counts: Sequence[int]) -> list[Measured]:
        """A row for each number of examples of which there are as many."""
        left_out = self._labels.index(category)
        own = np.flatnonzero(self._all_fit.labels == left_out)
        model = _Without(self._fit, self._calibration, len(self._labels), left_out, self._seed)
        test = model.see(self._test)
        is_own = self._test.labels == left_out
        before = test.said.argmax(axis=1) == model.renumbered[self._test.labels]
        measured = []
        for count in (count for count in counts if count <= len(own)):
            draws = []
            for draw in range(self._draws):
                chosen = np.random.default_rng((self._seed, draw)).permutation(own)[:count]
                said = self._added(model, _some(self._all_fit, chosen), test)
                taken = said.argmax(axis=1) == len(self._labels) - 1
                right = np.where(is_own, taken, before & ~taken)
                own_among_taken = float(is_own[taken].mean()) if taken.any() else np.nan
                found = float(taken[is_own].mean()) if is_own.any() else np.nan
                draws.append((found, own_among_taken, float(right.mean())))
            recall, precision, accuracy = (_mean([draw[at] for draw in draws]) for at in range(3))
            without = float((before & ~is_own).mean())
            measured.append(Measured(category, count, recall, precision, accuracy or 0.0, without))
        return measured

    def _added(self, model: "_Without", examples: FitRows, test: _Seen) -> NDArray[np.float64]:
        head = fit_head(
            model.see(examples).inputs,
            examples.groups,
            model.background,
            label_count=len(self._labels) - 1,
            share=self._share,
            seed=self._seed,
        )
        return with_added(test.said, test.rows, [AddedCategory("", head.weights, head.bias, test.inputs[:0])])

    def means(self, measured: Sequence[Measured]) -> list[Measured]:
        """The mean for each number of examples, over the categories that have all these numbers."""
        counts = sorted({row.examples for row in measured})
        tried = Counter(row.category for row in measured)
        rows = []
        for count in counts:
            same = [row for row in measured if row.examples == count and tried[row.category] == len(counts)]
            if not same:
                continue
            columns = {
                name: _mean([getattr(row, name) for row in same])
                for name in ("recall", "precision", "accuracy", "without")
            }
            rows.append(Measured(EVERY, count, **columns))  # type: ignore[arg-type]
        return rows


class _Without:
    """A model trained as others are, but for one label; `renumbered` (labels,) gives the others' places in it."""

    def __init__(
        self, fit: FitRows, calibration: FitRows, label_count: int, left_out: int, seed: int
    ) -> None:
        self.renumbered = np.array([label - (label > left_out) for label in range(label_count)])
        fit, calibration = (self._others(rows, left_out) for rows in (fit, calibration))
        self._stack = fit_stack(fit, label_count - 1, seed=seed)
        scores = self._stack.scores(calibration)
        self._temperature = fit_temperature(scores, calibration.labels)
        said = softmax(scores, self._temperature)
        self.background = background_of(self._stack.views, calibration, said, seed).inputs()

    def _others(self, rows: FitRows, left_out: int) -> FitRows:
        some = _some(rows, np.flatnonzero(rows.labels != left_out))
        return FitRows(some.texts, some.embeddings, self.renumbered[some.labels], some.groups)

    def see(self, rows: FitRows) -> _Seen:
        said, views = softmax(self._stack.scores(rows), self._temperature), self._stack.views
        lying = located(views.spaces.place(rows.texts, rows.embeddings), views)
        return _Seen(head_inputs(lying, said), lying, said)


def _some(rows: FitRows, places: NDArray[np.int64]) -> FitRows:
    return FitRows(
        [rows.texts[place] for place in places],
        rows.embeddings[places],
        rows.labels[places],
        rows.groups[places],
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and not np.isnan(value)]
    return float(np.mean(known)) if known else None
