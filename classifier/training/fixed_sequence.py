"""Learn, then test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, "Learn then Test"): walking from strict to loose.

Picking the loosest of many thresholds by its share on the rows at hand flatters: among many, some look good by luck.
So the candidates are put in one order beforehand, from strict to loose, and each is tested with an exact binomial test
(Clopper and Pearson 1934) of "less than the promised share is right". The walk stops at the first that fails; the last
that passed is taken. Because the order was fixed and the walk stops, the whole walk has the risk of a single test.

Where the strictest candidates show few rows, one unlucky row there would end it. So there the walk has several starts,
chosen by how many rows a candidate shows and not by how many of them are right, which share the risk (their section 5.2).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import beta

from classifier.decision import PromiseResult

LEAST_ROWS = 100
"""Where a walk begins. On fewer rows it would stop at the first unlucky one, and at the usual levels they prove nothing.

Passing over those before is exact where a stricter candidate is right at least as often as a looser one; how little it
matters where that is not so, the simulations in tests/classifier/test_promise.py show.
"""

STARTS = (1, 2, 4)
"""A walk starts where a candidate first shows so many times the least number of rows; on many rows that is one place."""


@dataclass(frozen=True, slots=True)
class Tally:
    """`right` of `shown` rows."""

    shown: int
    right: int


@dataclass(frozen=True, slots=True)
class Walk:
    """How far the tests went: `passed` are places in the sequence; `tally` is of the last passed, or of the one that failed.

    `risk`: of each of its tests. `needed`: as in Promise.
    """

    passed: tuple[int, ...]
    tally: Tally
    result: PromiseResult
    risk: float
    needed: int | None = None


def lower_bound(tally: Tally, risk: float) -> float:
    """Clopper-Pearson: the true share is below it with probability `risk` at most; 0 when none is right."""
    if tally.right == 0:
        return 0.0
    return float(beta.ppf(risk, tally.right, tally.shown - tally.right + 1))


def rows_needed(share: float, promise: float, risk: float) -> int | None:
    """The number of rows on which `share` of right ones proves `promise`; None if it is not above it."""
    if share <= promise:
        return None

    def proves(rows: int) -> bool:
        return float(beta.ppf(risk, share * rows, (1 - share) * rows + 1)) >= promise

    enough = 1
    while not proves(enough):
        enough *= 2
    low = enough // 2
    while enough - low > 1:
        middle = (low + enough) // 2
        low, enough = (low, middle) if proves(middle) else (middle, enough)
    return enough


def walk(
    tallies: Sequence[Tally],
    promise: float,
    risk: float,
    shown: Sequence[int] | None = None,
    end: int | None = None,
) -> Walk:
    """Test candidates in their order, strict to loose, from each start until one fails; before the first none is tested.

    `shown`: what the starts are chosen by, if not the rows of the tallies. `end`: the place before which the walk ends; it
    changes neither starts nor their shares of the risk.
    """
    least = max(LEAST_ROWS, math.ceil(math.log(risk) / math.log(promise)))
    starts = _starts([tally.shown for tally in tallies] if shown is None else shown, least)
    tallies = tallies[:end]
    within = [start for start in starts if start < len(tallies)]
    if not within:
        most = max(tallies, key=lambda tally: tally.shown, default=Tally(0, 0))
        return Walk((), most, PromiseResult.TOO_FEW_ROWS, risk, least)
    each = risk / len(starts)
    passed: set[int] = set()
    for start in within:
        for place in range(start, len(tallies)):
            if lower_bound(tallies[place], each) < promise:
                break
            passed.add(place)
    if passed:
        return Walk(tuple(sorted(passed)), tallies[max(passed)], PromiseResult.KEPT, each)
    failed = max((tallies[start] for start in within), key=lambda tally: lower_bound(tally, each))
    needed = rows_needed(failed.right / failed.shown, promise, each)
    result = PromiseResult.TOO_FEW_ROWS if needed else PromiseResult.NOT_REACHED
    return Walk((), failed, result, each, needed)


def _starts(shown: Sequence[int], least: int) -> list[int]:
    """Places in order, each once."""
    found = {
        next((place for place, rows in enumerate(shown) if rows >= times * least), None) for times in STARTS
    }
    return sorted(place for place in found if place is not None)
