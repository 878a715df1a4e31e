"""Slack drops deliveries for good: the reconciler finds what people wrote within two of its runs, and late originals change nothing.

In virtual time: the small Slack, the bot and the reconciler's pauses share a clock that is moved on, so ten minutes of
pauses take seconds. Nothing else is different: a running bot, its database, and HTTP in between.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import Bot, build
from bot.edge.server import listen
from bot.jobs.reconcile import reconcile
from bot.jobs.unheard import LISTENING
from bot.storage.tables import Lock, RequestMessage
from playground.core import Playground
from playground.delivery import Letter
from playground.journal import DeliveryRecord
from playground.manifest import read_manifest
from playground.testing import DeliveryFaults, Outcome, PersonHandle, PlaygroundServer, SeenMessage
from tests.reliability.apparatus.history import check
from tests.reliability.apparatus.history_record import delivered_by, seen_in
from tests.reliability.apparatus.history_rows import unsettled
from tests.scenarios.conftest import CLOSE, Desk
from tests.serving import ROOT
from tests.sizes import at_full_size

SEED = 20
PERIOD_S = 300.0 if at_full_size() else 20.0  # the shorter one is too short to read every DM in one run
PEOPLE, EVENTS = (400, 500) if at_full_size() else (16, 24)
KNOWN = 0.5  # the share of them who had written before
CALLS_A_MINUTE = 50  # what Slack allows of a tier 3 method


@dataclass
class VirtualClock:
    """The real time, plus what was waited for in vain: `wait` returns at once and moves it on."""

    ahead: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def wait(self, seconds: float) -> None:
        """Sleep, virtually."""
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Withholding:
    """A desk whose Slack drops events when told to."""

    desk: Desk
    bot: Bot
    clock: VirtualClock

    @property
    def slack(self) -> PlaygroundServer:
        """The small Slack."""
        return self.desk.slack

    def drop_all(self, is_dropping: bool) -> None:
        """From now on the bot is told nothing, or everything again."""
        self.slack.set_faults(delivery=DeliveryFaults(drop=1.0 if is_dropping else 0.0))

    def dropped(self) -> list[DeliveryRecord]:
        """What people wrote and the bot was never told."""
        told = self.slack.deliveries("message.im")
        return [d for d in told if d.outcome is Outcome.DROPPED and "bot_id" not in d.payload["event"]]

    def run(self) -> int:
        """One run of the reconciler; returns how many messages it took up, when they are worked."""
        bot, began_at = self.bot, self.clock()
        wake, stopping = bot.deps.wake.inbox, bot.stopping
        found = reconcile(
            bot.deps.db, self.clock, bot.slack, wake, stopping, period_s=PERIOD_S, wait=self.clock.wait
        )
        assert (self.clock() - began_at).total_seconds() < PERIOD_S
        self.settle()
        return found

    def settle(self) -> None:
        """Wait until everything that has arrived is worked and said."""
        url = self.desk.database_url
        self.slack.eventually(lambda: not unsettled(url), 300, what="everything worked and said")

    def deliver_late(self, records: list[DeliveryRecord]) -> None:
        """Slack sends after all what it had dropped."""
        before = len(self._acknowledged())

        def send(playground: Playground) -> None:
            for record in records:
                playground.delivery.send_event(
                    Letter(record.kind, record.name, record.payload, record.event_id)
                )

        self.slack.look(send)
        self.slack.eventually(lambda: len(self._acknowledged()) >= before + len(records), 120)
        self.settle()

    def _acknowledged(self) -> list[DeliveryRecord]:
        return [d for d in self.slack.deliveries("message.im") if d.outcome is Outcome.OK]

    def taken(self) -> set[tuple[str, str]]:
        """Where the messages stand that belong to a request."""
        return {(row.channel_id, row.ts) for row in self.desk.rows(RequestMessage)}  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> VirtualClock:
    """A clock of this test's own."""
    return VirtualClock()


@pytest.fixture
def slack(clock: VirtualClock) -> Iterator[PlaygroundServer]:
    """A Slack on the virtual clock that forgets nothing of what it told and was asked."""
    manifest = read_manifest(ROOT / "manifest.yml")
    with PlaygroundServer(manifest=manifest, clock=clock, journal_kept=None) as server:
        yield server


def start(desk: Desk, clock: VirtualClock, **given: object) -> Withholding:
    """A bot on the virtual clock. No lease or offer runs out while the clock makes its leaps."""
    settings = desk.settings(firstline_lease_s=1e6, firstline_offer_s=1e6, firstline_deadline_s=1e7, **given)
    bot = build(settings, clock, listen("127.0.0.1", 0), desk.decider)
    bot.start()
    desk.bots.append(bot)
    desk.slack.set_request_url(f"http://127.0.0.1:{bot.port}/slack/events")
    return Withholding(desk, bot, clock)


