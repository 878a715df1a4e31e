"""Messages that never arrived are found in the DMs' histories."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.delivery.slack import Slack
from bot.jobs.reconcile import reconcile
from bot.storage.inbox import Delivery, store
from bot.storage.said import remember_channel, slack_ts
from bot.storage.tables import Conversation, InboxKind, InboxRow
from playground.faults import FaultKind, FaultRule

RILEY, ANA = "U0RILEY", "U0ANA"


class Reconciling:
    """The job, with a bot that has met Riley and Ana."""

    def __init__(self, slack, db, settings, real_clock) -> None:
        self.slack, self.db, self.real_clock = slack, db, real_clock
        self.web = Slack(settings)
        self.wake, self.stopping = threading.Event(), threading.Event()
        self.ahead_s = 0.0
        for user in (RILEY, ANA):
            with db.writing() as session:
                channel = slack.person(user).dm_channel
                remember_channel(
                    session, slack.team_id, (user,), channel, read_on_from=slack_ts(real_clock())
                )

    def clock(self):
        return self.real_clock() + timedelta(seconds=self.ahead_s)

    def run(self) -> int:
        return reconcile(self.db, self.clock, self.web, self.wake, self.stopping)

    def inbox(self) -> list[InboxRow]:
        with self.db.reading() as session:
            return list(session.scalars(select(InboxRow).order_by(InboxRow.id)))

    def arrive(self, message) -> None:
        """The message is delivered, as it should be."""
        event = {"type": "message", "channel": message.channel, "user": RILEY, "ts": message.ts}
        body = {"type": "event_callback", "team_id": self.slack.team_id, "event": event}
        team = self.slack.team_id
        with self.db.writing() as session:
            delivery = Delivery(InboxKind.EVENT, f"{team}:Ev{message.ts}", team, f"{team}:{RILEY}", body)
            store(session, [delivery], self.clock())


@pytest.fixture
def job(slack, database, make_settings, real_clock) -> Reconciling:
    """The reconciler on both databases."""
    settings = make_settings(slack_api_url=slack.api_url, slack_bot_token=slack.bot_token)
    return Reconciling(slack, database, settings, real_clock)


def test_a_message_that_never_arrived_is_taken_up_once(job) -> None:
    """It stands in the inbox like a delivered one, and a worker is woken; the next run finds nothing new."""
    said = job.slack.person(RILEY).dm("my laptop is on fire")
    job.ahead_s = 120
    assert job.run() == 1
    (row,) = job.inbox()
    event = row.body["event"]
    assert (row.kind, row.team_id, row.lane) == (
        InboxKind.EVENT,
        job.slack.team_id,
        f"{job.slack.team_id}:{RILEY}",
    )
    assert row.body["type"] == "event_callback"
    assert (event["type"], event["channel_type"], event["channel"]) == ("message", "im", said.channel)
    assert (event["user"], event["text"], event["ts"]) == (RILEY, "my laptop is on fire", said.ts)
    assert job.wake.is_set()
    job.ahead_s = 240
    assert job.run() == 0
    assert len(job.inbox()) == 1


def test_a_message_that_arrived_is_left_alone(job) -> None:
    """What the inbox has had, in whatever state, is not taken up again."""
    job.arrive(job.slack.person(RILEY).dm("arrived"))
    job.ahead_s = 120
    assert job.run() == 0


def test_a_message_that_may_still_arrive_is_waited_for(job) -> None:
    """Within a minute it is on its way; after that it is missed."""
    job.slack.person(RILEY).dm("just now")
    job.ahead_s = 30
    assert job.run() == 0
    job.ahead_s = 120
    assert job.run() == 1


def test_the_bots_own_words_and_edits_are_not_requests(job) -> None:
    """Only what a person has said counts."""
    job.web.client.chat_postMessage(channel=job.slack.person(RILEY).dm_channel, text="I am the bot")
    job.ahead_s = 120
    assert job.run() == 0


def test_missed_messages_come_in_their_order(job) -> None:
    """What was said first is worked first."""
    for number in range(3):
        job.slack.person(RILEY).dm(f"m{number}")
    job.ahead_s = 120
    assert job.run() == 3
    assert [row.body["event"]["text"] for row in job.inbox()] == ["m0", "m1", "m2"]


def test_a_person_whose_dm_cannot_be_read_does_not_hold_up_the_others(job) -> None:
    """One who has left is passed by."""
    job.slack.person(ANA).dm("hello")
    channel = job.slack.person(RILEY).dm_channel
    job.slack.set_faults(
        FaultRule(
            FaultKind.ERROR, "conversations.history", where={"channel": channel}, error="channel_not_found"
        )
    )
    job.ahead_s = 120
    assert job.run() == 1


@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.FAIL_BEFORE, FaultKind.CUT_BEFORE])
def test_a_slack_in_trouble_is_asked_again_at_the_next_run(job, kind: FaultKind) -> None:
    """The run ends; nothing is passed over."""
    job.slack.person(RILEY).dm("hello")
    job.slack.set_faults(FaultRule(kind, "conversations.history"))
    job.ahead_s = 120
    assert job.run() == 0
    assert len(job.slack.calls("conversations.history")) == 1
    job.slack.set_faults()
    assert job.run() == 1


def test_those_unread_for_longest_come_first(job, monkeypatch) -> None:
    """With more DMs than a run may read, all have their turn."""
    monkeypatch.setattr("bot.jobs.reconcile.DMS_A_RUN", 1)
    job.slack.person(RILEY).dm("r")
    job.slack.person(ANA).dm("a")
    job.ahead_s = 120
    assert [job.run(), job.run(), job.run()] == [1, 1, 0]
    with job.db.reading() as session:
        read_until = [float(ts) for ts in session.scalars(select(Conversation.last_event_ts))]
    assert min(read_until) > job.real_clock().timestamp()


def test_a_run_ends_when_the_bot_stops(job) -> None:
    """Nothing more is read, and what was not read is read by the next run."""
    job.slack.person(RILEY).dm("r")
    job.ahead_s = 120
    job.stopping.set()
    assert job.run() == 0
    assert job.slack.calls("conversations.history") == []
    job.stopping.clear()
    assert job.run() == 1


def test_a_run_has_its_time(job, monkeypatch) -> None:
    """A Slack that answers slowly does not make a run endless: those who are left have their turn in the next."""
    job.slack.person(RILEY).dm("r")
    job.slack.person(ANA).dm("a")
    job.ahead_s = 120
    now = job.clock()
    ticks = iter([0, 0, 61, *[61] * 9])  # the first DM is read within the run's time, the second is not
    monkeypatch.setattr(job, "clock", lambda: now + timedelta(seconds=next(ticks)))
    assert job.run() == 1
    assert len(job.slack.calls("conversations.history")) == 1
    monkeypatch.undo()
    assert job.run() == 1


def test_rows_from_long_before_a_message_are_not_looked_through(job) -> None:
    """What came in before it was written cannot be it, whatever else its person wrote this month."""
    said = job.slack.person(RILEY).dm("new")
    job.ahead_s = -20 * 86400
    job.arrive(said)
    job.ahead_s = 120
    assert job.run() == 1
