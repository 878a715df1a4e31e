"""Weekly hours on somebody's own clock."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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


CHANGES = {
    "Berlin, 23 hours": ("Europe/Berlin", date(2026, 3, 29)),
    "Berlin, 25 hours": ("Europe/Berlin", date(2026, 10, 25)),
    "New York, 23 hours": ("America/New_York", date(2026, 3, 8)),
    "New York, 25 hours": ("America/New_York", date(2026, 11, 1)),
}
SHIFTS = {  # minutes of the day, around the hour that is left out or comes twice in either zone
    "from 2:30": (150, 630),
    "until 2:30": (0, 150),
    "from 1:30": (90, 600),
    "until 1:30": (0, 90),
    "from 3:00": (180, 600),
    "until 2:00": (30, 120),
    "nine to five": (540, 1020),
}


@pytest.mark.parametrize(("start", "end"), SHIFTS.values(), ids=SHIFTS.keys())
@pytest.mark.parametrize(("zone", "day"), CHANGES.values(), ids=CHANGES.keys())
def test_when_the_clocks_change_a_shift_begins_and_ends_once(
    zone: str, day: date, start: int, end: int
) -> None:
    """Minute by minute through that day and its neighbours: three beginnings, and each is foretold, as is each end."""
    hours = WeeklyHours(zone, tuple(Window(weekday, start, end) for weekday in range(7)))
    first = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) - timedelta(days=1)
    moments = [first.astimezone(UTC) + timedelta(minutes=n) for n in range(3 * 24 * 60 - 90)]
    is_open = [hours.closes_at(moment) is not None for moment in moments]
    changes = [n for n in range(1, len(moments)) if is_open[n] != is_open[n - 1]]
    assert len([n for n in changes if is_open[n]]) + is_open[0] == 3
    assert len(changes) - is_open[0] <= 6
    for before, at in zip([0, *changes], changes, strict=False):
        for moment in (moments[before], moments[(before + at) // 2], moments[at - 1]):
            assert hours.changes_at(moment) == moments[at]


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