@pytest.fixture
def withholding(sqlite_desk: Desk, clock: VirtualClock) -> Withholding:
    """A running bot whose own schedule never comes to reconcile: the test does."""
    return start(sqlite_desk, clock, firstline_reconcile_s=1e6)


def have_a_past(at: Withholding, people: list[PersonHandle]) -> dict[str, SeenMessage]:
    """Each writes, every third closes their request with a click; their openers by user id."""
    openers = {person.id: person.dm("vpn, last week") for person in people}
    at.settle()
    at.slack.eventually(lambda: all(person.find("This may help") for person in people), 300)
    for person in people[::3]:
        person.press(person.find("This may help"), CLOSE)  # type: ignore[arg-type]
    at.settle()
    return openers


def write_unheard(people: list[PersonHandle], openers: dict[str, SeenMessage], dice: random.Random) -> None:
    """EVENTS messages of all kinds, at least one of each person."""
    for number in range(EVENTS):
        person = people[number] if number < len(people) else dice.choice(people)
        kind = dice.choices(("new", "reply", "hi"), (6, 3, 1))[0]
        if kind == "reply" and person.id in openers:
            person.reply(openers[person.id], f"and it says error {number}")
        elif kind == "hi":
            person.dm("hi")
        else:
            openers[person.id] = person.dm(f"vpn and password trouble, number {number}")


def test_what_slack_drops_is_answered_within_two_runs_and_late_originals_say_nothing_new(
    withholding: Withholding,
) -> None:
    """New requests, replies, greetings, and first words of people never heard of; within what Slack allows to be asked."""
    at, dice = withholding, random.Random(SEED)
    people = [at.slack.add_person(f"U0P{number}", f"Person {number}") for number in range(PEOPLE)]
    openers = have_a_past(at, people[: int(KNOWN * PEOPLE)])
    at.run()  # from here on this database listens
    at.clock.wait(2 * PERIOD_S)
    at.drop_all(True)
    write_unheard(people, openers, dice)
    dropped = at.dropped()
    assert len(dropped) == EVENTS, f"seed {SEED}"
    at.drop_all(False)

    at.clock.wait(90)  # what is younger may still arrive by itself
    began_at = at.clock()
    first = at.run()
    at.clock.wait(max(0.0, PERIOD_S - (at.clock() - began_at).total_seconds()))  # never back
    second = at.run()
    places = {(d.payload["event"]["channel"], d.payload["event"]["ts"]) for d in dropped}
    assert first + second == EVENTS, f"{first} and {second}, seed {SEED}"
    assert places <= at.taken()
    assert check(delivered_by(at.slack), at.desk.database_url, seen_in(at.slack)) == []
    print(f"{PEOPLE} people, {EVENTS} dropped: {first} found by the first run, {second} by the second")

    seen = seen_in(at.slack)
    at.deliver_late(dropped)
    assert seen_in(at.slack) == seen
    assert check(delivered_by(at.slack), at.desk.database_url, seen_in(at.slack)) == []
    assert busiest_minute(at.slack) < CALLS_A_MINUTE


def test_who_was_forgotten_and_comes_back_is_read_again(withholding: Withholding) -> None:
    """The bot goes on hearing them, and what Slack drops of them is found as of everybody, without a restart."""
    at, riley = withholding, withholding.desk.riley
    riley.dm("vpn drops")
    at.desk.sees(riley, "This may help")
    at.run()
    morgan = at.desk.person("U0MORGAN")
    morgan.command("/firstline", "erase @Riley Chen")
    morgan.press(at.desk.sees(morgan, "Forget"), "Forget this person")
    at.desk.sees(morgan, "Forgotten: 1 requests")
    riley.dm("vpn drops again")
    at.desk.sees(riley, "This may help")
    at.settle()
    at.drop_all(True)
    riley.dm("password, and nobody hears of it")
    at.drop_all(False)
    at.clock.wait(300)
    assert at.run() == 1
    assert at.run() == 0


def busiest_minute(slack: PlaygroundServer) -> int:
    """The most calls of one reading method within a minute."""
    most = 0
    for method in ("conversations.history", "conversations.replies", "users.conversations"):
        moments = [call.at for call in slack.calls(method)]
        first = 0
        for last, moment in enumerate(moments):
            while moment - moments[first] >= timedelta(minutes=1):
                first += 1
            most = max(most, last - first + 1)
    return most


def test_a_running_bot_finds_by_itself_what_was_dropped(sqlite_desk: Desk, clock: VirtualClock) -> None:
    """The job is on the schedule: nobody has to ask for it."""
    at = start(sqlite_desk, clock, firstline_reconcile_s=1)

    def listens() -> bool:
        with at.bot.deps.db.reading() as session:
            return session.get(Lock, LISTENING) is not None

    at.slack.eventually(listens, 30, what="the first run")
    at.drop_all(True)
    at.desk.riley.dm("vpn, for the first time")
    at.drop_all(False)
    clock.wait(90)
    at.desk.sees(at.desk.riley, "This may help", timeout_s=60)
