"""Figures of a classifier."""

from pathlib import Path

import numpy as np
import pytest

from classifier.decision import OUT_OF_SCOPE
from classifier.errors import DataRefused
from classifier.evaluation.labels import unknown_labels
from classifier.evaluation.metrics import expected_calibration_error, figures


def test_figures_on_a_case_done_by_hand() -> None:
    """Four rows, three labels: every figure as computed on paper."""
    probabilities = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.5, 0.4]])
    measured = figures(probabilities, np.array([0, 1, 1, 2]), ("a", "b", "c"))
    assert measured.accuracy == 0.5
    assert measured.weighted_recall == 0.5
    assert measured.weighted_precision == pytest.approx((1 * 0.5 + 2 * 0.5 + 1 * 0) / 4)
    assert measured.macro_f1 == pytest.approx((2 / 3 + 0.5 + 0) / 3)
    assert measured.top_two == 1.0
    assert measured.log_loss == pytest.approx(-np.log([0.8, 0.3, 0.7, 0.4]).mean())
    assert [row.n for row in measured.labels] == [1, 2, 1]
    assert measured.coverage_at == {"0.79": 1.0, "0.85": 1.0, "0.90": 1.0, "0.95": 1.0, "0.98": 1.0}
    assert measured.mean_buttons_at == {"0.90": 1.5, "0.95": 1.5}


def test_a_label_without_a_probability_is_always_missed() -> None:
    """Its rows are wrong in every figure: no precision, no recall, never covered, a log loss of ln(1e12) each."""
    probabilities = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0]])
    measured = figures(probabilities, np.array([0, 2]), ("a", "b", "new"))
    assert (measured.accuracy, measured.top_two, measured.coverage_at["0.98"]) == (0.5, 0.5, 0.5)
    assert measured.weighted_precision == 0.25
    assert measured.macro_f1 == pytest.approx((2 / 3 + 0) / 2)
    assert measured.log_loss == pytest.approx((-np.log(0.9) + np.log(1e12)) / 2)
    assert measured.mean_buttons_at == {"0.90": None, "0.95": None}


def test_calibration_error_is_the_gap() -> None:
    """Certain .9 and right half the time is an error of .4; certain .5 and right half the time is none."""
    assert expected_calibration_error(np.full(10, 0.9), np.arange(10) % 2 == 0) == pytest.approx(0.4)
    assert expected_calibration_error(np.full(10, 0.5), np.arange(10) % 2 == 0) == pytest.approx(0.0)


def test_no_rows_are_refused() -> None:
    """Figures over nothing are refused, not reported as zero."""
    with pytest.raises(ValueError, match="no rows"):
        figures(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), ("a", "b", "c"))


def test_labels_that_the_model_does_not_know_are_counted() -> None:
    """Some unknown labels are told of with their rows, nothing but unknown ones are refused; out of scope is never unknown."""
    file, known = Path("own.csv"), ("mail", "vpn")
    assert unknown_labels(["mail", OUT_OF_SCOPE], known, file) is None
    told = "The model does not know 1 category with 2 rows (doors (2)): they count as wrong."
    assert unknown_labels(["mail", "doors", "doors"], known, file) == told
    assert unknown_labels([OUT_OF_SCOPE, "doors", "doors"], known, file) == told
    with pytest.raises(DataRefused, match="knows none of its 1 category with 2 rows"):
        unknown_labels(["doors", "doors"], known, file)
