"""Views and the trees over them, fitted together: what training makes, and what studies of training measure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.serving.boosting import Booster
from classifier.serving.views import ViewParams, Views
from classifier.training.balancing import Balance, balance
from classifier.training.boosting import BoosterParams, train_booster
from classifier.training.engines import FitTrees
from classifier.training.fit_views import (
    FIT_STEPS,
    LEFT_OUT_STEPS,
    FitRows,
    Step,
    fit_views,
    left_out_columns,
)

STACK_STEPS = FIT_STEPS + LEFT_OUT_STEPS + 1
"""Steps that `fit_stack` reports."""


@dataclass(frozen=True, slots=True)
class Stack:
    """`views` and the booster over their columns, as LightGBM's text."""

    views: Views
    booster_text: str

    def scores(self, rows: FitRows) -> NDArray[np.float64]:
        """Raw scores (n, labels) of rows it was not fitted on."""
        return Booster(self.booster_text).scores(self.views.columns(rows.texts, rows.embeddings))


def fit_stack(
    rows: FitRows,
    label_count: int,
    *,
    seed: int,
    views: ViewParams | None = None,
    boosting: BoosterParams | None = None,
    how: Balance = Balance.NONE,
    fit_trees: FitTrees = train_booster,
    step: Step = lambda: None,
) -> Stack:
    """The trees learn from columns of fits that left a row's fold out, and are balanced over these."""
    fitted = fit_views(rows, label_count, views or ViewParams(), seed, step)
    columns = left_out_columns(fitted, rows, seed, step)
    learned = balance(columns, rows.labels, how, seed)
    text = fit_trees(
        learned.columns, learned.labels, label_count, boosting or BoosterParams(), learned.weights
    )
    step()
    return Stack(fitted, text)
