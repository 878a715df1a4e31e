"""Minutes of the simulated day and the moments they stand for."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = datetime(2025, 1, 6, tzinfo=UTC)
"""A Monday; minutes count from its midnight in UTC."""
NINE = 9 * 60


def at(minute: float) -> datetime:
    """The moment of a minute."""
    return DAY + timedelta(minutes=minute)


def minute_of(moment: datetime) -> float:
    """The minute of a moment."""
    return (moment - DAY).total_seconds() / 60.0


def opens(zone: str) -> float:
    """The minute at which it is nine o'clock there."""
    return minute_of(DAY.replace(hour=9, tzinfo=ZoneInfo(zone)))
