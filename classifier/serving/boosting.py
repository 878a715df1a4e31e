"""LightGBM, native API: training to a text, and scoring from one."""

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


class Booster:
    """A trained booster. Safe to share between threads."""

    def __init__(self, text: str) -> None:
        """`text` must be known to be whole: LightGBM aborts the process on a truncated one."""
        self._booster = lgb.Booster(model_str=text)
        self.label_count = int(self._booster.num_model_per_iteration())
        self.width = int(self._booster.num_feature())

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw scores before the softmax: float64, shape (n, label_count)."""
        return np.asarray(self._booster.predict(features, raw_score=True, num_threads=1), dtype=np.float64)


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


def softmax(scores: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    """Rows of probabilities; a temperature above 1 makes them less certain."""
    scaled = np.asarray(scores, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
