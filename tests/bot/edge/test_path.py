"""The whole way of a message, with a tiny Bolt app behind the edge and a real small Slack around it."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from bot.delivery import outbox
from bot.delivery.sender import Sender
from bot.delivery.slack import Slack, forget_proxies
from bot.edge.bolt import authorize_as, build_bolt
from bot.edge.guard import Guard
from bot.edge.health import Health
from bot.edge.http import build_http
from bot.edge.metrics import Metrics
from bot.edge.server import HttpServer, listen
from bot.edge.socket import SocketEdge
from bot.edge.worker import InboxWorker
from bot.edge.writer import InboxWriter
from bot.ids import message_key
from bot.storage.database import Database
from bot.storage.tables import Conversation, InboxRow, OutboxRow, RowState
from bot.storage.work import Wake, Work
from playground.faults import DeliveryFaults, FaultKind, FaultRule
from playground.testing import PlaygroundServer

RILEY = "U0RILEY"


@dataclass
class TinyBot:
    """An echo that takes the whole way. Parts can be stopped and started as a test likes."""

    slack: PlaygroundServer
    db: Database
    settings: object
    clock: Callable
    wake: Wake
    with_socket: bool

    def __post_init__(self) -> None:
        web = Slack(self.settings)
        work = Work(self.db, self.clock, self.wake)
        self.metrics = Metrics(self.db, self.clock)
        self.bolt = build_bolt(self.settings, authorize_as(web))
        self.writer = InboxWriter(self.db, self.clock, self.wake.inbox, limit=10_000)
        self.worker = InboxWorker(
            self.settings, self.db, self.clock, self.wake, self.bolt, self.metrics.handled
        )
        self.sender = Sender(self.settings, self.db, self.clock, self.wake, web, self.metrics.said)
        guard = Guard(self.slack.signing_secret, self.clock)
        self.server = HttpServer(
            build_http(guard, self.writer, self.bolt, self.metrics, Health({})), listen("127.0.0.1", 0)
        )
        self.socket = SocketEdge(self.settings, self.writer, self.bolt, self.metrics)

        @self.bolt.event("message")
        def echo(event, context):
            with work(context["claim"]) as session:
                to = outbox.Address(context.team_id, event["channel"], thread_ts=event["ts"])
                key = message_key("echo", event["ts"])
                outbox.post(session, self.clock(), to, key=key, text=f"echo {event['text']}")

        @self.bolt.command("/firstline")
        def answer(ack, command, context):
            ack()
            with work(context["claim"]) as session:
                outbox.respond(
                    session,
                    self.clock(),
                    team_id=context.team_id,
                    response_url=command["response_url"],
                    version=command["trigger_id"],
                    text="numbers",
                )

    def start(self) -> None:
        self.writer.start()
        self.worker.start()
        self.sender.start()
        self.server.start()
        self.slack.set_request_url(f"http://127.0.0.1:{self.server.port}/slack/events")
        if self.with_socket:
            self.socket.start()
            self.slack.eventually(lambda: self.socket.is_connected)

    def stop(self) -> None:
        if self.with_socket:
            self.socket.stop()
        assert self.server.stop(5)
        assert self.writer.stop(5)
        assert self.worker.stop(5)
        assert self.sender.stop(5)

    def echoes(self, user: str = RILEY) -> list[str]:
        return [message.text for message in self.slack.person(user).from_app()]

    def is_quiet(self) -> bool:
        """Nothing is left to do."""
        with self.db.reading() as session:
            states = [*session.scalars(select(InboxRow.state)), *session.scalars(select(OutboxRow.state))]
        return bool(states) and set(states) == {RowState.DONE}


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A small Slack on localhost."""
    forget_proxies("http://localhost", os.environ)
    with PlaygroundServer() as server:
        yield server


@pytest.fixture(params=["http", "socket"])
def tiny_bot(request, slack, make_settings, database, real_clock, wake) -> Iterator[TinyBot]:
    """The echo, over HTTP and over Socket Mode, on both databases."""
    settings = make_settings(
        slack_api_url=slack.api_url,
        slack_bot_token=slack.bot_token,
        slack_signing_secret=slack.signing_secret,
        slack_app_token=slack.app_token if request.param == "socket" else None,
        firstline_slack_timeout_s=2,
    )
    bot = TinyBot(slack, database, settings, real_clock, wake, request.param == "socket")
    bot.start()
    yield bot
    bot.stop()


def test_a_message_is_answered_in_its_thread(tiny_bot, slack) -> None:
    """A DM goes in, the answer comes out, and the DM is remembered for the reconciler."""
    said = slack.person(RILEY).dm("hello")
    found = slack.eventually(lambda: slack.person(RILEY).find("echo hello"))
    assert found.thread_ts == said.ts
    slack.eventually(tiny_bot.is_quiet)
    with tiny_bot.db.reading() as session:
        known = session.scalars(select(Conversation)).one()
    assert (known.members, known.channel_id, known.last_event_ts) == (RILEY, said.channel, said.ts)
    assert {delivery.outcome.value for delivery in slack.deliveries("message.im")} == {"ok"}


