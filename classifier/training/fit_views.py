"""Fitting the five views, and what they say of rows they have not seen.

Trees that learned from columns of rows the views know would trust them too much. So each view's columns for a fit row come
from a fit that left its fold out; rows that say nearly the same are in one fold together.
"""

import math
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from classifier.serving.neighbours import Floats, Labels, Neighbours
from classifier.serving.tfidf import Tfidf
from classifier.serving.views import INPUT_SCALE, Layers, LinearView, Spaces, ViewParams, Views, unit

FOLDS = 5
FIT_STEPS = FOLDS + 2
LEFT_OUT_STEPS = FOLDS + 2
"""Steps that `fit_views` and `left_out_columns` report."""

_SVM_COST = 0.3
_HIDDEN = 256
_DECAY = 1e-2
_NETWORK_STEPS = 720
_NEVER = -30.0  # a score that no softmax notices

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class FitRows:
    """Cleaned texts (n), embeddings (n, d), label indices (n,), and groups (n,): rows of one say nearly the same."""

    texts: Sequence[str]
    embeddings: Floats
    labels: Labels
    groups: Labels

    def folds(self, seed: int) -> Labels:
        """The fold in 0..FOLDS-1 of each row: groups are dealt in turn, label by label, so that every fold has all labels."""
        first = {group: place for place, group in reversed(list(enumerate(self.groups.tolist())))}
        groups = np.array(list(first))
        np.random.default_rng(seed).shuffle(groups)
        dealt = sorted(groups.tolist(), key=lambda group: int(self.labels[first[group]]))
        fold_of = {group: place % FOLDS for place, group in enumerate(dealt)}
        return np.array([fold_of[group] for group in self.groups.tolist()], dtype=np.int64)


# Matrix libraries spread small products over all cores and then wait for each other: beside other work the fit of 1,000
# rows took twenty times as long as with one thread. And one thread gives the same figures on every machine.
@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def fit_views(rows: FitRows, label_count: int, params: ViewParams, seed: int, step: Step) -> Views:
    """All five views of these rows, as they will read once saved: with rounded weights and packed neighbours."""
    spaces = _fit_spaces(rows, params, seed)
    places = spaces.place(rows.texts, rows.embeddings)
    step()
    words = Tfidf.fit(rows.texts, pairs=True, most_words=None, most_terms=params.most_terms)
    opening = Tfidf.fit(rows.texts, pairs=True, most_words=params.opening_words, most_terms=params.most_terms)
    joint, folds = places.joint, rows.folds(seed)
    networks = []
    # Around the threads, not in each: filters are the whole process's, and threads would restore each other's.
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore", ConvergenceWarning)  # they are stopped early on purpose
        linear = pool.submit(_linear_views, (words, opening), rows, label_count, seed)
        fits = [
            pool.submit(_network, joint[folds != fold], rows.labels[folds != fold], label_count, seed)
            for fold in range(FOLDS)
        ]
        margins = linear.result()
        step()
        for fit in fits:
            networks.append(fit.result())
            step()
    views = Views(
        spaces=spaces,
        words=margins[0],
        opening=margins[1],
        networks=tuple(networks),
        alike=Neighbours(places.meaning, rows.labels, params.meaning_voters, params.told_similarities),
        alike_worded=Neighbours(
            places.worded(params.wording_neighbour_dimensions), rows.labels, params.wording_voters, 0
        ),
        label_count=label_count,
        params=params,
    )
    return Views.from_arrays(views.arrays(), label_count, params)


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def left_out_columns(views: Views, rows: FitRows, seed: int, step: Step) -> Floats:
    """The views' columns (n, width) for the very rows they were fitted on, each from fits without its fold.

    `seed` must be that of `fit_views`: the networks of the folds are used again.
    """
    folds = rows.folds(seed)
    joint = views.spaces.place(rows.texts, rows.embeddings).joint
    matrices = [term_matrix(view.tfidf, rows.texts) for view in (views.words, views.opening)]
    margins = np.zeros((len(folds), 3, views.label_count), dtype=np.float32)

    def fill() -> None:
        for fold in range(FOLDS):
            own, others = folds == fold, folds != fold
            for place, matrix in enumerate(matrices):
                weights, bias = fit_svm(matrix[others], rows.labels[others], views.label_count, seed)
                margins[own, place] = matrix[own] @ weights + bias
            margins[own, 2] = views.networks[fold].columns(joint[own])
            step()

    votes = []
    with ThreadPoolExecutor(1) as pool:  # one: see `_linear_views`
        filled = pool.submit(fill)
        for neighbours in (views.alike, views.alike_worded):
            votes.append(neighbours.columns(neighbours.nearest_of_own(rows.groups), views.label_count))
            step()
        filled.result()
    return np.hstack([margins.reshape(len(folds), -1), *votes]).astype(np.float32)


