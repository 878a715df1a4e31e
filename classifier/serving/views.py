"""A message seen from five sides, each giving a column or more for each label; LightGBM weighs them (stacking; Wolpert 1992).

    words         a linear margin over words and pairs of words
    opening       the same over the first words alone: people say first what it is about
    network       a small neural network over the embedding and the message's place among wordings
    alike         votes of the rows nearest in meaning (embedding)
    alike_worded  votes of the rows nearest in wording

Trees cut one dimension at a time, and the meaning of an embedding lies across all of them; a view tells the trees what a
whole vector says. Each view's columns for rows it was fitted on come from fits that left them out (`training.fit_views`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from classifier.serving.neighbours import Electorate, Floats, Neighbours
from classifier.serving.tfidf import Tfidf

INPUT_SCALE = 12.0
"""Components of a row of length one over hundreds of dimensions are tiny; a network learns better near one."""


class View(StrEnum):
    """The five sides."""

    WORDS = "words"
    OPENING = "opening"
    NETWORK = "network"
    ALIKE = "alike"
    ALIKE_WORDED = "alike_worded"


@dataclass(frozen=True, slots=True)
class ViewParams:
    """What of the views is fixed before fitting. Dimensions shrink by themselves where there are fewer rows."""

    opening_words: int = 12
    most_terms: int = 150_000
    most_wordings: int = 8_000
    wording_dimensions: int = 160
    wording_neighbour_dimensions: int = 96
    meaning_dimensions: int = 128
    meaning_voters: tuple[Electorate, ...] = (Electorate(5, 8), Electorate(30, 4), Electorate(100, 6))
    wording_voters: tuple[Electorate, ...] = (Electorate(30, 4),)
    told_similarities: int = 5


@dataclass(frozen=True, slots=True)
class LinearView:
    """Margins over terms: `weights` (columns, labels), `bias` (labels,)."""

    tfidf: Tfidf
    weights: Floats
    bias: Floats

    def columns(self, texts: Sequence[str]) -> Floats:
        """float32, shape (n, labels), for cleaned texts."""
        return self.tfidf.project(texts, self.weights) + self.bias


@dataclass(frozen=True, slots=True)
class Layers:
    """One hidden layer with ReLU, then a softmax: weights (d, h), (h,), (h, labels), (labels,)."""

    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def columns(self, inputs: Floats) -> Floats:
        """Logarithms of probabilities, not below that of 1e-4: float32, shape (n, labels)."""
        hot = np.maximum(inputs * np.float32(INPUT_SCALE) @ self.hidden + self.hidden_bias, 0.0)
        scores = hot @ self.output + self.output_bias
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return np.asarray(np.maximum(logs, np.log(1e-4)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Spaces:
    """Where a message lies: `mean` (d,) is taken off every embedding, for multilingual encoders crowd all texts into one
    corner; `meaning` (d, m) are its main directions; `wording` (words, w) those of the words (latent semantic analysis)."""

    mean: Floats
    meaning: Floats
    tfidf: Tfidf
    wording: Floats

    def place(self, texts: Sequence[str], embeddings: Floats) -> "Places":
        centred = unit(embeddings - self.mean)
        worded = unit(self.tfidf.project(texts, self.wording))
        return Places(centred, unit(centred @ self.meaning), worded)


@dataclass(frozen=True, slots=True)
class Places:
    """Rows of length one: centred embeddings, the same in fewer dimensions, and wordings."""

    centred: Floats
    meaning: Floats
    wording: Floats

    @property
    def joint(self) -> Floats:
        """Embedding beside wording: what the network reads."""
        return np.hstack([self.centred, self.wording])

    def worded(self, dimensions: int) -> Floats:
        """The main directions of the wording alone."""
        return unit(self.wording[:, :dimensions])


@dataclass(frozen=True, slots=True)
class Views:
    """All five, fitted. `networks` are the fits of the folds: their columns are averaged."""

    spaces: Spaces
    words: LinearView
    opening: LinearView
    networks: tuple[Layers, ...]
    alike: Neighbours
    alike_worded: Neighbours
    label_count: int
    params: ViewParams = field(default_factory=ViewParams)

    @property
    def width(self) -> int:
        """How many columns there are."""
        votes = self.alike.width(self.label_count) + self.alike_worded.width(self.label_count)
        return 3 * self.label_count + votes

    @property
    def dimensions(self) -> int:
        """Of the embeddings it reads."""
        return len(self.spaces.mean)

    def columns(self, texts: Sequence[str], embeddings: Floats) -> Floats:
        """float32, shape (n, width), for cleaned texts and their embeddings (n, dimensions)."""
        places = self.spaces.place(texts, embeddings)
        joint = places.joint
        network = np.mean([layers.columns(joint) for layers in self.networks], axis=0)
        worded = places.worded(self.params.wording_neighbour_dimensions)
        return np.hstack(
            [
                self.words.columns(texts),
                self.opening.columns(texts),
                network,
                self.alike.columns(self.alike.nearest(places.meaning), self.label_count),
                self.alike_worded.columns(self.alike_worded.nearest(worded), self.label_count),
            ]
        ).astype(np.float32)

    def by_view(self, columns: Floats) -> dict[View, Floats]:
        """Of `columns` (n, width), what each view gives each label, shape (n, labels): margins over words, logarithms of
        the network's probabilities, and shares of votes, the mean over a view's electorates."""
        rows, labels = len(columns), self.label_count
        said, rest = {}, columns
        for view in (View.WORDS, View.OPENING, View.NETWORK):
            said[view], rest = rest[:, :labels], rest[:, labels:]
        for view, neighbours in ((View.ALIKE, self.alike), (View.ALIKE_WORDED, self.alike_worded)):
            voting = len(neighbours.electorates)
            votes = rest[:, : voting * labels].reshape(rows, voting, labels)
            said[view], rest = votes.mean(axis=1), rest[:, neighbours.width(labels) :]
        return said

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What is saved; weights as float16, whose rounding is far below what separates labels."""
        spaces = self.spaces
        parts: dict[str, Mapping[str, NDArray[np.generic]]] = {
            "spaces": {
                "mean": spaces.mean,
                "meaning": _half(spaces.meaning),
                "wording": _half(spaces.wording),
            },
            "spaces.tfidf": spaces.tfidf.arrays(),
            "alike": self.alike.arrays(),
            "alike_worded": self.alike_worded.arrays(),
        }
        for name, view in (("words", self.words), ("opening", self.opening)):
            parts[name] = {"weights": _half(view.weights), "bias": view.bias}
            parts[f"{name}.tfidf"] = view.tfidf.arrays()
        for place, layers in enumerate(self.networks):
            parts[f"network{place}"] = {name: _half(getattr(layers, name)) for name in Layers.__slots__}
        return {f"{part}/{name}": array for part, own in parts.items() for name, array in own.items()}

    @staticmethod
    def from_arrays(
        arrays: Mapping[str, NDArray[np.generic]], label_count: int, params: ViewParams
    ) -> "Views":
        """Raises KeyError or ValueError when arrays are missing or do not fit each other."""

        def part(name: str) -> dict[str, NDArray[np.generic]]:
            return arrays_of(name, arrays)

        def floats(name: str) -> dict[str, Floats]:
            return {key: value.astype(np.float32) for key, value in part(name).items()}

        def linear(name: str, most_words: int | None) -> LinearView:
            return LinearView(
                Tfidf.from_arrays(part(f"{name}.tfidf"), pairs=True, most_words=most_words), **floats(name)
            )

        wordings = Tfidf.from_arrays(part("spaces.tfidf"), pairs=False, most_words=None)
        networks: list[Layers] = []
        while layers := floats(f"network{len(networks)}"):
            networks.append(Layers(**layers))
        views = Views(
            spaces=Spaces(tfidf=wordings, **floats("spaces")),
            words=linear("words", None),
            opening=linear("opening", params.opening_words),
            networks=tuple(networks),
            alike=Neighbours.from_arrays(part("alike"), params.meaning_voters, params.told_similarities),
            alike_worded=Neighbours.from_arrays(part("alike_worded"), params.wording_voters, 0),
            label_count=label_count,
            params=params,
        )
        views.check()
        return views

    def check(self) -> None:
        """Raises ValueError when the parts do not fit each other."""
        spaces, labels = self.spaces, self.label_count
        fits = [
            bool(self.networks),
            spaces.meaning.shape[0] == self.dimensions,
            spaces.wording.shape[0] == spaces.tfidf.width,
            *(view.weights.shape == (view.tfidf.width, labels) for view in (self.words, self.opening)),
            *(n.hidden.shape[0] == self.dimensions + spaces.wording.shape[1] for n in self.networks),
            *(n.output.shape == (n.hidden.shape[1], labels) for n in self.networks),
            self.alike.rows.shape == (len(self.alike.labels), spaces.meaning.shape[1]),
            len(self.alike_worded.rows) == len(self.alike_worded.labels),
        ]
        if not all(fits):
            raise ValueError("the views' arrays do not fit each other")


def arrays_of(part: str, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    """Those saved under "part/name", by their names."""
    return {
        key.removeprefix(f"{part}/"): value for key, value in arrays.items() if key.startswith(f"{part}/")
    }


def unit(rows: NDArray[np.floating]) -> Floats:
    """Rows scaled to length one; a row of zeros stays one."""
    lengths = np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)
    return np.asarray(rows / lengths, dtype=np.float32)


def _half(array: Floats) -> NDArray[np.float16]:
    return array.astype(np.float16)
