"""Topics among requests that no answer solved: what to write the next answer about.

Texts are joined while they are alike (average linkage on cosine distance); a topic is a group of enough of them, named
by the words that are frequent in it and rare elsewhere.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

MOST_TEXTS = 5_000
"""Pairwise distances of more would need over 100 MB."""

FARTHEST = 0.55
"""Mean cosine distance up to which groups are joined."""

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Topic:
    """`words`: most telling first. `examples`: nearest to the middle of the topic first."""

    words: tuple[str, ...]
    count: int
    examples: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"topic": " ".join(self.words), "count": self.count, "examples": list(self.examples)}


def topics(
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    *,
    least: int = 4,
    examples: int = 3,
    farthest: float = FARTHEST,
) -> list[Topic]:
    """Topics of at least `least` texts, largest first. `vectors`: (n, d), rows of length one."""
    if len(texts) < 2:
        return []
    groups = fcluster(linkage(pdist(vectors, "cosine"), "average"), t=farthest, criterion="distance")
    words = [set(_WORD.findall(text.lower())) for text in texts]
    everywhere = Counter(word for own in words for word in own)
    found = []
    for group in sorted(set(groups.tolist())):
        places = np.flatnonzero(groups == group)
        if len(places) < least:
            continue
        middle = vectors[places].mean(axis=0)
        nearest = places[np.argsort(-(vectors[places] @ middle), kind="stable")]
        inside = Counter(word for place in places for word in words[place])
        telling = _telling(inside, len(places), everywhere, len(texts))
        found.append(Topic(telling, len(places), tuple(texts[place] for place in nearest[:examples])))
    return sorted(found, key=lambda topic: (-topic.count, topic.words))


def _telling(inside: Counter[str], size: int, everywhere: Counter[str], total: int) -> tuple[str, ...]:
    """Up to three words that are in many of these texts and in few of the others."""

    def weight(word: str) -> float:
        return inside[word] / size * float(np.log(total / everywhere[word]))

    common = [word for word in inside if inside[word] >= 2]
    return tuple(sorted(common, key=lambda word: (-weight(word), word))[:3])
