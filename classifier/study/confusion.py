"""Which raw categories a cheap classifier takes for each other, cross-validated over a sample.

Linear discriminant analysis on the embedding (Fisher 1936, with a shrunk covariance) takes seconds for 200 categories, and
gives probabilities for categories as often as they really are, though the sample has as many of each as it can.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from classifier.serving.boosting import softmax
from classifier.training.calibration import fit_temperature

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

_FOLDS = 5
_DIMENSIONS = 128  # of the embedding's principal ones: a quarter of the time for a hundredth of the accuracy
_SHRINKAGE = 0.3
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Told:
    """Shares of rows, each category as often as it really is: the vote is right, or the right one is among the two best."""

    accuracy: float
    two_best: float


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """Sampled rows of k categories, as they vote: `labels` (n,), `votes` (n, k), and which measure instead of choosing.

    `centroids` (k, d) of the choosing rows; `volumes` (k,): rows of each category in truth. `joint` (k, k): how the choosing
    rows of each vote, every row adding up to 1.
    """

    labels: Labels
    votes: Floats
    is_measured: NDArray[np.bool_]
    centroids: Floats
    volumes: Floats
    joint: Floats

    def told(self, group: Labels) -> Told:
        """What the measuring rows tell of `group` (k,), the group of each category; -1 is left out."""
        names, dense = np.unique(group, return_inverse=True)
        members = np.eye(len(names))[dense][:, names >= 0]
        asked = self.is_measured & (group[self.labels] >= 0)
        labels = self.labels[asked]
        scores = self.votes[asked] @ members
        own = scores[np.arange(len(labels)), members[labels].argmax(axis=1)]
        better = (scores > own[:, None]).sum(axis=1)
        weights = (self.volumes / np.maximum(np.bincount(labels, minlength=len(self.volumes)), 1))[labels]
        weights /= weights.sum()
        return Told(float(weights @ (better == 0)), float(weights @ (better < 2)))

    def settled(self, group: Labels) -> Labels:
        """`group` (k,) without strangers: smaller categories whose rows vote for the rest of their group no more often than
        rows in general do. Where votes and meaning agree on another group they move there, else they are in none (-1)."""
        shares, settled = self.volumes / self.volumes.sum(), group.copy()
        names = np.unique(group)
        members = names[:, None] == group
        for place in range(len(group)):
            rest = members & (np.arange(len(group)) != place)
            own = int(np.flatnonzero(names == group[place])[0])
            sizes = rest @ shares
            others = max(1 - self.joint[place, place], _LEAST)
            lift = (rest @ self.joint[place]) / others / np.maximum(sizes, _LEAST)
            if sizes[own] > shares[place] and lift[own] * (1 - shares[place]) <= 1:
                centres = (rest * shares) @ self.centroids / np.maximum(sizes, _LEAST)[:, None]
                nearest = int((centres @ self.centroids[place]).argmax())
                settled[place] = names[nearest] if nearest == int(lift.argmax()) else -1
        return settled


def cross_validate(
    vectors: NDArray[np.float32], labels: Labels, volumes: Floats, twins: Labels, seed: int
) -> CrossValidated:
    """Let rows with these `vectors` (n, d) vote; of a category's rows every second measures, with those that say the same as it.
    For the rest see `votes`."""
    is_measured = np.zeros(len(labels), dtype=bool)
    for place in range(len(volumes)):
        own = np.flatnonzero(labels == place)
        _, first, group = np.unique(twins[own], return_index=True, return_inverse=True)
        is_measured[own] = first.argsort().argsort()[group] % 2 == 1
    choosing = [np.flatnonzero(~is_measured & (labels == place)) for place in range(len(volumes))]
    voted = votes(vectors, labels, volumes, twins, seed)
    centroids = np.stack([vectors[own].mean(axis=0) for own in choosing]).astype(np.float64)
    joint = np.stack([voted[own].mean(axis=0) for own in choosing])
    return CrossValidated(labels, voted, is_measured, centroids, volumes, joint)


def votes(vectors: NDArray[np.float32], labels: Labels, volumes: Floats, twins: Labels, seed: int) -> Floats:
    """Probabilities (n, k) of the k labels for rows with these `vectors` (n, d), each from rows of other folds.

    `volumes` (k,): rows of each label in truth. Rows with the same number in `twins` (n,) are in one fold: they say the same.
    One temperature for all keeps the probabilities from being surer than they are right (Guo et al. 2017).
    """
    shares = volumes / volumes.sum()
    found = np.tile(
        shares, (len(labels), 1)
    )  # what is known of a row when its fold has nothing to learn from
    if len(np.unique(twins)) < 2:
        return found
    columns = PCA(min(_DIMENSIONS, *vectors.shape), random_state=seed).fit_transform(
        vectors.astype(np.float64)
    )
    folds = GroupKFold(min(_FOLDS, len(np.unique(twins))), shuffle=True, random_state=seed)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Only one sample available")
        for learn, ask in folds.split(columns, labels, twins):
            known = np.unique(labels[learn])
            if 1 < len(known) < len(learn):
                model = LinearDiscriminantAnalysis(
                    solver="lsqr", shrinkage=_SHRINKAGE, priors=shares[known] / shares[known].sum()
                ).fit(columns[learn], labels[learn])
                found[ask] = 0.0
                found[np.ix_(ask, known)] = model.predict_proba(columns[ask])
    scores = np.log(np.maximum(found, _LEAST))
    return softmax(scores, fit_temperature(scores, labels))