def test_a_command_is_answered_privately(tiny_bot, slack) -> None:
    """The way over response_url."""
    answered = slack.person(RILEY).command("/firstline", "stats")
    assert answered["ok"], answered
    assert slack.eventually(lambda: slack.person(RILEY).find("numbers")).ephemeral


def test_duplicated_and_reordered_deliveries_are_answered_once_each(tiny_bot, slack) -> None:
    """Slack may deliver twice and out of order; people hear each answer once."""
    slack.set_faults(delivery=DeliveryFaults(duplicate=1.0, reorder_window_s=0.2))
    for number in range(5):
        slack.person(RILEY).dm(f"m{number}")
    slack.eventually(lambda: len(tiny_bot.echoes()) >= 5 and tiny_bot.is_quiet(), timeout_s=15)
    time.sleep(0.3)  # a sixth answer would come now
    assert sorted(tiny_bot.echoes()) == [f"echo m{number}" for number in range(5)]


def test_a_slack_in_trouble_hears_every_answer_once(tiny_bot, slack) -> None:
    """Errors before and after the deed, and rate limits, in the middle of a conversation."""
    slack.set_faults(
        FaultRule(FaultKind.FAIL_AFTER, "chat.postMessage", times=1),
        FaultRule(FaultKind.RATE_LIMITED, "chat.postMessage", times=1, skip=1),
        FaultRule(FaultKind.CUT_BEFORE, "chat.postMessage", times=1, skip=2),
    )
    for number in range(4):
        slack.person(RILEY).dm(f"m{number}")
    slack.eventually(lambda: len(tiny_bot.echoes()) >= 4 and tiny_bot.is_quiet(), timeout_s=20)
    assert sorted(tiny_bot.echoes()) == [f"echo m{number}" for number in range(4)]


@pytest.mark.parametrize("tiny_bot", ["socket"], indirect=True)
def test_a_lost_socket_is_opened_again(tiny_bot, slack) -> None:
    """Slack asks sockets to reconnect now and then; what is said around that is answered."""
    slack.refresh_sockets()
    slack.person(RILEY).dm("during")
    slack.eventually(lambda: slack.person(RILEY).find("echo during"), timeout_s=15)


def test_a_bot_that_starts_before_slack_is_there_connects_later(
    slack, make_settings, sqlite_database, real_clock, wake
) -> None:
    """Socket Mode is opened in the background, again and again until Slack answers."""
    settings = make_settings(
        slack_api_url=slack.api_url, slack_bot_token=slack.bot_token, slack_app_token=slack.app_token
    )
    slack.stop()
    bot = TinyBot(slack, sqlite_database, settings, real_clock, wake, False)
    bot.socket.start()
    time.sleep(0.2)
    assert not bot.socket.is_connected
    slack.start()
    slack.eventually(lambda: bot.socket.is_connected, timeout_s=15)
    assert bot.socket.stop(5)


def test_metrics_count_the_way(tiny_bot, slack, fetch) -> None:
    """How long acknowledging, handling and saying took can be read."""
    slack.person(RILEY).dm("hello")
    # Two acknowledgements: what Riley said, and Slack's echo of what the bot said, which is not stored.
    expected = (
        'firstline_answer_seconds_count{kind="post"} 1.0',
        "firstline_said_seconds_count 1.0",
        "firstline_handled_seconds_count 1.0",
        'firstline_ack_seconds_count{status="200"} 2.0',
    )
    slack.eventually(lambda: all(line in read_metrics(tiny_bot, fetch) for line in expected))


def read_metrics(tiny_bot: TinyBot, fetch: Callable[[str], bytes]) -> str:
    return fetch(f"http://127.0.0.1:{tiny_bot.server.port}/metrics").decode()


def test_an_envelope_that_cannot_be_stored_is_not_acknowledged(
    slack, make_settings, sqlite_database, real_clock, wake
) -> None:
    """Over the socket too, nothing is acknowledged that is not on disk: Slack sends it again, and it is answered."""
    settings = make_settings(
        slack_api_url=slack.api_url,
        slack_bot_token=slack.bot_token,
        slack_signing_secret=slack.signing_secret,
        slack_app_token=slack.app_token,
    )
    bot = TinyBot(slack, sqlite_database, settings, real_clock, wake, True)
    bot.start()
    bot.writer.stop(5)  # nothing can be stored any more
    slack.person(RILEY).dm("hello")
    slack.eventually(lambda: slack.deliveries("message.im"), timeout_s=15)
    assert {delivery.outcome.value for delivery in slack.deliveries("message.im")} == {"http_timeout"}
    bot.stop()
