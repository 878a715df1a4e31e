"""The bot's processes on a simulated day: each may die, lose its clock, or fail in the middle of a matching."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event

from bot.jobs.matching import Matcher
from bot.jobs.schedule import Schedule
from classifier import Answer
from tests.bot.listeners.conftest import ANSWERS, Desk

if TYPE_CHECKING:
    from tests.reliability.apparatus.support_day import SupportDay

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)  # a Monday


@dataclass
class FallibleAnswers(Mapping[str, Answer]):
    """The answers; asked while they are `broken`, whoever asks dies in the middle of what they do."""

    broken: bool = False

    def __getitem__(self, key: str) -> Answer:
        if self.broken:
            raise OSError("the disk is gone")
        return ANSWERS[key]

    def __iter__(self) -> Iterator[str]:
        return iter(ANSWERS)

    def __len__(self) -> int:
        return len(ANSWERS)


@dataclass
class ReplicaClock:
    """The day's time, but for the seconds for which it stands still."""

    day: "SupportDay"
    stopped_at: datetime | None = None

    def __call__(self) -> datetime:
        return self.stopped_at or self.day.now

    def go_on(self) -> None:
        """Jump to the day's time."""
        self.stopped_at = None


@dataclass
class Replica:
    """A process of the bot: it may be dead for a while, and its flags die with it."""

    desk: Desk
    clock: ReplicaClock
    answers: FallibleAnswers
    matcher: Matcher
    schedule: Schedule
    is_alive: bool = True
    match_due: datetime = START


def without_fsync(engine: Engine) -> Engine:
    """No power is cut in virtual time, and a day has a hundred thousand commits."""

    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(engine, "connect", relax)
    return engine
