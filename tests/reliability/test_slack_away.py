"""Slack's Web API is away for ten minutes: nothing is lost, nobody hammers it, and what has waited comes out at its pace.

In virtual time: sender and small Slack share a clock that the test moves on to the next moment at which something is due.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from bot.delivery import outbox
from bot.delivery.outbox import Address
from bot.delivery.sender import Sender
from bot.delivery.slack import Slack
from bot.storage.database import Database, open_engine
from bot.storage.tables import OutboxRow, RowState
from bot.storage.work import Wake
from playground.faults import FaultKind, FaultRule
from playground.journal import CallRecord
from playground.manifest import read_manifest
from playground.testing import PlaygroundServer
from tests.serving import ROOT
from tests.sizes import at_full_size

SEED = 21
AWAY_S = 600
PEOPLE, MESSAGES = (40, 200) if at_full_size() else (6, 24)
BETWEEN_ATTEMPTS = timedelta(seconds=5)
BETWEEN_MESSAGES = timedelta(seconds=1)
HOW_IT_IS_AWAY = (FaultKind.FAIL_BEFORE, FaultKind.CUT_BEFORE, FaultKind.FAIL_AFTER, FaultKind.CUT_AFTER)


@dataclass
class SteppedClock:
    """A clock that stands still until it is moved on."""

    now: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 9, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Desk:
    """An outbox, its sender and a small Slack, all on one clock."""

    slack: PlaygroundServer
    db: Database
    clock: SteppedClock
    sender: Sender
    dice: random.Random

    def write(self, number: int) -> None:
        """Something to say to somebody; every fourth message is changed later."""
        user = f"U0P{self.dice.randrange(PEOPLE)}"
        to = Address(self.slack.team_id, user_ids=(user,))
        with self.db.writing() as session:
            outbox.post(session, self.clock(), to, key=f"m{number}", text=f"m{number}")
            if number % 4 == 0:
                outbox.update(
                    session, self.clock(), to, key=f"m{number}", version="2", text=f"m{number}, changed"
                )

    def send(self, for_s: float, writing: Sequence[int] = ()) -> None:
        """Let the sender work for so many seconds; ``writing`` are messages to write meanwhile."""
        to_write, ends_at = list(writing), self.clock() + timedelta(seconds=for_s)
        every = timedelta(seconds=for_s / max(1, len(to_write)))
        write_at = self.clock()
        while self.clock() < ends_at:
            while to_write and self.clock() >= write_at:
                self.write(to_write.pop(0))
                write_at += every
            rows = self.sender.claim(50)
            for row in rows:
                self.sender.work(row)
            soon = self.clock() + timedelta(seconds=0.1)
            next_at = min(self._due_at() or ends_at, write_at if to_write else ends_at, ends_at)
            self.clock.now = (
                soon if rows else max(next_at, soon)
            )  # a row that was said lets the next of its lane go

    def _due_at(self) -> datetime | None:
        """When the next row is to be tried."""
        with self.db.reading() as session:
            return session.scalar(
                select(func.min(OutboxRow.due_at)).where(
                    OutboxRow.state == RowState.READY, OutboxRow.due_at > self.clock()
                )
            )

    def unsaid(self) -> int:
        """How many rows are not done."""
        with self.db.reading() as session:
            return session.scalar(select(func.count()).where(OutboxRow.state != RowState.DONE)) or 0

    def calls(self) -> dict[str, list[CallRecord]]:
        """What was called for each channel, oldest first."""
        by_channel = defaultdict(list)
        for call in self.slack.calls():
            by_channel[str(call.arguments.get("channel") or call.arguments.get("users"))].append(call)
        return by_channel


@pytest.fixture
def at(sqlite_url: str, make_settings) -> Iterator[Desk]:
    """A sender with the settings that it has by default, driven by hand."""
    clock = SteppedClock()
    manifest = read_manifest(ROOT / "manifest.yml")
    with PlaygroundServer(manifest=manifest, clock=clock, rate_limit=None, journal_kept=None) as slack:
        for number in range(PEOPLE):
            slack.add_person(f"U0P{number}", f"Person {number}")
        settings = make_settings(
            slack_api_url=slack.api_url, slack_bot_token=slack.bot_token, firstline_retry_base_s=1
        )
        db = Database(open_engine(sqlite_url))
        sender = Sender(settings, db, clock, Wake(), Slack(settings))
        yield Desk(slack, db, clock, sender, random.Random(SEED))
        db.dispose()


def test_ten_minutes_without_slack_lose_nothing_and_nobody_is_hammered(at: Desk) -> None:
    """Everything is said once and in order, no row is tried twice in five seconds, no channel hears two in a second."""
    at.send(20, range(PEOPLE))  # these open the DMs
    began_at = at.clock()
    at.slack.set_faults(
        *(FaultRule(kind, share=1 / (4 - n)) for n, kind in enumerate(HOW_IT_IS_AWAY)), seed=SEED
    )
    at.send(AWAY_S, range(PEOPLE, MESSAGES))
    mended_at = at.clock()
    at.slack.set_faults()
    while at.unsaid() and at.clock() < mended_at + timedelta(minutes=30):
        at.send(30)
    assert at.unsaid() == 0, f"seed {SEED}"

    for channel, calls in at.calls().items():
        attempts = [call.at for call in calls if began_at <= call.at < mended_at]
        assert min_gap(attempts) >= BETWEEN_ATTEMPTS, f"{channel}, seed {SEED}"
        posts = [call.at for call in calls if call.method == "chat.postMessage" and call.at >= mended_at]
        assert min_gap(posts) >= BETWEEN_MESSAGES, f"{channel}, seed {SEED}"
    said = {p: [m.text for m in at.slack.person(f"U0P{p}").from_app()] for p in range(PEOPLE)}
    numbers = [[int(words.partition(",")[0][1:]) for words in texts] for texts in said.values()]
    assert sorted(n for told in numbers for n in told) == list(range(MESSAGES))
    assert all(told == sorted(told) for told in numbers)
    assert sum(words.endswith("changed") for texts in said.values() for words in texts) == -(-MESSAGES // 4)
    attempts = sum(began_at <= call.at < mended_at for call in at.slack.calls())
    drained_s = (max(call.at for call in at.slack.calls()) - mended_at).total_seconds()
    print(
        f"{MESSAGES} messages to {PEOPLE} people: {attempts} attempts in {AWAY_S} s, drained in {drained_s:.0f} s"
    )


def min_gap(moments: Sequence[datetime]) -> timedelta:
    """The shortest time between two of them."""
    return min((later - earlier for earlier, later in pairwise(moments)), default=timedelta.max)


@pytest.mark.parametrize("method", ["chat.postMessage", "chat.update", "conversations.open"])
def test_no_call_comes_before_slack_allows_it_again(at: Desk, method: str) -> None:
    """For a minute half of all calls of a method are answered with 429: not one comes before its Retry-After is over."""
    at.slack.set_faults(FaultRule(FaultKind.RATE_LIMITED, method, share=0.5, retry_after_s=20), seed=SEED)
    at.send(60, range(MESSAGES // 2))
    at.slack.set_faults()
    at.send(1200)
    assert at.unsaid() == 0
    closed_until: dict[str, datetime] = {}
    for call in at.slack.calls(method):
        place = str(call.arguments["channel"]) if method == "chat.postMessage" else method
        assert call.at >= closed_until.get(place, call.at), f"{place}, seed {SEED}"
        if call.status == 429:
            closed_until[place] = call.at + timedelta(seconds=20)
    assert closed_until
