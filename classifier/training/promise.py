"""Thresholds with a promise: learn, then test (Angelopoulos, Bates, Candès, Jordan and Lei 2021, "Learn then Test").

Picking the loosest of many thresholds by its share on the rows at hand flatters: among many, some look good by luck.
So the candidates are put in one order beforehand, from strict to loose, and each is tested with an exact binomial test
(Clopper and Pearson 1934) of "less than the promised share is right". The walk stops at the first that fails; the last
that passed is taken. Because the order was fixed and the walk stops, the whole walk has the risk of a single test.

What else is chosen on the same rows before a walk divides its risk among the things that could have been chosen
(Bonferroni): the out-of-scope limit for both, and the floor of `show_one` for the promise on all that is shown.

Two things are not covered by the proof, and are what the simulations in the tests are for. Candidates that show fewer
than LEAST_ROWS are passed over, which is exact where stricter thresholds are right at least as often as looser ones.
And the probabilities themselves had one temperature fitted on these rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from classifier.decision import Prediction, Promise, PromiseResult, Thresholds
from classifier.training.calibration import HALF, OFF, ScopeChoice, choose_scope_limit
from classifier.training.shown import Flags, RankedRows, rank

ONE_LIMITS = tuple(round(0.99 - 0.01 * step, 2) for step in range(40))
"""Candidates for `show_one`, .99 to .60."""

LEAST_MASSES = tuple(round(0.98 - 0.02 * step, 2) for step in range(25))
"""Candidates for `least_mass`, .98 to HALF."""

FLOORS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""`show_one` as it is taken when `least_mass` is tested: the nearest of these below the one chosen.

A higher `show_one` shows two instead of one to the same rows and so is never less often right: what holds at the floor
holds at the limit, and five floors share the risk instead of forty limits.
"""

LEAST_ROWS = 100
"""Where a walk begins: on fewer rows one unlucky row stops it, and at the default levels they prove next to nothing."""

NEVER = 1.0
"""As `show_one`: two suggestions always. As `least_mass`: a person always, but for probabilities that round to 1."""

UNPROVEN_MASS = 0.95
"""`least_mass` when there are too few rows to promise anything: strict, and the reason says that nothing is promised."""

METHOD = "learn-then-test: fixed sequence of exact binomial tests"


@dataclass(frozen=True, slots=True)
class PromiseParams:
    """`promise`: share of right ones among what is shown; `one_promise`: among what is shown alone; `confidence`: in each."""

    promise: float = 0.90
    one_promise: float = 0.95
    confidence: float = 0.95

    def __post_init__(self) -> None:
        for name in ("promise", "one_promise", "confidence"):
            if not HALF <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least {HALF} and under 1, not {getattr(self, name)}")


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


def choose_thresholds(
    predictions: Sequence[Prediction], truths: Sequence[str], params: PromiseParams
) -> Thresholds:
    """Thresholds for messages like these calibration rows, with what is promised of them.

    1. `out_of_scope` by `choose_scope_limit`.
    2. `show_one`: the lowest that passes for `one_promise`; NEVER if none does, for two are more often right than one.
    3. `least_mass`: the lowest that passes for `promise`. If none does for want of rows, UNPROVEN_MASS, since nothing
       speaks against it either; if none does because too many are wrong, NEVER: then a person takes everything.

    `show_one` is never under `least_mass`, so the rows that are shown one do not depend on `least_mass`, and its walk
    need not know it. Out-of-scope rows are rows like others: whatever is shown for them is wrong.
    """
    rows = rank(predictions, truths)
    scope = choose_scope_limit(rows)
    risk = (1 - params.confidence) / scope.choices
    ones = [_tally_of_ones(rows, limit, scope.limit) for limit in ONE_LIMITS]
    floor = max(low for low in FLOORS if low <= _limit(walk(ones, params.one_promise, risk)))
    shown_risk = risk / len(FLOORS)
    masses = [_tally_of_shown(rows, floor, mass, scope.limit) for mass in LEAST_MASSES]
    all_walk = walk(masses, params.promise, shown_risk)
    mass = _mass(all_walk)
    one_walk = walk(ones[: sum(limit >= mass for limit in ONE_LIMITS)], params.one_promise, risk)
    one = _limit(one_walk)
    if all_walk.passed:
        all_walk = Walk(all_walk.passed, _tally_of_shown(rows, one, mass, scope.limit), PromiseResult.KEPT)
    shown_promise = _promise(all_walk, params.promise, params.confidence, shown_risk)
    one_promise = _promise(one_walk, params.one_promise, params.confidence, risk)
    reason = _reason(len(truths), scope, (mass, shown_promise), (one, one_promise))
    return Thresholds(one, mass, scope.limit, reason, shown_promise, one_promise)


def _limit(walked: Walk) -> float:
    return ONE_LIMITS[walked.passed[-1]] if walked.passed else NEVER


def _mass(walked: Walk) -> float:
    if walked.passed:
        return LEAST_MASSES[walked.passed[-1]]
    return UNPROVEN_MASS if walked.result is PromiseResult.TOO_FEW_ROWS else NEVER
