"""Learn, then test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, "Learn then Test"): walking from strict to loose.

Picking the loosest of many thresholds by its share on the rows at hand flatters: among many, some look good by luck.
So the candidates are put in one order beforehand, from strict to loose, and each is tested with an exact binomial test
(Clopper and Pearson 1934) of "less than the promised share is right". The walk stops at the first that fails; the last
that passed is taken. Because the order was fixed and the walk stops, the whole walk has the risk of a single test.
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


@dataclass(frozen=True, slots=True)
class Tally:
    """`right` of `shown` rows."""

    shown: int
    right: int


@dataclass(frozen=True, slots=True)
class Walk:
    """How far the tests went: `passed` are places in the sequence; `tally` is of the last passed, or of the one that failed.

    `needed`: as in Promise.
    """

    passed: tuple[int, ...]
    tally: Tally
    result: PromiseResult
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


def walk(tallies: Sequence[Tally], promise: float, risk: float) -> Walk:
    """Test candidates in their order, strict to loose, until one fails; those that show too few rows are passed over."""
    least = max(LEAST_ROWS, math.ceil(math.log(risk) / math.log(promise)))
    testable = [place for place, tally in enumerate(tallies) if tally.shown >= least]
    if not testable:
        most = max(tallies, key=lambda tally: tally.shown, default=Tally(0, 0))
        return Walk((), most, PromiseResult.TOO_FEW_ROWS, least)
    passed: list[int] = []
    for place in range(testable[0], len(tallies)):
        if lower_bound(tallies[place], risk) < promise:
            break
        passed.append(place)
    if passed:
        return Walk(tuple(passed), tallies[passed[-1]], PromiseResult.KEPT)
    failed = tallies[testable[0]]
    needed = rows_needed(failed.right / failed.shown, promise, risk)
    result = PromiseResult.TOO_FEW_ROWS if needed else PromiseResult.NOT_REACHED
    return Walk((), failed, result, needed)
