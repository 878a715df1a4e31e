"""The reconciler as its tests run it: on a clock that its own pauses move on, in a Slack where two people have a DM."""

import threading
from datetime import timedelta

from sqlalchemy import select

from bot.delivery.slack import Slack
from bot.jobs.reconcile import reconcile
from bot.lifecycle import RequestState
from bot.storage.inbox import Delivery, store
from bot.storage.said import remember_channel, slack_ts
from bot.storage.tables import InboxKind, InboxRow, SupportRequest

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

    def wait(self, seconds: float) -> None:
        self.ahead_s += seconds

    def run(self, period_s: float = 300) -> int:
        return reconcile(
            self.db, self.clock, self.web, self.wake, self.stopping, period_s=period_s, wait=self.wait
        )

    def read(self) -> list[str]:
        """The DMs whose histories were read, in their order."""
        return [call.arguments["channel"] for call in self.slack.calls("conversations.history")]

    def forget_calls(self) -> None:
        """From now on only later calls count."""
        self.slack.look(lambda playground: playground.journal.calls.clear())

    def words(self) -> list[str]:
        return [row.body["event"]["text"] for row in self.inbox()]

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

    def open_request(self, opener, state: RequestState = RequestState.WAITING) -> None:
        """A request of Riley's under ``opener``."""
        with self.db.writing() as session:
            session.add(
                SupportRequest(
                    team_id=self.slack.team_id,
                    requester_id=RILEY,
                    channel_id=opener.channel,
                    thread_ts=opener.ts,
                    text="my printer",
                    state=state,
                    opened_at=self.clock(),
                    reopened_count=0,
                )
            )

    def share_clock(self) -> None:
        """From now on Slack's time is the job's own, so that what is said can lie apart."""
        self.slack.look(lambda playground: setattr(playground.workspace, "_clock", self.clock))

    def show_cards(self, count: int, every_s: float = 60) -> None:
        """The bot posts cards at the top of Riley's DM, ``every_s`` seconds apart."""
        channel = self.slack.person(RILEY).dm_channel
        for number in range(count):
            self.ahead_s += every_s
            self.web.client.chat_postMessage(channel=channel, text=f"card {number}")
