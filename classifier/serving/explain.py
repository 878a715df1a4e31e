"""Why a message was decided as it was: the words that moved it, the examples it was like, and what each view said.

Words are weighed by occlusion (Zeiler & Fergus 2014; of texts, Li, Monroe & Jurafsky 2016): the whole model reads the
message again without them. No part of the model is approximated, so what is said of a word can be checked by leaving it out.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from classifier.decision import Decision, Prediction
from classifier.errors import ModelRefused
from classifier.serving.added import head_inputs, located
from classifier.serving.artefact import unpack_examples
from classifier.serving.neighbours import Floats
from classifier.serving.serve import Classifier
from classifier.serving.views import View
from classifier.text import clean, has_words

MOST_PREDICTIONS = 60
"""Of one explanation; longer messages are left out in runs of words."""

_LEAST_PROBABILITY = 1e-12  # the logarithm of zero says nothing


@dataclass(frozen=True, slots=True)
class Moved:
    """A run of words as they stand in the cleaned message, the first at `place` (from 0).

    `change`: the label's log-odds with them less those without; above 0 they speak for the label.
    """

    words: str
    place: int
    change: float


@dataclass(frozen=True, slots=True)
class NearExample:
    """A cleaned text learned from. `similarity`: cosine in [-1, 1]. `share`: of the votes of all that are listed, in [0, 1]."""

    text: str
    category: str
    similarity: float
    share: float


@dataclass(frozen=True, slots=True)
class ViewSays:
    """A view's first label. `value`: of words and opening a margin (above 0 is for it), of the network a probability, of
    the neighbours a share of votes (0 with the first label of all where nothing is near)."""

    view: View
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class HeadSays:
    """An added category's own head: the probability of this category rather than of any other."""

    category: str
    probability: float


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a prediction rests on. `label` is the most probable one, which may be out of scope; `log_odds` are its own.

    `moved`: strongest first, whichever way; empty for a message of one word. `nearest`: nearest first.
    """

    label: str
    log_odds: float
    moved: tuple[Moved, ...]
    nearest: tuple[NearExample, ...]
    views: tuple[ViewSays, ...]
    heads: tuple[HeadSays, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and its grounds: None for a message that never reached the model, whose rule says all there is."""

    decision: Decision
    grounds: Grounds | None

    def as_dict(self) -> dict[str, Any]:
        if self.grounds is None:
            return {"label": None, "log_odds": None, "moved": [], "nearest": [], "views": [], "heads": []}
        return asdict(self.grounds)


def explain(classifier: Classifier, text: str) -> Explanation:
    """What is decided for a message as it was written, and why.

    Raises ModelRefused when the model's examples are not those of its neighbours.
    """
    decision, words = classifier.decide(text), clean(text)
    if decision.prediction is None:
        return Explanation(decision, None)
    label = decision.prediction.ranked()[0][0]
    embedding = classifier.embed(words)
    return Explanation(
        decision,
        Grounds(
            label=label,
            log_odds=log_odds(decision.prediction, label),
            moved=_moved(words, decision.prediction, label, classifier.predict),
            nearest=_nearest(classifier, words, embedding),
            views=_views(classifier, words, embedding),
            heads=_heads(classifier, words, embedding),
        ),
    )


def log_odds(prediction: Prediction, label: str) -> float:
    """Natural logarithm of the label's probability over that of all others together."""
    # Summed rather than 1 - p: near certainty that difference has few digits left.
    others = sum(
        p for other, p in zip(prediction.labels, prediction.probabilities, strict=True) if other != label
    )
    own = prediction.probability(label)
    return math.log(max(own, _LEAST_PROBABILITY)) - math.log(max(others, _LEAST_PROBABILITY))


def _moved(
    words: str, prediction: Prediction, label: str, predict: Callable[[str], Prediction]
) -> tuple[Moved, ...]:
    every = words.split(" ")
    length = math.ceil(len(every) / MOST_PREDICTIONS)
    whole, moved = log_odds(prediction, label), []
    for place in range(0, len(every), length):
        without = " ".join(every[:place] + every[place + length :])
        if has_words(without):  # the model is never asked about nothing
            change = whole - log_odds(predict(without), label)
            moved.append(Moved(" ".join(every[place : place + length]), place, change))
    return tuple(sorted(moved, key=lambda one: -abs(one.change)))


def _nearest(classifier: Classifier, words: str, embedding: Floats) -> tuple[NearExample, ...]:
    """The few nearest in meaning, as many as the first electorate, with their shares of its vote.

    Examples of added categories stand among them, although the trees do not count their votes: their heads do.
    """
    model = classifier.model
    texts, alike = unpack_examples(model.packed_examples), model.views.alike
    owners = [*(model.labels[label] for label in alike.labels)]
    owners += [category.name for category in model.added for _ in category.examples]
    if len(texts) != len(owners):
        raise ModelRefused(
            f"model {classifier.model_id} has {len(texts)} examples for {len(owners)} rows; train again"
        )
    meaning = model.views.spaces.place([words], embedding[None, :]).meaning
    near, voters = alike.nearest(meaning), alike.electorates[0]
    added = [float(cosine) for category in model.added for cosine in category.nearness(meaning[0])]
    places = [*near.places[0].tolist(), *range(len(alike.labels), len(texts))]
    similarity = np.array([*near.similarity[0], *added], dtype=np.float32)
    nearest = np.argsort(-similarity, kind="stable")[: voters.count]
    weights = voters.weights(similarity[nearest][None, :])[0]
    shares = weights / max(float(weights.sum()), 1e-12)
    return tuple(
        NearExample(texts[places[at]], owners[places[at]], float(similarity[at]), float(share))
        for at, share in zip(nearest, shares, strict=True)
    )


def _heads(classifier: Classifier, words: str, embedding: Floats) -> tuple[HeadSays, ...]:
    model = classifier.model
    if not model.added:
        return ()
    rows = located(model.views.spaces.place([words], embedding[None, :]), model.views)
    inputs = head_inputs(rows, classifier.trees_say(words, embedding))
    return tuple(HeadSays(one.name, float(one.probability(inputs)[0])) for one in model.added)


def _views(classifier: Classifier, words: str, embedding: Floats) -> tuple[ViewSays, ...]:
    views, labels = classifier.model.views, classifier.model.labels
    says = []
    for view, values in views.by_view(views.columns([words], embedding[None, :])).items():
        first = int(np.argmax(values[0]))
        value = float(values[0, first])
        says.append(ViewSays(view, labels[first], math.exp(value) if view is View.NETWORK else value))
    return tuple(says)
