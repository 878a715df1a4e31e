"""The rule between probabilities and what is shown, and how its thresholds are chosen."""

from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.decision import (
    OUT_OF_SCOPE,
    AbstainReason,
    DecisionKind,
    Prediction,
    Thresholds,
    apply_rule,
)
from classifier.serving.boosting import softmax
from classifier.training.calibration import fit_temperature

LIMITS = Thresholds(show_one=0.8, least_mass=0.5, out_of_scope=0.4, reason="for these tests")
LABELS = ("a", "b", "c", OUT_OF_SCOPE)


def prediction(*probabilities: float) -> Prediction:
    return Prediction(LABELS, probabilities)


@pytest.mark.parametrize(
    ("probabilities", "kind", "categories", "reason"),
    [
        ((0.80, 0.10, 0.05, 0.05), DecisionKind.SHOW_ONE, ("a",), None),
        ((0.79, 0.10, 0.06, 0.05), DecisionKind.SHOW_TWO, ("a", "b"), None),
        ((0.10, 0.30, 0.25, 0.35), DecisionKind.ABSTAIN, (), AbstainReason.OUT_OF_SCOPE),
        ((0.50, 0.05, 0.05, 0.40), DecisionKind.ABSTAIN, (), AbstainReason.OUT_OF_SCOPE),
        ((0.24, 0.25, 0.22, 0.29), DecisionKind.ABSTAIN, (), AbstainReason.OUT_OF_SCOPE),
        ((0.26, 0.23, 0.26, 0.25), DecisionKind.SHOW_TWO, ("a", "c"), None),
        ((0.20, 0.55, 0.20, 0.05), DecisionKind.SHOW_TWO, ("b", "a"), None),
    ],
)
def test_the_rule(
    probabilities: tuple[float, ...],
    kind: DecisionKind,
    categories: tuple[str, ...],
    reason: AbstainReason | None,
) -> None:
    """One suggestion from the threshold on, else two, and a person for what is out of scope."""
    shown = apply_rule(prediction(*probabilities), LIMITS)
    assert (shown.kind, shown.categories, shown.abstain_reason) == (kind, categories, reason)


def test_too_little_together_goes_to_a_person() -> None:
    """When the two best hold less than the least mass, nothing is suggested, and the sentence has the numbers."""
    labels = ("a", "b", "c", "d", "e")
    shown = apply_rule(Prediction(labels, (0.24, 0.2, 0.2, 0.18, 0.18)), LIMITS)
    assert (shown.kind, shown.abstain_reason) == (DecisionKind.ABSTAIN, AbstainReason.UNSURE)
    assert "0.44" in shown.rule
    assert "0.50" in shown.rule


weights = st.lists(st.floats(0.001, 1), min_size=4, max_size=4)


@given(weights, st.floats(0.05, 1), st.floats(0.05, 1), st.floats(0.05, 1))
def test_what_must_hold_for_every_prediction(
    values: list[float], one: float, mass: float, strange: float
) -> None:
    """Out of scope is never shown, what is shown comes best first, and the number shown fits the kind."""
    shares = np.array(values) / sum(values)
    guess = prediction(*map(float, shares / shares.sum()))
    shown = apply_rule(guess, Thresholds(one, mass, strange, "for this test"))
    count = {DecisionKind.SHOW_ONE: 1, DecisionKind.SHOW_TWO: 2, DecisionKind.ABSTAIN: 0}[shown.kind]
    assert len(shown.categories) == count
    assert OUT_OF_SCOPE not in shown.categories
    assert list(shown.categories) == [label for label, _ in guess.categories()][:count]
    assert (shown.abstain_reason is None) == (shown.kind is not DecisionKind.ABSTAIN)
    assert shown.rule.endswith(".")


@pytest.mark.parametrize(
    "wrong", [{"show_one": 0.0}, {"least_mass": 1.2}, {"out_of_scope": -1.0}, {"reason": ""}]
)
def test_thresholds_refuse_nonsense(wrong: dict[str, float | str]) -> None:
    """A threshold outside (0, 1] or without its reason cannot be built."""
    fields: dict[str, float | str] = {"show_one": 0.8, "least_mass": 0.5, "out_of_scope": 0.4, "reason": "x"}
    with pytest.raises(ValueError, match=r"must be|need"):
        Thresholds(**(fields | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("probabilities", [(0.5, 0.2, 0.2, 0.2), (1.1, -0.1, 0.0, 0.0), (1.0,), (nan,) * 4])
def test_predictions_refuse_nonsense(probabilities: tuple[float, ...]) -> None:
    """Probabilities must be one for each label and sum to 1."""
    with pytest.raises(ValueError, match="probabilit"):
        Prediction(LABELS, probabilities)


def test_equal_probabilities_rank_in_label_order() -> None:
    """Ties break by the order of the labels, every time."""
    assert [label for label, _ in prediction(0.25, 0.25, 0.25, 0.25).ranked()] == list(LABELS)


def test_the_temperature_undoes_overconfidence() -> None:
    """Scores that are three times too certain get a temperature near three."""
    random = np.random.default_rng(0)
    scores = random.normal(size=(4_000, 5)) * 2
    labels = np.array([random.choice(5, p=row) for row in softmax(scores)])
    assert fit_temperature(scores * 3, labels) == pytest.approx(3.0, rel=0.1)
