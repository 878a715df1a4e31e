"""Thresholds with a promise: what is promised holds on rows nobody has seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from classifier.decision import OUT_OF_SCOPE, DecisionKind, Prediction, PromiseResult, Thresholds, apply_rule
from classifier.serving.boosting import softmax
from classifier.training.promise import PromiseParams, Tally, choose_thresholds, lower_bound, walk
from classifier.training.shown import RankedRows, rank
from tests.sizes import at_full_size

LABELS = ("a", "b", "c", OUT_OF_SCOPE)
DEFAULT = PromiseParams()
RUNS = 400 if at_full_size() else 100


def made_up(
    count: int, random: np.random.Generator, *, boast: float = 1.0
) -> tuple[list[Prediction], list[str]]:
    """Rows whose label is drawn from true probabilities, and predictions `boast` times as certain as those."""
    scores = random.normal(size=(count, 4)) * 3
    true = softmax(scores).cumsum(axis=1)
    drawn = (random.random((count, 1)) > true).sum(axis=1).clip(max=3)
    told = softmax(scores * boast)
    return [Prediction(LABELS, tuple(map(float, row / row.sum()))) for row in told], [
        LABELS[d] for d in drawn
    ]


def ranked(predictions: list[Prediction], truths: list[str]) -> RankedRows:
    """The rows as thresholds are tried on them, many times over."""
    return rank(np.array([p.probabilities for p in predictions]), truths, LABELS)


def share_right(thresholds: Thresholds, rows: RankedRows, *, alone: bool = False) -> float:
    """Share of right ones among what is shown, or what is shown `alone`; 1 when nothing is."""
    kinds = rows.under(thresholds)
    counted = kinds.one if alone else kinds.shown
    return float(kinds.right[counted].mean()) if counted.any() else 1.0


def test_the_fast_rule_is_the_serving_rule() -> None:
    """Trying thresholds on many rows at once decides each row as `apply_rule` does."""
    predictions, truths = made_up(300, np.random.default_rng(0))
    rows = ranked(predictions, truths)
    for limits in ((0.8, 0.6, 0.3), (0.95, 0.9, 1.0), (0.5, 0.5, 0.05)):
        thresholds = Thresholds(*limits, "trial")
        kinds = rows.under(thresholds)
        shown = [apply_rule(prediction, thresholds) for prediction in predictions]
        assert [one.kind is DecisionKind.SHOW_ONE for one in shown] == kinds.one.tolist()
        assert [one.kind is DecisionKind.SHOW_TWO for one in shown] == kinds.two.tolist()
        right = [truth in one.categories for one, truth in zip(shown, truths, strict=True)]
        assert np.array(right)[kinds.shown].tolist() == kinds.right[kinds.shown].tolist()


@pytest.mark.parametrize(
    ("boast", "rows"),
    [(1.0, 600), (2.0, 600), (0.6, 600), (1.0, 2_000)],
    ids=["calibrated", "too sure", "too modest", "many rows"],
)
def test_the_promise_is_broken_in_one_of_twenty_runs_at_most(boast: float, rows: int) -> None:
    """Over many draws of calibration rows the true share falls short in 5 % of runs at most, plus the noise of so many."""
    random = np.random.default_rng(7)
    fresh = ranked(*made_up(20_000, random, boast=boast))
    kept = {"shown": 0, "one": 0}
    broken = dict(kept)
    for _ in range(RUNS):
        chosen = choose_thresholds(*made_up(rows, random, boast=boast), DEFAULT)
        for what, promise in (("shown", chosen.shown_promise), ("one", chosen.one_promise)):
            assert promise is not None
            kept[what] += promise.kept
            broken[what] += promise.kept and share_right(chosen, fresh, alone=what == "one") < promise.promise
    # A rule that never promises would pass as well; of what is shown alone, 600 rows prove little.
    assert kept["shown"] > RUNS / 2
    assert kept["one"] > RUNS / 2 or rows < 2_000
    assert max(broken.values()) <= binom.ppf(0.999, RUNS, 0.05)


def test_picking_by_the_share_seen_breaks_it_more_often() -> None:
    """The same population, thresholds picked by their share on the calibration rows: far more than one run in twenty."""
    random = np.random.default_rng(7)
    fresh = ranked(*made_up(20_000, random))
    broken = 0
    for _ in range(RUNS):
        rows = ranked(*made_up(600, random))
        for mass in np.arange(0.5, 1.0, 0.02):
            naive = Thresholds(0.9, float(mass), 1.0, "naive")
            if share_right(naive, rows) >= DEFAULT.promise:
                break
        broken += share_right(naive, fresh) < DEFAULT.promise
    assert broken > binom.ppf(0.999, RUNS, 0.05)


def test_a_kept_promise_says_its_evidence() -> None:
    """With many rows the promise is kept, and the rows it was proved on are those the thresholds decide so."""
    predictions, truths = made_up(3_000, np.random.default_rng(1))
    chosen = choose_thresholds(predictions, truths, DEFAULT)
    promise = chosen.shown_promise
    assert promise is not None
    assert promise.result is PromiseResult.KEPT
    assert promise.lower_bound >= 0.90
    assert share_right(chosen, ranked(predictions, truths)) == pytest.approx(promise.right / promise.shown)
    assert "3000 calibration rows" in chosen.reason
    assert Thresholds(**chosen.as_dict()) == chosen


def test_too_few_rows_are_said_to_be_too_few() -> None:
    """Forty rows prove nothing: the result says so, with how many would be needed."""
    chosen = choose_thresholds(*made_up(40, np.random.default_rng(2)), DEFAULT)
    assert chosen.shown_promise is not None
    assert chosen.shown_promise.result is PromiseResult.TOO_FEW_ROWS
    assert chosen.shown_promise.needed is not None
    assert "too few rows" in chosen.reason


def test_a_hopeless_model_shows_nothing() -> None:
    """When the shown ones are wrong, a person takes everything, and the reason says so."""
    predictions, truths = made_up(2_000, np.random.default_rng(3))
    np.random.default_rng(4).shuffle(truths)
    chosen = choose_thresholds(predictions, truths, DEFAULT)
    assert chosen.shown_promise is not None
    assert chosen.shown_promise.result is PromiseResult.NOT_REACHED
    assert all(
        apply_rule(p, chosen).kind is DecisionKind.ABSTAIN
        for p in predictions
        if max(p.probabilities) < 0.999
    )
    assert "a person takes everything" in chosen.reason


def test_a_looser_promise_never_shows_less() -> None:
    """Asking for less leaves the mass asked for as it was, or lowers it."""
    rows = made_up(3_000, np.random.default_rng(5))
    masses = [choose_thresholds(*rows, PromiseParams(promise=p)).least_mass for p in (0.97, 0.93, 0.9, 0.8)]
    assert masses == sorted(masses, reverse=True)


def test_out_of_scope_rows_end_with_a_person() -> None:
    """Where the model can tell them, nineteen of twenty out-of-scope calibration rows are caught by the limit."""
    inside = [Prediction(LABELS, (0.9, 0.05, 0.03, 0.02))] * 400
    outside = [Prediction(LABELS, (0.5, 0.1, 0.1, 0.3))] * 40
    chosen = choose_thresholds(inside + outside, ["a"] * 400 + [OUT_OF_SCOPE] * 40, DEFAULT)
    assert 0.02 < chosen.out_of_scope <= 0.3
    assert "40 of 40 such rows end with a person" in chosen.reason


def test_without_out_of_scope_rows_that_limit_is_off() -> None:
    """Data without out-of-scope rows leaves that threshold at 1."""
    predictions = [Prediction(("a", "b"), (0.9, 0.1))] * 40
    assert choose_thresholds(predictions, ["a"] * 40, DEFAULT).out_of_scope == 1.0


@settings(max_examples=100, deadline=None)
@given(shown=st.integers(1, 500), wrong=st.integers(0, 500))
def test_the_bound_is_below_the_share(shown: int, wrong: int) -> None:
    """The exact bound lies in [0, share seen], and a smaller risk lowers it."""
    tally = Tally(shown, max(shown - wrong, 0))
    assert 0 <= lower_bound(tally, 0.01) <= lower_bound(tally, 0.05) <= tally.right / shown


def test_the_walk_stops_at_the_first_failure() -> None:
    """A candidate behind one that failed is not taken, however good it looks."""
    good, bad = Tally(400, 395), Tally(400, 300)
    assert walk([good, good, bad, good], 0.9, 0.05).passed == (0, 1)
    assert walk([bad, good], 0.9, 0.05).passed == ()


def test_one_unlucky_row_among_few_does_not_end_the_walk() -> None:
    """Where strict candidates show few rows the walk starts again at twice and four times as many, with a part of the risk."""
    unlucky, fair, wide = Tally(113, 110), Tally(205, 202), Tally(420, 380)
    found = walk([Tally(60, 60), unlucky, fair, wide], 0.95, 0.05)
    assert (found.passed, found.tally) == ((2,), fair)
    assert found.risk == pytest.approx(0.05 / 3)
    assert lower_bound(unlucky, 0.05) < 0.95 < lower_bound(fair, found.risk)


def test_with_many_rows_the_walk_has_one_start_and_all_the_risk() -> None:
    """Where the strictest candidate shows enough rows, nothing of the risk is given away."""
    assert walk([Tally(400, 395), Tally(500, 490)], 0.95, 0.05).risk == 0.05


@pytest.mark.parametrize("wrong", [{"promise": 1.0}, {"confidence": 0.2}, {"one_promise": 0.0}])
def test_promises_refuse_nonsense(wrong: dict[str, float]) -> None:
    """Certainty, and less than a half, cannot be promised."""
    with pytest.raises(ValueError, match="at least"):
        PromiseParams(**wrong)
