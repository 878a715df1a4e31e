"""Words and word pairs of a text, weighted by how rare they are (TF-IDF; Salton & Buckley 1988).

Terms are words of two letters or more without case, and pairs of neighbours; a term's count enters by 1 + its logarithm,
rows have length one. That is scikit-learn's `TfidfVectorizer(sublinear_tf=True)`, which a test holds it against; here
because serving must not need scikit-learn.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\b\w\w+\b")

Arrays = Mapping[str, NDArray[np.generic]]


def words_of(text: str, most: int | None = None) -> list[str]:
    """The words of a cleaned text in order, lower case; at most the first `most`."""
    return _WORD.findall(text.lower())[:most]


@dataclass(frozen=True, slots=True)
class Weighed:
    """A text's row where it is not zero: `weights` (m,) in the columns `places` (m,)."""

    places: NDArray[np.int64]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tfidf:
    """`keys` (columns,): CRC-32 of a column's term, ascending. `rarity` (columns,): inverse document frequencies.

    `pairs`: whether pairs of neighbours count beside single words. `most_words`: how much of a text is read.
    Keys instead of terms: 150,000 terms in a dictionary are 25 MB. Of so many, two or three pairs share a key, and so a
    column, which no figure notices.
    """

    keys: NDArray[np.uint32]
    rarity: NDArray[np.float32]
    pairs: bool
    most_words: int | None

    @staticmethod
    def fit(texts: Sequence[str], *, pairs: bool, most_words: int | None, most_terms: int) -> "Tfidf":
        """Terms that stand in two texts or more; of more than `most_terms` the most frequent, ties by key."""
        frequency = Counter(key for text in texts for key in set(_keys(text, pairs, most_words)))
        common = sorted((-count, key) for key, count in frequency.items() if count >= 2)[:most_terms]
        kept = sorted((key, -count) for count, key in common)
        keys = np.array([key for key, _ in kept], dtype=np.uint32)
        counts = np.array([count for _, count in kept], dtype=np.float64)
        rarity = np.log((1 + len(texts)) / (1 + counts)) + 1
        return Tfidf(keys, rarity.astype(np.float32), pairs, most_words)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.keys)

    def weigh(self, text: str) -> "Weighed":
        """The text's known terms. Their weights make a row of length one; of a text without any there are none."""
        counts = Counter(_keys(text, self.pairs, self.most_words))
        keys = np.fromiter(counts, dtype=np.uint32, count=len(counts))
        values = np.fromiter(counts.values(), dtype=np.float32, count=len(counts))
        places = np.searchsorted(self.keys, keys)
        known = places < self.width
        known[known] = self.keys[places[known]] == keys[known]
        places = places[known]
        weights = (1 + np.log(values[known])) * self.rarity[places]
        length = max(float(np.linalg.norm(weights.astype(np.float64))), 1e-6)
        return Weighed(places, (weights / length).astype(np.float32))

    def project(self, texts: Sequence[str], onto: NDArray[np.float32]) -> NDArray[np.float32]:
        """Each text's row times `onto` (width, d): float32, shape (n, d)."""
        projected = np.zeros((len(texts), onto.shape[1]), dtype=np.float32)
        for place, text in enumerate(texts):
            weighed = self.weigh(text)
            projected[place] = weighed.weights @ onto[weighed.places]
        return projected

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        return {"keys": self.keys, "rarity": self.rarity}

    @staticmethod
    def from_arrays(arrays: Arrays, *, pairs: bool, most_words: int | None) -> "Tfidf":
        keys, rarity = arrays["keys"].astype(np.uint32), arrays["rarity"].astype(np.float32)
        if keys.shape != rarity.shape:
            raise ValueError("terms and their rarity differ in number")
        return Tfidf(keys, rarity, pairs, most_words)


def _keys(text: str, pairs: bool, most_words: int | None) -> Iterator[int]:
    words = words_of(text, most_words)
    yield from (crc32(word.encode()) for word in words)
    if pairs:
        yield from (crc32(f"{first} {second}".encode()) for first, second in pairwise(words))
