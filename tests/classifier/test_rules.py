"""Rules for one button or two, against plain loops, and conformal sets against what they promise."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from classifier.evaluation.asked import Asked
from classifier.evaluation.conformal import calibrated_on, calibrated_on_half, is_installed
from classifier.evaluation.rules import (
    TARGETS,
    BestTwo,
    Rule,
    apply,
    best_two,
    claim,
    coverage_at,
    mean_buttons_at,
    operating_point,
    rule_curve,
)

THRESHOLD_RULES = (Rule.TOP, Rule.GAP, Rule.SECOND)


@st.composite
def said(draw: st.DrawFn) -> tuple[list[list[float]], list[int]]:
    """Probabilities of three labels in tenths, so that ties are common, and the places of the true ones (3: unknown)."""
    rows = draw(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=12))
    tenths = [sorted((0, min(a, b), max(a, b), 10)) for a, b in rows]
    probabilities = [[(high - low) / 10 for low, high in pairwise(own)] for own in tenths]
    return probabilities, draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))


def loop(
    probabilities: list[list[float]], truths: list[int], rule: Rule, parameter: float
) -> tuple[float, float, float | None]:
    """Coverage, mean buttons and precision when one, a row at a time."""
    covered, buttons, ones, right_ones = 0, 0, 0, 0
    for own, truth in zip(probabilities, truths, strict=True):
        first, second, *_ = sorted(range(len(own)), key=lambda place: -own[place])
        is_two = {
            Rule.TOP: own[first] < parameter,
            Rule.GAP: own[first] - own[second] < parameter,
            Rule.SECOND: own[second] >= parameter,
        }[rule]
        shown = [first, second] if is_two else [first]
        covered += truth in shown
        buttons += len(shown)
        ones += not is_two
        right_ones += not is_two and truth == first
    n = len(truths)
    return covered / n, buttons / n, right_ones / ones if ones else None


def rows_of(example: tuple[list[list[float]], list[int]]) -> BestTwo:
    return best_two(np.array(example[0]), np.array(example[1]))


@given(said(), st.sampled_from(THRESHOLD_RULES), st.integers(0, 11))
def test_a_rule_is_what_a_loop_over_the_rows_says(
    example: tuple[list[list[float]], list[int]], rule: Rule, tenths: int
) -> None:
    """Coverage, buttons and precision are those counted row by row, ties and unknown labels included."""
    coverage, buttons, precision = loop(*example, rule, tenths / 10)
    found = apply(rows_of(example), rule, tenths / 10)
    assert (found.coverage, found.mean_buttons) == pytest.approx((coverage, buttons))
    assert found.precision_when_one == (None if precision is None else pytest.approx(precision))
    assert found.right_among_shown == pytest.approx(coverage)
    assert found.abstained == 0
    assert found.share_of_two == pytest.approx(found.mean_buttons - 1)


@given(said(), st.sampled_from(THRESHOLD_RULES), st.sampled_from((0.5, *TARGETS)))
def test_no_other_parameter_needs_fewer_buttons(
    example: tuple[list[list[float]], list[int]], rule: Rule, target: float
) -> None:
    """The operating point reaches its target, and nothing that the loop tries reaches it with fewer buttons."""
    found = operating_point(rows_of(example), rule, target)
    tried = [loop(*example, rule, parameter) for parameter in np.linspace(-0.05, 1.05, 56)]
    enough = [buttons for coverage, buttons, _ in tried if coverage >= target]
    if found is None:
        assert not enough
    else:
        assert found.coverage >= target
        assert not enough or found.mean_buttons <= min(enough) + 1e-12


@given(said(), st.sampled_from(THRESHOLD_RULES))
def test_more_buttons_never_cover_less(example: tuple[list[list[float]], list[int]], rule: Rule) -> None:
    """A curve goes from one button to two, and its coverage from the accuracy to the best two."""
    rows = rows_of(example)
    drawn = rule_curve(rows, rule).drawn
    assert [drawn[0].mean_buttons, drawn[-1].mean_buttons] == [1, 2]
    assert [drawn[0].coverage, drawn[-1].coverage] == [
        rows.first_right.mean(),
        pytest.approx((rows.first_right | rows.second_right).mean()),
    ]
    coverages = [own.coverage for own in drawn]
    assert coverages == sorted(coverages)


def test_what_every_evaluation_tells_of_the_top_threshold() -> None:
    """Four rows on paper: who is shown two at each threshold, and the fewest buttons that reach a coverage."""
    probabilities = np.array([[0.97, 0.03, 0.0], [0.88, 0.1, 0.02], [0.6, 0.4, 0.0], [0.55, 0.4, 0.05]])
    rows = best_two(probabilities, np.array([0, 1, 1, 2]))
    assert coverage_at(rows) == {"0.79": 0.5, "0.85": 0.5, "0.90": 0.75, "0.95": 0.75, "0.98": 0.75}
    assert mean_buttons_at(rows, (0.25, 0.5, 0.75, 0.8)) == {
        "0.25": 1,
        "0.50": 1.5,
        "0.75": 1.75,
        "0.80": None,
    }


@pytest.mark.parametrize(
    ("first_right", "second_right", "verdict"),
    [(85, 0, "fewer than it found"), (90, 4, "as it found"), (95, 4, "more than it found")],
)
def test_the_claim_is_put_beside_what_was_found(first_right: int, second_right: int, verdict: str) -> None:
    """The sentence gives both coverages of these rows and says how they compare."""
    places = np.arange(100)
    rows = BestTwo(
        first=np.full(100, 0.9),
        second=np.full(100, 0.1),
        first_right=places < first_right,
        second_right=(places >= first_right) & (places < first_right + second_right),
    )
    told = claim(rows)
    assert f"t = 0.79 covers {first_right}.0% with 1.00 buttons" in told
    assert f"t = 0.98 covers {first_right + second_right}.0% with 2.00 buttons" in told
    assert told.endswith(f"{verdict}.")


def exchangeable(rows: int, seed: int) -> Asked:
    """Five labels, and truths drawn from the very probabilities."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet(np.full(5, 0.4), rows)
    truths: NDArray[np.int64] = (probabilities.cumsum(axis=1) < random.random((rows, 1))).sum(axis=1)
    return Asked(probabilities, truths, tuple("abcde"), 5, np.arange(rows))


