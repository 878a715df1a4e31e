"""Thresholds with a promise: when something is suggested, it is right as often as was promised.

How a threshold is tested is in `classifier.training.fixed_sequence`; here is which ones, and at which risk. What else is
chosen on the same rows before a walk divides its risk among all that could have been chosen (Bonferroni): the
out-of-scope limit for both promises, and the floor of `show_one` for the one on all that is shown.

The temperature was fitted on these rows too. It is one number for all rows, and the tests' simulations fit it as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from classifier.decision import Prediction, Promise, PromiseResult, Thresholds
from classifier.training.calibration import HALF, ScopeChoice, choose_scope_limit
from classifier.training.fixed_sequence import Tally, Walk, lower_bound, walk
from classifier.training.shown import RankedRows, rank

ONE_LIMITS = tuple(round(0.99 - 0.01 * step, 2) for step in range(40))
"""Candidates for `show_one`, .99 to .60."""

LEAST_MASSES = tuple(round(0.98 - 0.02 * step, 2) for step in range(25))
"""Candidates for `least_mass`, .98 to HALF."""

FLOORS = (1.0, 0.9, 0.8, 0.7, 0.6)
"""`show_one` as it is taken when `least_mass` is tested: the nearest of these below the one chosen.

A higher `show_one` shows two instead of one to the same rows and so is never less often right: what holds at the floor
holds at the limit, and five floors share the risk instead of forty limits.
"""

NEVER = 1.0
"""As `show_one`: two suggestions always. As `least_mass`: a person always. But for what rounds to a probability of 1."""

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


def choose_thresholds(
    predictions: Sequence[Prediction], truths: Sequence[str], params: PromiseParams
) -> Thresholds:
    """Thresholds for messages like these calibration rows, with what is promised of them.

    1. `out_of_scope` by `choose_scope_limit`.
    2. `show_one`: the lowest that passes for `one_promise`; NEVER if none does, for two are more often right than one.
    3. `least_mass`: the lowest that passes for `promise`. If none does for want of rows, UNPROVEN_MASS, since nothing
       speaks against it either; if none does because too many are wrong, NEVER: then a person takes everything.

    `show_one` is never under `least_mass`: so which rows are shown one does not depend on `least_mass`, and neither
    does its walk. Out-of-scope rows are rows like others: whatever is shown for them is wrong.
    """
    rows = rank(predictions, truths)
    scope = choose_scope_limit(rows)
    risk = (1 - params.confidence) / scope.choices
    ones = [_tally(rows, limit, HALF, scope.limit, alone=True) for limit in ONE_LIMITS]
    lowest = _limit(walk(ones, params.one_promise, risk))
    floor = max(value for value in FLOORS if value <= lowest)
    masses = [_tally(rows, floor, mass, scope.limit) for mass in LEAST_MASSES]
    walked = walk(masses, params.promise, risk / len(FLOORS))
    mass = _mass(walked)
    walked_one = walk(ones[: sum(limit >= mass for limit in ONE_LIMITS)], params.one_promise, risk)
    limit = _limit(walked_one)
    if walked.passed:  # as it will be shown: at `limit`, which is right at least as often as at its floor
        walked = replace(walked, tally=_tally(rows, limit, mass, scope.limit))
    shown_promise = _promise(walked, params.promise, params.confidence, risk / len(FLOORS))
    one_promise = _promise(walked_one, params.one_promise, params.confidence, risk)
    reason = _reason(len(truths), scope, limit, one_promise, mass, shown_promise)
    return Thresholds(limit, mass, scope.limit, reason, shown_promise, one_promise)


def _tally(
    rows: RankedRows, show_one: float, least_mass: float, scope: float, *, alone: bool = False
) -> Tally:
    kinds = rows.decide(show_one, least_mass, scope)
    counted = kinds.one if alone else kinds.shown
    return Tally(int(counted.sum()), int((counted & kinds.right).sum()))


def _limit(walked: Walk) -> float:
    return ONE_LIMITS[walked.passed[-1]] if walked.passed else NEVER


def _mass(walked: Walk) -> float:
    if walked.passed:
        return LEAST_MASSES[walked.passed[-1]]
    return UNPROVEN_MASS if walked.result is PromiseResult.TOO_FEW_ROWS else NEVER


def _promise(walked: Walk, promise: float, confidence: float, risk: float) -> Promise:
    return Promise(
        promise=promise,
        confidence=confidence,
        lower_bound=lower_bound(walked.tally, risk),
        shown=walked.tally.shown,
        right=walked.tally.right,
        needed=walked.needed,
        result=walked.result,
        method=METHOD,
    )


def _reason(rows: int, scope: ScopeChoice, limit: float, one: Promise, mass: float, shown: Promise) -> str:
    """The sentences saved with the thresholds, for people."""
    start = f"Chosen on {rows} calibration rows. {scope.sentence()}"
    if shown.kept:
        about_shown = f"A suggestion when the two best hold {mass:.2f} together: {_evidence(shown)}."
    elif mass == NEVER:
        about_shown = f"No suggestion at all, a person takes everything: {_evidence(shown)}."
    else:
        about_shown = (
            f"Nothing is promised of what is shown: {_evidence(shown)}. "
            f"So a suggestion only when the two best hold {mass:.2f} together."
        )
    if mass == NEVER:
        return f"{start} {about_shown}"
    how_many = f"One suggestion from {limit:.2f}" if one.kept else "Never one suggestion alone"
    return f"{start} {about_shown} {how_many}: {_evidence(one)}."


def _evidence(promise: Promise) -> str:
    """Why a promise is or is not given, without a full stop."""
    if promise.kept:
        return (
            f"{promise.right} of {promise.shown} such rows are right, which proves {promise.promise:.0%} "
            f"with {promise.confidence:.0%} confidence"
        )
    if promise.result is PromiseResult.TOO_FEW_ROWS:
        return f"too few rows: {promise.shown} rows shown, {promise.needed} needed"
    return f"only {promise.right} of {promise.shown} rows are right, and {promise.promise:.0%} was asked for"
