"""LightGBM, native API: training to a text, and scoring from one."""

from dataclasses import asdict, dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

MANY_ROWS = 5_000
"""From here on training uses all cores."""


@dataclass(frozen=True, slots=True)
class BoosterParams:
    """LightGBM's own names. Chosen on calibration rows of the starter data; few rows want small, many-voiced trees."""

    learning_rate: float = 0.05
    num_leaves: int = 7
    rounds: int = 150
    feature_fraction: float = 0.3
    bagging_fraction: float = 0.8
    min_data_in_leaf: int = 10
    lambda_l2: float = 1.0
    max_bin: int = 63
    seed: int = 1

    def as_lightgbm(self, label_count: int) -> dict[str, object]:
        options = asdict(self)
        options.pop("rounds")
        return options | {
            "objective": "multiclass",
            "num_class": label_count,
            "bagging_freq": 1,
            "deterministic": True,
            "force_row_wise": True,
            "verbose": -1,
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
    features: NDArray[np.float32], labels: NDArray[np.int64], label_count: int, params: BoosterParams
) -> str:
    """The booster as LightGBM's text. The same input and seed give the same text."""
    # OpenMP's threads wait for each other after every tree level: on few rows and a busy machine that took 44 s, one
    # thread 2 s. The result does not depend on it (`deterministic`).
    threads = 1 if len(features) < MANY_ROWS else 0
    options = params.as_lightgbm(label_count) | {"num_threads": threads}
    booster = lgb.train(options, lgb.Dataset(features, label=labels), num_boost_round=params.rounds)
    return str(booster.model_to_string())


def softmax(scores: NDArray[np.float64], temperature: float = 1.0) -> NDArray[np.float64]:
    """Rows of probabilities; a temperature above 1 makes them less certain."""
    scaled = np.asarray(scores, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares
