"""Weekly hours as people write them, and as the database keeps them.

One line for each stretch of days, such as ``Mon-Fri 9:00-12:30, 13:30-17:00``; a shift may end after midnight.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from routing import InvalidAgent, WeeklyHours, Window

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_MINUTES = 24 * 60
_LINE = re.compile(r"(?P<days>[^\d]+?)\s*(?P<times>\d.*)")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d\d))?")
_DASHES = str.maketrans("\u2013\u2014", "--")  # phones turn two hyphens into these


class HoursRefused(ValueError):
    """The hours cannot be read; the message says which part, for the person who wrote it."""


class HoursUnreadable(ValueError):
    """What is kept of somebody's hours is nothing that :func:`store_hours` writes."""


def parse_hours(text: str, zone: str) -> WeeklyHours | None:
    """The hours in ``text``, None where it is empty. Raises HoursRefused."""
    windows = [
        window
        for line in re.split(r"[\n;]", text.translate(_DASHES))
        if line.strip()
        for window in _parse_line(line.strip())
    ]
    if not windows:
        return None
    try:
        return WeeklyHours(zone, tuple(sorted(windows)))
    except InvalidAgent:
        raise HoursRefused("Two of these times overlap.") from None


def say_hours(hours: WeeklyHours) -> str:
    """The hours as :func:`parse_hours` reads them, days with the same times on one line."""
    times = [_say_day(hours.windows, day) for day in range(len(DAYS))]
    lines = []
    for day_times, days in groupby(range(len(DAYS)), key=lambda day: times[day]):
        first, *others = days
        if day_times:
            lines.append(f"{DAYS[first]}{f'-{DAYS[others[-1]]}' if others else ''} {day_times}")
    return "\n".join(lines)


def store_hours(hours: WeeklyHours | None) -> dict[str, Any] | None:
    """As JSON: the zone, and a triple of weekday, start and end (minutes) for each window."""
    if hours is None:
        return None
    return {"zone": hours.zone, "windows": [[w.weekday, w.start, w.end] for w in hours.windows]}


def read_hours(stored: Any) -> WeeklyHours | None:
    """What :func:`store_hours` wrote. Raises HoursUnreadable: rows may be written by hand, and time zones be renamed."""
    if stored is None:
        return None
    try:
        return WeeklyHours(stored["zone"], tuple(Window(*window) for window in stored["windows"]))
    except (InvalidAgent, LookupError, TypeError):  # its message may quote the row
        raise HoursUnreadable("these hours cannot be read") from None


def never() -> WeeklyHours:
    """At no time.

    So count hours that cannot be read: a request that waits for another is a lesser harm than somebody who is called
    at night, again and again; and whoever is there can still take requests (``/firstline next``).
    """
    return WeeklyHours("UTC", ())


def _parse_line(line: str) -> Iterable[Window]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise HoursRefused(f'"{line[:40]}" is not like "Mon-Fri 9:00-17:00".')
    days = [day for part in found["days"].split(",") for day in _parse_days(part.strip())]
    times = [_parse_times(part.strip()) for part in found["times"].split(",")]
    return [window for day in days for start, end in times for window in _windows(day, start, end)]


def _parse_days(part: str) -> Sequence[int]:
    first, dash, last = (word.strip() for word in part.partition("-"))
    start = _parse_day(first)
    end = _parse_day(last) if dash else start
    return [(start + step) % len(DAYS) for step in range((end - start) % len(DAYS) + 1)]


def _parse_day(word: str) -> int:
    for number, day in enumerate(DAYS):
        if word[:3].casefold() == day.casefold():
            return number
    raise HoursRefused(f'"{word[:20]}" is no day of the week: Mon, Tue, Wed, Thu, Fri, Sat or Sun.')


def _parse_times(part: str) -> tuple[int, int]:
    first, _, last = (word.strip() for word in part.partition("-"))
    start, end = _parse_time(first), _parse_time(last)
    if start in (end, DAY_MINUTES):
        raise HoursRefused(f'"{part[:20]}" has no length; write 0:00-24:00 for a whole day.')
    return start, end


def _parse_time(word: str) -> int:
    found = _TIME.fullmatch(word)
    minutes = int(found[1]) * 60 + int(found[2] or 0) if found else -1
    if found is None or int(found[2] or 0) >= 60 or not 0 <= minutes <= DAY_MINUTES:
        raise HoursRefused(f'"{word[:20]}" is no time of the day, such as 9:00 or 17:30.')
    return minutes


def _windows(day: int, start: int, end: int) -> Sequence[Window]:
    if start < end:
        return [Window(day, start, end)]
    night = [Window(day, start, DAY_MINUTES)]
    return [*night, Window((day + 1) % len(DAYS), 0, end)] if end else night


def _say_day(windows: Iterable[Window], day: int) -> str:
    return ", ".join(
        f"{_say_time(window.start)}-{_say_time(window.end)}"
        for window in sorted(windows)
        if window.weekday == day
    )


def _say_time(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02d}"
