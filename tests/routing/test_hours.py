"""Weekly hours on somebody's own clock."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import InvalidAgent, WeeklyHours, Window, working_week


def test_a_shift_follows_the_clock_on_the_wall() -> None:
    """Nine to five in Amsterdam ends at 16:00 UTC in winter and at 15:00 in summer."""
    hours = working_week("Europe/Amsterdam")
    winter, summer = datetime(2025, 3, 3, 8, 0, tzinfo=UTC), datetime(2025, 6, 2, 8, 0, tzinfo=UTC)
    assert hours.closes_at(winter) == datetime(2025, 3, 3, 16, 0, tzinfo=UTC)
    assert hours.closes_at(summer) == datetime(2025, 6, 2, 15, 0, tzinfo=UTC)
    assert hours.closes_at(winter - timedelta(minutes=1)) is None
    assert hours.changes_at(winter - timedelta(hours=3)) == winter
    assert hours.changes_at(winter) == datetime(2025, 3, 3, 16, 0, tzinfo=UTC)


def test_the_weekend_is_off_and_monday_is_next() -> None:
    """On Friday evening the next change is on Monday morning; without any hours it is a week away."""
    friday = datetime(2025, 3, 7, 20, 0, tzinfo=UTC)
    assert working_week("UTC").closes_at(friday) is None
    assert working_week("UTC").changes_at(friday) == datetime(2025, 3, 10, 9, 0, tzinfo=UTC)
    never = WeeklyHours("UTC", ())
    assert never.closes_at(friday) is None
    assert never.changes_at(friday) == friday + timedelta(days=7)


def test_a_night_shift_is_one_shift() -> None:
    """Windows that touch at midnight end with the second, also from Sunday to Monday."""
    night = WeeklyHours("UTC", (Window(6, 22 * 60, 1440), Window(0, 0, 6 * 60)))
    sunday = datetime(2025, 3, 2, 23, 0, tzinfo=UTC)
    assert night.closes_at(sunday) == datetime(2025, 3, 3, 6, 0, tzinfo=UTC)
    always = WeeklyHours("UTC", tuple(Window(day, 0, 1440) for day in range(7)))
    closes_at = always.closes_at(sunday)
    assert closes_at is not None
    assert closes_at >= sunday + timedelta(days=6)


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: Window(7, 0, 60), "weekday must be"),
        (lambda: Window(0, 60, 60), "must start before it ends"),
        (lambda: Window(0, 0, 1441), "must start before it ends"),
        (lambda: Window(0, 0.5, 60), "must be a whole number"),  # type: ignore[arg-type]
        (lambda: WeeklyHours("Mars/Olympus", ()), "no time zone 'Mars/Olympus'"),
        (lambda: WeeklyHours("", ()), "no time zone"),
        (lambda: WeeklyHours("UTC", (Window(0, 0, 60), Window(0, 59, 90))), "overlap"),
    ],
)
def test_contradictory_hours_are_refused(build: Any, complaint: str) -> None:
    """One line says what is wrong."""
    with pytest.raises(InvalidAgent, match=complaint):
        build()
