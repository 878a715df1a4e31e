"""Thresholds with a promise: when something is suggested, it is right as often as was promised.

How a threshold is tested is in `classifier.training.fixed_sequence`; here is which ones, and at which risk. The limit for
out of scope is chosen on the same rows before, and must not make a promise of chance. Who is shown one suggestion hardly
depends on it, so `show_one` has to pass with every limit that could have been chosen, which costs nothing. Who is shown
anything does depend on it, so for `least_mass` the risk is divided by the number of limits, and again by the number of
floors of `show_one` (Bonferroni).

The temperature was fitted on these rows too. It is one number for all rows, and the tests' simulations fit it as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifier.decision import Prediction, Promise, PromiseResult, Thresholds
from classifier.training.calibration import HALF, OFF, ScopeChoice, choose_scope_limit
from classifier.training.fixed_sequence import Tally, Walk, lower_bound, walk
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

NEVER = 1.0
"""As `show_one`: two suggestions always. As `least_mass`: a person always. But for what rounds to a probability of 1."""

UNPROVEN_MASS = LEAST_MASSES[0]
"""`least_mass` when there are too few rows to promise anything: never looser than one that was proven."""

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
    """Thresholds for messages like these calibration rows, with what is promised of them. At least one row.

    1. `out_of_scope` by `choose_scope_limit`.
    2. `show_one`: the lowest that passes for `one_promise`; NEVER if none does, for two are more often right than one.
    3. `least_mass`: the lowest that passes for `promise`. If none does for want of rows, UNPROVEN_MASS, since nothing
       speaks against it either; if none does because too many are wrong, NEVER: then a person takes everything.

    `show_one` is never under `least_mass`: so which rows are shown one does not depend on `least_mass`, and neither
    does its walk. Out-of-scope rows are rows like others: whatever is shown for them is wrong.
    """
    rows = rank(np.array([p.probabilities for p in predictions]), truths, predictions[0].labels)
    scope = choose_scope_limit(rows)
    risk = 1 - params.confidence
    shown_risk = risk / len(scope.choices) / len(FLOORS)
    ones = [_worst_tally_of_one(rows, limit, scope.choices, risk) for limit in ONE_LIMITS]
    # Starts by how many rows a limit shows alone where nothing is out of scope: nothing of them depends on what is right.
    alone = [_tally_of_one(rows, Thresholds(limit, HALF, OFF, METHOD)).shown for limit in ONE_LIMITS]
    lowest = _limit(walk(ones, params.one_promise, risk, alone))
    floor = max(value for value in FLOORS if value <= lowest)
    masses = [_tally_of_shown(rows, Thresholds(floor, mass, scope.limit, METHOD)) for mass in LEAST_MASSES]
    shown = walk(masses, params.promise, shown_risk)
    mass = _mass(shown)
    end = sum(limit >= mass for limit in ONE_LIMITS)
    one = walk(ones, params.one_promise, risk, alone, end)
    if mass == NEVER:
        one = replace(one, result=shown.result, needed=shown.needed)
    chosen = Thresholds(_limit(one), mass, scope.limit, METHOD)
    # Told are the rows as they will be decided: never fewer of them are right than in the tests.
    if shown.passed:
        shown = replace(shown, tally=_tally_of_shown(rows, chosen))
    if one.passed:
        one = replace(one, tally=_tally_of_one(rows, chosen))
    shown_promise = _promise(shown, params.promise, params.confidence)
    one_promise = _promise(one, params.one_promise, params.confidence)
    chosen = replace(chosen, shown_promise=shown_promise, one_promise=one_promise)
    return replace(chosen, reason=_reason(len(truths), scope, chosen, shown_promise, one_promise))


def _worst_tally_of_one(rows: RankedRows, limit: float, scopes: Sequence[float], risk: float) -> Tally:
    """With the out-of-scope limit that makes `show_one` = `limit` hardest to prove."""
    tallies = [_tally_of_one(rows, Thresholds(limit, HALF, scope, METHOD)) for scope in scopes]
    return min(dict.fromkeys(tallies), key=lambda tally: lower_bound(tally, risk))


def _tally_of_one(rows: RankedRows, thresholds: Thresholds) -> Tally:
    kinds = rows.under(thresholds)
    return _tally(kinds.one, kinds.right)


def _tally_of_shown(rows: RankedRows, thresholds: Thresholds) -> Tally:
    kinds = rows.under(thresholds)
    return _tally(kinds.shown, kinds.right)


def _tally(counted: Flags, right: Flags) -> Tally:
    return Tally(int(counted.sum()), int((counted & right).sum()))


def _limit(walked: Walk) -> float:
    return ONE_LIMITS[walked.passed[-1]] if walked.passed else NEVER


def _mass(walked: Walk) -> float:
    if walked.passed:
        return LEAST_MASSES[walked.passed[-1]]
    return UNPROVEN_MASS if walked.result is PromiseResult.TOO_FEW_ROWS else NEVER


def _promise(walked: Walk, promise: float, confidence: float) -> Promise:
    return Promise(
        promise=promise,
        confidence=confidence,
        lower_bound=lower_bound(walked.tally, walked.risk),
        shown=walked.tally.shown,
        right=walked.tally.right,
        needed=walked.needed,
        result=walked.result,
        method=METHOD,
    )


def _reason(rows: int, scope: ScopeChoice, chosen: Thresholds, shown: Promise, one: Promise) -> str:
    """The sentences saved with the thresholds, for people."""
    start, mass = f"Chosen on {rows} calibration rows. {scope.sentence()}", chosen.least_mass
    if mass == NEVER:
        return f"{start} No suggestion at all, a person takes everything: {_evidence(shown)}."
    if shown.kept:
        about_shown = f"A suggestion when the two best hold {mass:.2f} together: {_evidence(shown)}."
    else:
        about_shown = (
            f"Nothing is promised of what is shown: {_evidence(shown)}. "
            f"So a suggestion only when the two best hold {mass:.2f} together."
        )
    about_one = f"One suggestion from {chosen.show_one:.2f}" if one.kept else "Never one suggestion alone"
    return f"{start} {about_shown} {about_one}: {_evidence(one)}."


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
