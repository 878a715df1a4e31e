"""Weekly hours as people write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.working_hours import HoursRefused, parse_hours, read_hours, say_hours, store_hours
from routing import InvalidAgent, WeeklyHours, Window

MINUTES = st.integers(0, 1440)
WINDOWS = st.builds(
    lambda day, ends: Window(day, min(ends), max(ends)),
    st.integers(0, 6),
    st.tuples(MINUTES, MINUTES).filter(lambda ends: ends[0] != ends[1]),
)


@st.composite
def weekly_hours(draw: st.DrawFn) -> WeeklyHours:
    """Any week that the matcher would take."""
    kept: list[Window] = []
    for window in draw(st.lists(WINDOWS, min_size=1, max_size=12)):
        try:
            WeeklyHours("Europe/Amsterdam", (*kept, window))
        except InvalidAgent:
            continue
        kept.append(window)
    return WeeklyHours("Europe/Amsterdam", tuple(sorted(kept)))


@given(weekly_hours())
def test_what_is_shown_can_be_sent_back(hours: WeeklyHours) -> None:
    """The form shows the hours in the words it reads, and the database gives back what it was given."""
    assert parse_hours(say_hours(hours), hours.zone) == hours
    assert read_hours(store_hours(hours)) == hours


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Mon-Fri 9:00-17:00", "Mon-Fri 9:00-17:00"),
        ("monday \u2013 friday: 9-12.30, 13:30 - 17", "Mon-Fri 9:00-12:30, 13:30-17:00"),
        ("Sat, Sun 10-16\n\nMon 8-9", "Mon 8:00-9:00\nSat-Sun 10:00-16:00"),
        ("Fri-Mon 0:00-24:00", "Mon 0:00-24:00\nFri-Sun 0:00-24:00"),
        ("Sun 22:00-6:00; Wed 20:00-0:00", "Mon 0:00-6:00\nWed 20:00-24:00\nSun 22:00-24:00"),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, said: str) -> None:
    """Full names, any dash, lists of days, whole days and shifts that end after midnight."""
    hours = parse_hours(text, "UTC")
    assert hours is not None
    assert say_hours(hours) == said


def test_no_words_are_no_hours() -> None:
    """An empty field means whenever they are on."""
    assert parse_hours(" \n ", "UTC") is None
    assert store_hours(None) is None
    assert read_hours(None) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("always", "is not like"),
        ("9:00-17:00", "is not like"),
        ("Foo 9-17", "no day of the week"),
        ("Mon 9-25", "no time of the day"),
        ("Mon 9:61-12", "no time of the day"),
        ("Mon 9", "no time of the day"),
        ("Mon 9-9", "has no length"),
        ("Mon 9-12, 11-13", "overlap"),
        ("Sun 22-6\nMon 5-9", "overlap"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    """The fault is told in words that help to mend it."""
    with pytest.raises(HoursRefused, match=words):
        parse_hours(text, "UTC")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing that somebody types ends in anything but hours or a refusal."""
    try:
        hours = parse_hours(text, "UTC")
    except HoursRefused:
        return
    assert hours is None or hours.windows


def test_hours_are_those_of_the_zone() -> None:
    """Nine o'clock is nine o'clock where the agent lives."""
    hours = parse_hours("Mon 9-17", "Asia/Tokyo")
    assert hours is not None
    assert hours.closes_at(datetime(2026, 3, 2, 7, 59, tzinfo=UTC)) == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert hours.closes_at(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) is None
