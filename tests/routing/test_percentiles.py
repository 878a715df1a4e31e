"""Percentiles of past scores, and how much longer work will take."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing import InvalidParams
from routing.percentiles import RollingScores
from routing.remaining import expected_remaining

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)


def test_a_percentile_is_the_share_below_with_equals_by_half() -> None:
    """Twenty imagined scores spread evenly temper the few that were seen."""
    scores = RollingScores(prior_weight=20.0).fed((NOW, value) for value in (0.1, 0.2, 0.2, 0.4))
    assert scores.at(NOW).of(0.2) == pytest.approx((2.0 + 20.0 * 0.2) / 24.0)
    assert RollingScores().at(NOW).of(0.3) == 0.3


def test_a_missing_score_gets_the_middle_and_teaches_nothing() -> None:
    """Never the best: nobody profits from a gap."""
    scores = RollingScores().fed([(NOW, None), (NOW, float("nan")), (NOW, 0.0)])
    assert len(scores.seen) == 1
    assert scores.at(NOW).of(None) == scores.at(NOW).of(float("nan")) == 0.5


def test_only_the_last_four_weeks_count() -> None:
    """Older scores are forgotten, later ones not known yet."""
    old, new = NOW - timedelta(days=29), NOW + timedelta(days=1)
    scores = RollingScores().fed([(old, 0.9), (NOW, 0.5), (new, 0.1)])
    assert [score for _, score in scores.seen] == [0.5, 0.1]
    assert scores.at(NOW).values.tolist() == [0.5]
    assert scores.at(NOW + timedelta(days=40)).values.tolist() == []


@settings(deadline=None)
@given(values=st.lists(st.floats(0.0, 1.0), max_size=30), one=st.floats(0.0, 1.0), other=st.floats(0.0, 1.0))
def test_a_higher_score_has_no_lower_percentile(values: list[float], one: float, other: float) -> None:
    """Percentiles lie in [0, 1] and keep the order."""
    at_now = RollingScores().fed((NOW, value) for value in values).at(NOW)
    low, high = sorted((one, other))
    assert 0.0 <= at_now.of(low) <= at_now.of(high) <= 1.0


def test_a_score_outside_0_to_1_or_a_naive_time_is_refused() -> None:
    """In one line."""
    with pytest.raises(InvalidParams, match="a score"):
        RollingScores().fed([(NOW, 1.1)])
    with pytest.raises(InvalidParams, match="a score"):
        RollingScores().at(NOW).of(-0.1)
    with pytest.raises(InvalidParams, match="now must be"):
        RollingScores().at(NOW.replace(tzinfo=None))
    with pytest.raises(InvalidParams, match="days"):
        RollingScores(days=0.0)


def test_half_of_the_work_is_done_by_the_estimated_time() -> None:
    """Drawn handling times that have lasted ten minutes: half of them end within the estimate; even after a day."""
    rng = np.random.default_rng(0)
    drawn = 8.8 * np.exp(rng.normal(0.0, 0.6, 400_000) - 0.18)
    still = drawn[drawn > 10.0] - 10.0
    assert expected_remaining(8.8, 10.0, 0.6) == pytest.approx(np.median(still), rel=0.02)
    assert expected_remaining(8.8, 0.0, 0.6) == pytest.approx(np.median(drawn), rel=0.02)
    assert expected_remaining(8.8, 1440.0, 0.6) > 10.0
    both = expected_remaining(np.array([8.8, 8.8]), np.array([0.0, 10.0]), 0.6)
    assert both[1] == pytest.approx(expected_remaining(8.8, 10.0, 0.6))
