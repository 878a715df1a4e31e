"""What is compared: five models on the bare embedding, a linear SVM on words alone, and the model as it is trained.

Each gives scores whose softmax, with a temperature, is a probability: a model's own logarithms where it has probabilities.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from classifier.errors import DataRefused
from classifier.serving.boosting import Booster
from classifier.serving.tfidf import Tfidf
from classifier.serving.views import ViewParams
from classifier.training.balancing import Balance, Balanced
from classifier.training.balancing import balance as balance_rows
from classifier.training.boosting import BoosterParams, train_booster
from classifier.training.fit_views import FitRows, fit_svm, term_matrix
from classifier.training.stack import fit_stack

Scores = NDArray[np.float64]
Scorer = Callable[[FitRows], Scores]
Learner = Callable[[FitRows, int, Balance, int], Scorer]
Build = Callable[[int], Any]
"""From a seed to a scikit-learn classifier."""


def _on_embedding(build: Build) -> Learner:
    """A scikit-learn classifier on the bare embedding."""

    def learn(rows: FitRows, label_count: int, how: Balance, seed: int) -> Scorer:
        learned = balance_rows(rows.embeddings, rows.labels, how, seed)
        with (
            warnings.catch_warnings(),
            threadpool_limits(limits=1),
        ):  # beside other work, matrix libraries' threads wait for each other
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # a fixed number of rounds, alike for all data
            model = _weighted(build(seed), learned)

        def score(asked: FitRows) -> Scores:
            found = np.full((len(asked.labels), label_count), 1e-6)
            found[:, model.classes_] = np.maximum(model.predict_proba(asked.embeddings), 1e-6)
            return np.asarray(np.log(found))

        return score

    return learn


def _weighted(model: Any, learned: Balanced) -> Any:
    if learned.weights is None:
        return model.fit(learned.columns, learned.labels)
    step = model.steps[-1][0] + "__" if hasattr(model, "steps") else ""
    return model.fit(learned.columns, learned.labels, **{f"{step}sample_weight": learned.weights})


def _logistic(seed: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=300, random_state=seed))


def _forest(seed: int) -> Any:
    return RandomForestClassifier(200, min_samples_leaf=2, n_jobs=2, random_state=seed)


def _network(seed: int) -> Any:
    return make_pipeline(StandardScaler(), MLPClassifier((256,), alpha=1e-2, max_iter=40, random_state=seed))


def _xgboost(seed: int) -> Any:
    try:
        from xgboost import XGBClassifier  # noqa: PLC0415  (one of the optional study packages)
    except ModuleNotFoundError as error:
        raise DataRefused("comparing with XGBoost needs xgboost; run: make setup-study") from error
    return XGBClassifier(
        n_estimators=150, max_depth=5, learning_rate=0.1, subsample=0.8, colsample_bytree=0.2, max_bin=64,
        n_jobs=2, random_state=seed,
    )  # fmt: skip


def _lightgbm(rows: FitRows, label_count: int, how: Balance, seed: int) -> Scorer:
    learned = balance_rows(rows.embeddings, rows.labels, how, seed)
    params = BoosterParams(feature_fraction=0.2, learning_rate=0.05, seed=seed + 1)
    text = train_booster(learned.columns, learned.labels, label_count, params, learned.weights)
    booster = Booster(text)
    return lambda asked: booster.scores(asked.embeddings)


def _words(rows: FitRows, label_count: int, how: Balance, seed: int) -> Scorer:
    tfidf = Tfidf.fit(rows.texts, pairs=True, most_words=None, most_terms=ViewParams().most_terms)
    learned = balance_rows(term_matrix(tfidf, rows.texts), rows.labels, how, seed)
    weights, bias = fit_svm(learned.columns, learned.labels, label_count, seed, learned.weights)
    return lambda asked: np.asarray(tfidf.project(asked.texts, weights) + bias, dtype=np.float64)


def _as_trained(rows: FitRows, label_count: int, how: Balance, seed: int) -> Scorer:
    return fit_stack(rows, label_count, seed=seed, how=how).scores


CONTENDERS: dict[str, Learner] = {
    "logistic regression": _on_embedding(_logistic),
    "random forest": _on_embedding(_forest),
    "XGBoost": _on_embedding(_xgboost),
    "LightGBM": _lightgbm,
    "MLP": _on_embedding(_network),
    "linear SVM on words": _words,
    "hybrid, as trained": _as_trained,
}
