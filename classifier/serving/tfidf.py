"""Words and word pairs of a text, weighted by how rare they are (TF-IDF; Salton & Buckley 1988).

Terms are words of two letters or more without case, and pairs of neighbours; a term's count enters by 1 + its logarithm,
rows have length one. That is scikit-learn's `TfidfVectorizer(sublinear_tf=True)`, which a test holds it against; here
because serving must not need scikit-learn.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

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
    """`terms`: one a column. `rarity` (columns,): inverse document frequencies.

    `pairs`: whether pairs of neighbours count beside single words. `most_words`: how much of a text is read.
    """

    terms: tuple[str, ...]
    rarity: NDArray[np.float32]
    pairs: bool
    most_words: int | None
    _columns: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_columns", {term: place for place, term in enumerate(self.terms)})

    @staticmethod
    def fit(texts: Sequence[str], *, pairs: bool, most_words: int | None, most_terms: int) -> "Tfidf":
        """Terms that stand in two texts or more; of more than `most_terms` the most frequent, ties by the alphabet."""
        frequency = Counter(term for text in texts for term in set(_terms(text, pairs, most_words)))
        common = [(term, count) for term, count in frequency.items() if count >= 2]
        kept = sorted(sorted(common, key=lambda pair: (-pair[1], pair[0]))[:most_terms])
        counts = np.array([count for _, count in kept], dtype=np.float64)
        rarity = np.log((1 + len(texts)) / (1 + counts)) + 1
        return Tfidf(tuple(term for term, _ in kept), rarity.astype(np.float32), pairs, most_words)

    def matrix(self, texts: Sequence[str]) -> csr_matrix:
        """float32, shape (n, columns), rows of length one; an all-zero row for a text of unknown terms."""
        starts = [0]
        columns: list[int] = []
        values: list[int] = []
        for text in texts:
            counts = Counter(
                self._columns[term]
                for term in _terms(text, self.pairs, self.most_words)
                if term in self._columns
            )
            columns.extend(counts)
            values.extend(counts.values())
            starts.append(len(columns))
        places = np.array(columns, dtype=np.int32)
        weights = (1 + np.log(np.array(values, dtype=np.float32))) * self.rarity[places]
        rows = np.repeat(np.arange(len(texts)), np.diff(starts))
        squares = np.bincount(rows, weights.astype(np.float64) ** 2, minlength=len(texts))
        weights = (weights / np.sqrt(np.maximum(squares, 1e-12))[rows]).astype(np.float32)
        return csr_matrix((weights, places, starts), shape=(len(texts), len(self.terms)))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        joined = "\n".join(self.terms).encode()  # terms hold no white space but the blank of a pair
        return {"terms": np.frombuffer(joined, dtype=np.uint8), "rarity": self.rarity}

    @staticmethod
    def from_arrays(arrays: Arrays, *, pairs: bool, most_words: int | None) -> "Tfidf":
        joined = arrays["terms"].tobytes().decode()
        terms = tuple(joined.split("\n")) if joined else ()
        rarity = arrays["rarity"].astype(np.float32)
        if len(terms) != len(rarity):
            raise ValueError("terms and their rarity differ in number")
        return Tfidf(terms, rarity, pairs, most_words)


def _terms(text: str, pairs: bool, most_words: int | None) -> Iterator[str]:
    words = words_of(text, most_words)
    yield from words
    if pairs:
        yield from map(" ".join, pairwise(words))
