"""When somebody works: weekly hours on their own wall clock, daylight saving included."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from routing.errors import InvalidAgent

_DAY = 24 * 60
_WEEK = 7 * _DAY
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A stretch of one weekday (0 = Monday) in minutes after midnight, `end` not included. Raises InvalidAgent.

    A night shift is two windows: to 24:00 (1440) of the one day and from 0:00 of the next.
    """

    weekday: int
    start: int
    end: int

    def __post_init__(self) -> None:
        for name in ("weekday", "start", "end"):
            if type(getattr(self, name)) is not int:
                raise InvalidAgent(f"hours: {name} must be a whole number, not {getattr(self, name)!r}")
        if not 0 <= self.weekday <= 6:
            raise InvalidAgent(f"hours: weekday must be from 0 (Monday) to 6, not {self.weekday}")
        if not 0 <= self.start < self.end <= _DAY:
            raise InvalidAgent(
                f"hours: a window must start before it ends, within 0 to 1440 minutes, not {self.start} to {self.end}"
            )


@dataclass(frozen=True, slots=True)
class WeeklyHours:
    """Windows of a week in a time zone such as Europe/Amsterdam; no windows: never at work. Raises InvalidAgent.

    When the clocks go back, an hour comes twice: it counts the first time, and the second time nothing changes. When
    they go forward an hour is left out, and what would begin or end in it does so at once. So each shift of a day has
    one beginning and one end, in that order.
    """

    zone: str
    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (OSError, ValueError, TypeError, KeyError) as problem:  # an unknown zone is a KeyError
            raise InvalidAgent(f"hours: there is no time zone {self.zone!r}") from problem
        windows = sorted(self.windows)
        for earlier, later in pairwise(windows):
            if earlier.weekday == later.weekday and later.start < earlier.end:
                raise InvalidAgent(f"hours: two windows of weekday {earlier.weekday} overlap")

    def closes_at(self, now: datetime) -> datetime | None:
        """When the shift that is running ends, windows that touch counting as one; None outside of the hours.

        Somebody who works around the clock has a shift that ends a week from the start of the present window.
        """
        local = _steady(now, ZoneInfo(self.zone))
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        end = self._end_of(minute)
        if end is None:
            return None
        while (further := self._end_of(end % _WEEK)) is not None and end - minute < _WEEK:
            end += (further - end) % _WEEK
        # Wall-clock arithmetic: the shift ends at 17:00 as people say it, whatever the clocks did in between.
        return _first_moment(_minute_of(local) + timedelta(minutes=end - minute)).astimezone(now.tzinfo)

    def changes_at(self, now: datetime) -> datetime:
        """The next moment at which somebody comes or goes, a week from now at the latest."""
        if (closes_at := self.closes_at(now)) is not None:
            return closes_at
        local = _steady(now, ZoneInfo(self.zone))
        minute = local.weekday() * _DAY + local.hour * 60 + local.minute
        waits = [(w.weekday * _DAY + w.start - minute - 1) % _WEEK + 1 for w in self.windows]
        start = _minute_of(local) + timedelta(minutes=min(waits, default=_WEEK))
        return _first_moment(start).astimezone(now.tzinfo)

    def _end_of(self, minute: int) -> int | None:
        """End, in minutes of the week, of the window that `minute` of the week lies in."""
        weekday, of_day = divmod(minute, _DAY)
        for window in self.windows:
            if window.weekday == weekday and window.start <= of_day < window.end:
                return weekday * _DAY + window.end
        return None


def _steady(now: datetime, zone: ZoneInfo) -> datetime:
    """The time on the wall, but for the hour that comes twice: its second time is the last minute of the first."""
    local = now.astimezone(zone)
    while local.fold:  # at most 60 steps, in one hour of the year
        now -= _MINUTE
        local = now.astimezone(UTC).astimezone(zone)
    return local


def _minute_of(local: datetime) -> datetime:
    return local.replace(second=0, microsecond=0)


def _first_moment(wall: datetime) -> datetime:
    """When the clock on the wall first shows ``wall`` or later."""
    shown = wall.replace(tzinfo=None)
    moment = min(wall.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    while moment.astimezone(wall.tzinfo).replace(tzinfo=None) < shown:  # in the hour that is left out
        moment += _MINUTE
    return moment


def working_week(zone: str, start: int = 9 * 60, end: int = 17 * 60) -> WeeklyHours:
    """Monday to Friday from `start` to `end`, in minutes after midnight."""
    return WeeklyHours(zone, tuple(Window(weekday, start, end) for weekday in range(5)))