def _linear_views(tfidfs: Sequence[Tfidf], rows: FitRows, label_count: int, seed: int) -> list[LinearView]:
    """One after the other: the solver draws from one generator for the whole process, and two at once would share it."""
    return [
        LinearView(tfidf, *fit_svm(term_matrix(tfidf, rows.texts), rows.labels, label_count, seed))
        for tfidf in tfidfs
    ]


def _fit_spaces(rows: FitRows, params: ViewParams, seed: int) -> Spaces:
    mean = rows.embeddings.mean(axis=0).astype(np.float32)
    centred = unit(rows.embeddings - mean).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)  # smallest first
    meaning = directions[:, ::-1][:, : params.meaning_dimensions]
    tfidf = Tfidf.fit(rows.texts, pairs=False, most_words=None, most_terms=params.most_wordings)
    return Spaces(
        mean, meaning.astype(np.float32), tfidf, _wording(term_matrix(tfidf, rows.texts), params, seed)
    )


def _wording(matrix: csr_matrix, params: ViewParams, seed: int) -> Floats:
    """The main directions of the rows (words, dimensions); one of zeros where too few words are shared for any."""
    dimensions = min(params.wording_dimensions, min(matrix.shape) - 1)
    if dimensions < 1:
        return np.zeros((matrix.shape[1], 1), dtype=np.float32)
    found = TruncatedSVD(dimensions, n_iter=3, random_state=seed).fit(matrix)
    return np.asarray(found.components_.T, dtype=np.float32)


def term_matrix(tfidf: Tfidf, texts: Sequence[str]) -> csr_matrix:
    """The texts' rows under one another: float32, shape (n, width), one of zeros for a text of unknown terms."""
    weighed = [tfidf.weigh(text) for text in texts]
    starts = np.cumsum([0, *(len(row.places) for row in weighed)])
    places = np.concatenate([row.places for row in weighed])
    weights = np.concatenate([row.weights for row in weighed])
    return csr_matrix((weights, places, starts), shape=(len(texts), tfidf.width))


def fit_svm(
    matrix: csr_matrix,
    labels: Labels,
    label_count: int,
    seed: int,
    row_weights: NDArray[np.float64] | None = None,
) -> tuple[Floats, Floats]:
    """Weights (columns, labels) and bias (labels,) of a linear SVM, one label against the rest."""
    if matrix.shape[1] == 0:  # no two texts share a term
        return np.zeros((0, label_count), dtype=np.float32), np.zeros(label_count, dtype=np.float32)
    model = LinearSVC(C=_SVM_COST, random_state=seed).fit(matrix, labels, sample_weight=row_weights)
    coefficients, bias = model.coef_.T, model.intercept_
    if len(model.classes_) == 2:  # scikit-learn gives the second of two labels alone
        coefficients, bias = np.hstack([-coefficients, coefficients]), np.array([-bias[0], bias[0]])
    weights = np.zeros((matrix.shape[1], label_count), dtype=np.float32)
    biases = np.full(label_count, -1.0, dtype=np.float32)  # a label that this fold lacks
    weights[:, model.classes_], biases[model.classes_] = coefficients, bias
    return weights, biases


def _network(inputs: Floats, labels: Labels, label_count: int, seed: int) -> Layers:
    """About as many steps whatever the number of rows: of few rows, smaller batches more often."""
    batch = int(np.clip(len(inputs) // 120, min(32, len(inputs)), 256))
    rounds = math.ceil(_NETWORK_STEPS / math.ceil(len(inputs) / batch))
    model = MLPClassifier(
        (_HIDDEN,),
        alpha=_DECAY,
        batch_size=batch,
        max_iter=rounds,
        n_iter_no_change=rounds,
        random_state=seed,
    )
    model.fit(np.asarray(inputs * INPUT_SCALE, dtype=np.float32), labels)
    output, output_bias = model.coefs_[1], model.intercepts_[1]
    if len(model.classes_) == 2:  # one logistic unit: the softmax of (0, z)
        output = np.hstack([np.zeros_like(output), output])
        output_bias = np.array([0.0, output_bias[0]])
    weights = np.zeros((_HIDDEN, label_count))
    biases = np.full(label_count, _NEVER)
    weights[:, model.classes_], biases[model.classes_] = output, output_bias
    return Layers(*(_float32(part) for part in (model.coefs_[0], model.intercepts_[0], weights, biases)))


def _float32(array: NDArray[np.floating]) -> Floats:
    return array.astype(np.float32)
