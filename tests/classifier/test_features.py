"""The columns LightGBM sees: leave-one-out on fit rows, plain on new ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.evaluation.metrics import expected_calibration_error, figures
from classifier.serving.features import FeatureParams, Reference, fit_reference

PARAMS = FeatureParams(ridge=1.0, neighbours=5, sharpness=2)


def some_rows(count: int = 60, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    rows = random.normal(size=(count, 8)) + np.eye(8)[labels] * 2
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), labels.astype(np.int64)


def test_each_fit_row_leaves_itself_out() -> None:
    """A fit row's margins, cosines and votes are those of a reference that never saw it (the mean aside)."""
    rows, labels = some_rows()
    reference, own = fit_reference(rows, labels, 3, PARAMS)
    centred = rows - reference.mean
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    for place in (0, 7, 31):
        rest = np.arange(len(rows)) != place
        margins, cosines, votes = own[place, 8:11], own[place, 11:14], own[place, 14:17]
        inputs = np.hstack([centred[rest], np.ones((rest.sum(), 1))]).astype(np.float64)
        penalty = np.diag([1.0] * 8 + [1e-6])
        weights = np.linalg.solve(inputs.T @ inputs + penalty, inputs.T @ np.eye(3)[labels[rest]])
        assert margins == pytest.approx(np.append(centred[place], 1) @ weights, abs=1e-3)
        sums = np.array([centred[rest][labels[rest] == label].sum(axis=0) for label in range(3)])
        assert cosines == pytest.approx(
            (sums / np.linalg.norm(sums, axis=1, keepdims=True)) @ centred[place], abs=1e-4
        )
        near = np.argsort(-(centred[rest] @ centred[place]))[:5]
        weight = (centred[rest] @ centred[place])[near].clip(0) ** 2
        wanted = np.bincount(labels[rest][near], weight, 3) / weight.sum()
        assert votes == pytest.approx(wanted, abs=1e-4)


def test_twins_do_not_vote_for_each_other() -> None:
    """Rows that say the same leave each other out of their votes, as each leaves out itself."""
    rows, labels = some_rows()
    twice, own_labels = np.vstack([rows, rows]), np.concatenate([labels, labels])
    said = np.concatenate([np.arange(len(rows))] * 2).astype(np.int64)
    _, own = fit_reference(twice, own_labels, 3, FeatureParams(ridge=1.0, neighbours=1, sharpness=1), said)
    mean = twice.mean(axis=0)
    centred = (twice - mean) / np.linalg.norm(twice - mean, axis=1, keepdims=True)
    for place in (0, 7, 31):
        others = np.flatnonzero(said != place)
        nearest = others[int((centred[others] @ centred[place]).argmax())]
        assert int(own[place, -3:].argmax()) == own_labels[nearest]
    _, trusting = fit_reference(twice, own_labels, 3, FeatureParams(ridge=1.0, neighbours=1, sharpness=1))
    assert (trusting[:, -3:].argmax(axis=1) == own_labels).all()
    assert not (own[:, -3:].argmax(axis=1) == own_labels).all()


def test_blocks_do_not_change_votes() -> None:
    """More rows than one block give each row the same features as a computation in one piece would."""
    rows, labels = some_rows(1_500)
    reference, own = fit_reference(rows, labels, 3, PARAMS)
    similarities = reference.rows @ reference.rows.T
    np.fill_diagonal(similarities, -1)
    near = np.argsort(-similarities[1_200])[:5]
    weight = similarities[1_200][near].clip(0) ** 2
    assert own[1_200, -3:] == pytest.approx(np.bincount(labels[near], weight, 3) / weight.sum(), abs=1e-4)


def test_new_rows_get_the_same_columns() -> None:
    """A new row has as many columns, and a row near a class's rows leans to that class in every block."""
    rows, labels = some_rows()
    reference, own = fit_reference(rows, labels, 3, PARAMS)
    new = reference.features(rows[labels == 2].mean(axis=0, keepdims=True))
    assert new.shape == (1, reference.width) == (1, own.shape[1])
    assert [int(new[0, start : start + 3].argmax()) for start in (8, 11, 14)] == [2, 2, 2]


def test_arrays_and_back() -> None:
    """A reference read back from its arrays gives the same features."""
    rows, labels = some_rows()
    reference, _ = fit_reference(rows, labels, 3, PARAMS)
    again = Reference.from_arrays(reference.arrays(), PARAMS)
    assert np.array_equal(again.features(rows[:4]), reference.features(rows[:4]))


def test_a_class_of_one_row_is_survived() -> None:
    """A class with a single fit row leaves finite numbers."""
    rows, labels = some_rows()
    labels[labels == 2] = 1
    labels[0] = 2
    _, own = fit_reference(rows, labels, 3, PARAMS)
    assert np.isfinite(own).all()


@pytest.mark.parametrize("wrong", [{"ridge": 0.0}, {"neighbours": 0}, {"sharpness": 0}])
def test_feature_parameters_refuse_nonsense(wrong: dict[str, float]) -> None:
    """Parameters that make no sense cannot be built."""
    with pytest.raises(ValueError, match="must be"):
        FeatureParams(**wrong)  # type: ignore[arg-type]


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


def test_calibration_error_is_the_gap() -> None:
    """Certain .9 and right half the time is an error of .4; certain .5 and right half the time is none."""
    assert expected_calibration_error(np.full(10, 0.9), np.arange(10) % 2 == 0) == pytest.approx(0.4)
    assert expected_calibration_error(np.full(10, 0.5), np.arange(10) % 2 == 0) == pytest.approx(0.0)


def test_no_rows_are_refused() -> None:
    """Figures over nothing are refused, not reported as zero."""
    with pytest.raises(ValueError, match="no rows"):
        figures(np.zeros((0, 3)), np.zeros(0, dtype=np.int64), ("a", "b", "c"))