needs_mapie = pytest.mark.skipif(not is_installed(), reason="needs mapie (make setup-study)")


@needs_mapie
def test_conformal_sets_keep_their_level() -> None:
    """For exchangeable rows the coverage is near each level, and higher levels show more."""
    curve = calibrated_on(exchangeable(4_000, 1), exchangeable(4_000, 2))
    assert curve is not None
    for own in curve.curve:
        assert own.coverage == pytest.approx(own.parameter, abs=0.03)
    buttons = [own.mean_buttons for own in curve.curve]
    assert buttons == sorted(buttons)
    assert curve.operating[0.9] in curve.curve


@needs_mapie
def test_half_of_the_rows_can_calibrate_for_the_other() -> None:
    """Rows that are alike are in one half together, the seed draws the halves, and each row is in one of them."""
    rows = exchangeable(2_000, 3)
    pairs = Asked(rows.probabilities, rows.truths, rows.labels, 5, np.arange(2_000) // 2)
    first, again, other = (calibrated_on_half(pairs, seed) for seed in (0, 0, 1))
    assert first is not None
    assert first == again != other
    assert first.n == 1_000
    assert first.operating[0.95] is not None


@needs_mapie
def test_labels_beyond_the_model_are_never_in_a_set() -> None:
    """A label the model does not know is not covered at any level, and does not calibrate; with too few rows nothing is told."""
    rows = exchangeable(500, 4)
    padded = np.hstack([rows.probabilities, np.zeros((500, 1))])
    unknown = Asked(padded, np.full(500, 5), (*rows.labels, "new"), 5, rows.groups)
    curve = calibrated_on(rows, unknown)
    assert curve is not None
    assert {own.coverage for own in curve.curve} == {0.0}
    assert calibrated_on(unknown, rows) is None


def test_without_mapie_it_is_known_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The optional package is looked for before it is imported."""
    monkeypatch.setitem(sys.modules, "mapie", None)
    assert not is_installed()
