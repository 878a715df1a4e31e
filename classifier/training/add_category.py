"""A new category from a few examples, without training again: its head is fitted against rows the model knows.

The head's scores become probabilities by a logistic curve (Platt 1999), fitted on scores of left-out rows, with the share of
messages that is expected to be of the category: of ten examples nobody can read how frequent it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from classifier.data.alike import numbered
from classifier.decision import OUT_OF_SCOPE
from classifier.errors import DataRefused
from classifier.serving.added import (
    AddedCategory,
    Background,
    head_inputs,
    located,
    logs_of,
    tree_probabilities,
)
from classifier.serving.artefact import (
    Model,
    SavedModel,
    check_place,
    pack_examples,
    unpack_examples,
    write_model,
)
from classifier.serving.boosting import Booster, softmax
from classifier.serving.neighbours import Floats, Labels
from classifier.serving.serve import says_too_little
from classifier.serving.views import Views
from classifier.text import clean
from classifier.training.fit_views import FitRows

LEAST_EXAMPLES = 10
MOST_BACKGROUND = 4_000
"""Rows that a trained model keeps for later heads."""

LONGEST_NAME = 80
_HEADING = "\n## Added: "
_FOLDS = 5
_COST = 10.0
_ROWS_COUNTED = 200  # what both sides together weigh, so that the cost means the same for any number of rows
_STEADY = 50  # so many rows more the curve is fitted as on, so that few examples make it steeper, not flat
_SAME = 0.97
"""Cosine in meaning from which a background row is taken for one of the examples."""


@dataclass(frozen=True, slots=True)
class Head:
    """A fitted head, and how it did on rows it was not fitted on: `recognised` (n,) of its examples, `taken` (m,) of the
    background's rows were more probably of the new category than of any trained one."""

    weights: Floats
    bias: float
    recognised: NDArray[np.bool_]
    taken: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Added:
    """`recognised` of `examples` when left out; `taken` of `background` rows of other categories."""

    name: str
    examples: int
    recognised: int
    taken: int
    background: int
    share: float

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def background_of(views: Views, rows: FitRows, said: NDArray[np.float64], seed: int) -> Background:
    """At most MOST_BACKGROUND of the calibration `rows`, of which the trees say `said` (m, labels)."""
    count = min(len(rows.texts), MOST_BACKGROUND)
    places = np.sort(np.random.default_rng(seed).choice(len(rows.texts), count, replace=False))
    lying = located(
        views.spaces.place([rows.texts[place] for place in places], rows.embeddings[places]), views
    )
    return Background(lying, logs_of(said[places]))


def check(model: Model, name: str, texts: Sequence[str]) -> None:
    """Raises DataRefused for a name that cannot be added, and for too few messages; near-duplicates count once."""
    if not name or name != name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise DataRefused(
            f"a category's name has 1 to {LONGEST_NAME} printable characters, none of them a space at its ends"
        )
    if name == OUT_OF_SCOPE:
        raise DataRefused(f"{OUT_OF_SCOPE} is no category: put such rows into the training file")
    if name in model.labels:
        raise DataRefused(f"the model has learned {name} already: put the examples into the training file")
    different = len(set(numbered(texts)))
    if different < LEAST_EXAMPLES:
        raise DataRefused(
            f"{different} different messages are too few to learn {name} from: at least {LEAST_EXAMPLES}"
        )


def add_category(
    model: Model, name: str, texts: Sequence[str], embeddings: Floats, share: float, seed: int
) -> tuple[Model, Added]:
    """The model with one more category, from different cleaned `texts` (n) and their `embeddings` (n, d).

    `share`: of all messages, expected to be of it, in (0, 1). One added before under this name is replaced.
    Raises DataRefused when the name cannot be added, or for fewer than LEAST_EXAMPLES texts.
    """
    check(model, name, texts)
    views = model.views
    rows = located(views.spaces.place(texts, embeddings), views)
    said = softmax(Booster(model.booster_text).scores(views.columns(texts, embeddings)), model.temperature)
    others = [one for one in model.added if one.name != name]
    inputs = head_inputs(rows, said)
    background = np.vstack([model.background.inputs(), *(one.examples for one in others)])
    against = background[_unlike(background, inputs, views)]
    groups = np.array(numbered(texts))
    head = fit_head(inputs, groups, against, label_count=len(model.labels), share=share, seed=seed)
    category = AddedCategory(name, head.weights, head.bias, inputs)
    report = Added(
        name, len(texts), int(head.recognised.sum()), int(head.taken.sum()), len(head.taken), share
    )
    kept = _texts_of(model, [one.name for one in others])
    return (
        replace(model, added=(*others, category), packed_examples=pack_examples([*kept, *texts])),
        report,
    )


