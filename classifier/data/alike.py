"""Texts that say nearly the same: found exactly, and joined into groups.

Two texts are alike when their sets of words overlap by more than .8 (Jaccard). Comparing 40,000 texts pairwise would be
800 million comparisons, but two sets that overlap so much must share one of the few rarest words of either (prefix
filtering: Chaudhuri, Ganti and Kaushik 2006; Bayardo, Ma and Srikant 2007), so only texts found under such a word are
compared. Groups are what is connected by such pairs, in whatever order the texts come.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from classifier.text import word_set

if TYPE_CHECKING:
    from scipy.cluster.hierarchy import DisjointSet


def numbered(texts: Iterable[str], advance: Callable[[], None] = lambda: None) -> list[int]:
    """A number for each cleaned text, from 0; texts of one group of alike ones have the same number.

    `advance` is called once for each text. Time grows with the pairs that share a rare word: seconds
    for 40,000 tickets, but with the square of their number if all are made of the same few words.
    """
    said = [word_set(text) for text in texts]
    places = {words: place for place, words in enumerate(dict.fromkeys(said))}
    groups = _joined(list(places), advance)
    for _ in range(len(said) - len(places)):
        advance()
    numbers: dict[int, int] = {}
    return [numbers.setdefault(groups[places[words]], len(numbers)) for words in said]


def _joined(sets: Sequence[frozenset[str]], advance: Callable[[], None]) -> "DisjointSet":
    """The places of these different sets, joined where they are alike."""
    from scipy.cluster.hierarchy import DisjointSet  # noqa: PLC0415  (imports slowly)

    counts = Counter(word for words in sets for word in words)
    rank = {word: place for place, word in enumerate(sorted(counts, key=lambda word: (counts[word], word)))}
    ranked = [frozenset(rank[word] for word in words) for words in sets]
    groups = DisjointSet(range(len(sets)))
    # Under each word, the sets that have it among their rarest, smallest first, and their sizes.
    under: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for place in sorted(range(len(sets)), key=lambda place: len(sets[place])):
        words = ranked[place]
        rarest = sorted(words)[: len(words) - 4 * len(words) // 5]
        _join(place, [under[word] for word in rarest], ranked, groups)
        for word in rarest:
            places, sizes = under[word]
            places.append(place)
            sizes.append(len(words))
        advance()
    return groups


def _join(
    place: int,
    found: Sequence[tuple[list[int], list[int]]],
    sets: Sequence[frozenset[int]],
    groups: "DisjointSet",
) -> None:
    """Join `place` with every group among those found that holds a set like its own."""
    words, own = sets[place], groups[place]
    compared: set[int] = set()
    for places, sizes in found:
        # Those before are too small to overlap by so much.
        for other in places[bisect_right(sizes, 4 * len(words) // 5) :]:
            if other in compared:
                continue
            compared.add(other)
            # What has joined its group need not be compared: a thousand copies of one alert cost a thousand comparisons.
            if groups[other] != own and _are_alike(words, sets[other]):
                groups.merge(place, other)
                own = groups[place]


def _are_alike(words: frozenset[int], other: frozenset[int]) -> bool:
    """Whether they overlap by more than .8, counted in whole numbers."""
    shared = len(words & other)
    return 5 * shared > 4 * (len(words) + len(other) - shared)
