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
from scipy.sparse import csr_matrix

_WORD = re.compile(r"\b\w\w+\b")

Arrays = Mapping[str, NDArray[np.generic]]


def words_of(text: str, most: int | None = None) -> list[str]:
    """The words of a cleaned text in order, lower case; at most the first `most`."""
    return _WORD.findall(text.lower())[:most]


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

    def matrix(self, texts: Sequence[str]) -> csr_matrix:
        """float32, shape (n, width), rows of length one; an all-zero row for a text of unknown terms."""
        counted = [Counter(_keys(text, self.pairs, self.most_words)) for text in texts]
        keys = np.fromiter((key for counts in counted for key in counts), dtype=np.uint32)
        values = np.fromiter((n for counts in counted for n in counts.values()), dtype=np.float32)
        rows = np.repeat(np.arange(len(texts)), [len(counts) for counts in counted])
        places = np.searchsorted(self.keys, keys)
        known = places < self.width
        known[known] = self.keys[places[known]] == keys[known]
        places, rows = places[known], rows[known]
        weights = (1 + np.log(values[known])) * self.rarity[places]
        squares = np.bincount(rows, weights.astype(np.float64) ** 2, minlength=len(texts))
        weights = (weights / np.sqrt(np.maximum(squares, 1e-12))[rows]).astype(np.float32)
        starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(texts)))])
        return csr_matrix((weights, places, starts), shape=(len(texts), self.width))

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
