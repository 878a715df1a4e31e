"""A real small Slack and a sender that a test drives by hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.delivery import outbox
from bot.delivery.outbox import Address
from bot.delivery.sender import Sender
from bot.delivery.slack import Slack
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.tables import OutboxRow, PostedMessage, RowState
from bot.storage.work import Wake
from playground.testing import PlaygroundServer


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A small Slack on localhost."""
    with PlaygroundServer() as server:
        yield server


class Outbox:
    """The outbox of a bot in ``slack``: write to it, send from it, look into it. Its time can be moved forward."""

    def __init__(
        self, slack: PlaygroundServer, db: Database, settings: Settings, clock: "MovableClock"
    ) -> None:
        self.slack = slack
        self.db = db
        self.settings = settings
        self.clock = clock
        self.team_id = slack.team_id
        self.sender = self.new_sender()

    def new_sender(self) -> Sender:
        """A sender of another process: it remembers nothing."""
        return Sender(self.settings, self.db, self.clock, Wake(), Slack(self.settings))

    def post(self, to: Address, text: str = "hello", key: str | None = None) -> None:
        with self.db.writing() as session:
            outbox.post(session, self.clock(), to, key=key or text, text=text)

    def send(self, sender: Sender | None = None) -> int:
        """One round of a sender; how many rows it worked."""
        sender = sender or self.sender
        rows = sender.claim(50)
        for row in rows:
            sender.work(row)
        sender.claim(0)  # what was said is settled with the next claim
        return len(rows)

    def settle(self, rounds: int = 12) -> None:
        """Round after round, each ten minutes later, until nothing is left to do."""
        for _ in range(rounds):
            self.send()
            self.clock.forward(600)

    def rows(self) -> list[OutboxRow]:
        with self.db.reading() as session:
            return list(session.scalars(select(OutboxRow).order_by(OutboxRow.id)))

    def row(self) -> OutboxRow:
        (row,) = self.rows()
        return row

    def states(self) -> list[RowState]:
        return [row.state for row in self.rows()]

    def posted(self) -> list[PostedMessage]:
        with self.db.reading() as session:
            return list(session.scalars(select(PostedMessage).order_by(PostedMessage.ts)))

    def make_due(self) -> None:
        """What waits for its next attempt is due now, as if the time had passed."""
        with self.db.writing() as session:
            session.execute(
                update(OutboxRow).where(OutboxRow.state == RowState.READY).values(due_at=self.clock())
            )


@dataclass
class MovableClock:
    """The real time, plus what a test has added: messages in Slack carry the real time, so it must not stand still."""

    real: Callable[[], datetime]
    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return self.real() + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


@pytest.fixture
def box(slack: PlaygroundServer, make_settings, database: Database, real_clock) -> Outbox:
    """An outbox on both databases, sending to the small Slack, with a timeout of one second."""
    settings = make_settings(
        slack_api_url=slack.api_url,
        slack_bot_token=slack.bot_token,
        firstline_slack_timeout_s=1,
        firstline_retry_base_s=0.2,  # so what Slack did not take is tried again after a second
    )
    return Outbox(slack, database, settings, MovableClock(real_clock))
