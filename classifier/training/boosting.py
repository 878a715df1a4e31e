"""Training the trees that weigh the views: LightGBM, to its own text."""

from dataclasses import asdict, dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class BoosterParams:
    """LightGBM's own names. `rows_in_leaf`: min_data_in_leaf; None: a 300th of the rows, from 20 to 100."""

    learning_rate: float = 0.03
    num_leaves: int = 15
    rounds: int = 200
    feature_fraction: float = 0.5
    bagging_fraction: float = 0.8
    rows_in_leaf: int | None = None
    lambda_l2: float = 5.0
    max_bin: int = 127
    seed: int = 1

    def as_lightgbm(self, rows: int, label_count: int) -> dict[str, object]:
        options = asdict(self)
        options.pop("rounds")
        in_leaf = options.pop("rows_in_leaf") or min(max(rows // 300, 20), 100)
        return options | {
            "min_data_in_leaf": in_leaf,
            "objective": "multiclass",
            "num_class": label_count,
            "bagging_freq": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
            # OpenMP's threads wait for each other after every tree level: beside other work two took ten times as long
            # as one, and alone they gain a second on 40,000 rows.
            "num_threads": 1,
        }


def train_booster(
    features: NDArray[np.float32],
    labels: NDArray[np.int64],
    label_count: int,
    params: BoosterParams,
    weights: NDArray[np.float64] | None = None,
) -> str:
    """The booster as LightGBM's text; `weights` (n,) of the rows. The same input and seed give the same text."""
    options = params.as_lightgbm(len(features), label_count)
    booster = lgb.train(options, lgb.Dataset(features, label=labels, weight=weights), params.rounds)
    return str(booster.model_to_string())