def _unlike(background: Floats, examples: Floats, views: Views) -> NDArray[np.bool_]:
    """Which rows (m, inputs) are no example in other words: what is to be told apart now was filed elsewhere before."""
    meaning = views.spaces.meaning.shape[1]
    nearest = (background[:, :meaning] @ examples[:, :meaning].T).max(axis=1)
    return np.asarray(nearest < _SAME)


def _texts_of(model: Model, names: Sequence[str]) -> list[str]:
    """The texts learned from, then those of the added categories of these `names`, in their order."""
    texts = unpack_examples(model.packed_examples)
    start = len(model.views.alike.labels)
    kept = texts[:start]
    for one in model.added:
        if one.name in names:
            kept += texts[start : start + len(one.examples)]
        start += len(one.examples)
    return kept


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def fit_head(
    examples: Floats, groups: Labels, background: Floats, *, label_count: int, share: float, seed: int
) -> Head:
    """From what a head reads of `examples` (n, inputs), in `groups` (n,) of alike ones, and of `background` (m, inputs).

    `share`: in (0, 1). Needs examples of two groups.
    """
    inputs = np.vstack([examples, background])
    own = np.arange(len(inputs)) < len(examples)
    weights = np.where(own, 0.5 / len(examples), 0.5 / len(background)) * _ROWS_COUNTED
    folds = np.random.default_rng(seed).permutation(len(inputs)) % _FOLDS
    folds[: len(examples)] = np.unique(groups, return_inverse=True)[1] % _FOLDS
    scores = np.zeros(len(inputs))
    for fold in range(_FOLDS):
        left = folds == fold
        scores[left] = _fit(inputs[~left], own[~left], weights[~left]).decision_function(inputs[left])
    slope, offset = _platt(scores, own, share)
    whole = _fit(inputs, own, weights)
    said = tree_probabilities(inputs, label_count)
    probability = 1 / (1 + np.exp(-(slope * scores + offset)))
    first = probability > said.max(axis=1) * (1 - probability)
    return Head(
        weights=(slope * whole.coef_[0]).astype(np.float32),
        bias=float(slope * whole.intercept_[0] + offset),
        recognised=first[own],
        taken=first[~own],
    )


def _fit(inputs: Floats, own: NDArray[np.bool_], weights: NDArray[np.float64]) -> LogisticRegression:
    return LogisticRegression(C=_COST, max_iter=300).fit(inputs, own, sample_weight=weights)


def _platt(scores: NDArray[np.float64], own: NDArray[np.bool_], share: float) -> tuple[float, float]:
    """Slope and offset from score to log-odds; never a falling slope, which would turn the head about."""
    count = np.where(own, share / own.sum(), (1 - share) / (~own).sum()) * (own.sum() + _STEADY)
    fitted = LogisticRegression().fit(scores[:, None], own, sample_weight=count)
    return max(float(fitted.coef_[0, 0]), 0.05), float(fitted.intercept_[0])


def learnable(texts: Sequence[str]) -> list[str]:
    """The cleaned texts that say something, each once, in order of appearance."""
    cleaned = (clean(text) for text in texts)
    return list(dict.fromkeys(words for words in cleaned if not says_too_little(words)))


def write_with(
    saved: SavedModel,
    name: str,
    texts: Sequence[str],
    embed: Callable[[str], Floats],
    folder: Path,
    *,
    share: float,
    seed: int,
    now: datetime,
) -> tuple[str, Added]:
    """Write the model with one more category (`add_category`) to `folder`; returns its id. Figures stay those of `saved`:
    how the new category does is in the provenance and on the card."""
    check(saved.model, name, texts)
    check_place(folder)
    model, added = add_category(
        saved.model, name, texts, np.stack([embed(words) for words in texts]), share, seed
    )
    noted = added.as_dict() | {"added_at": now.isoformat(timespec="seconds"), "to_model": saved.model_id}
    every = [one for one in model.provenance.get("added", []) if one["name"] != name] + [noted]
    model = replace(model, provenance=model.provenance | {"added": every})
    card = saved.card.partition(_HEADING)[0] + "".join(map(_section, every))
    return write_model(model, saved.metrics, card, folder), added


def _section(added: Mapping[str, Any]) -> str:
    """Of the model card."""
    return (
        f"{_HEADING}{added['name']}\n\n"
        f"From {added['examples']} examples, as {added['share']:.1%} of all messages. Left out, {added['recognised']} of "
        f"{added['examples']} of them were taken for it first, and {added['taken']} of {added['background']} rows of other "
        "categories too. Figures and promises above are of the model without it.\n"
    )
