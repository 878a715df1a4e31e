"""What edge tests share: signed requests, a running edge, and a tiny Bolt app."""

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult

from bot.edge.bolt import build_bolt
from bot.edge.guard import Guard
from bot.edge.health import Health
from bot.edge.http import build_http
from bot.edge.metrics import Metrics
from bot.edge.server import HttpServer, listen
from bot.edge.writer import InboxWriter
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.work import Wake

SECRET = "a test's signing secret"


def signed(body: bytes, at: datetime, content_type: str = "application/json") -> dict[str, str]:
    """Headers as Slack would send them with ``body``."""
    timestamp = str(int(at.timestamp()))
    signature = hmac.new(SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256)
    return {
        "content-type": content_type,
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={signature.hexdigest()}",
    }


@pytest.fixture
def sign() -> Callable[..., dict[str, str]]:
    """Signs a body as Slack does."""
    return signed


def event_body(text: str = "hi", event_id: str = "Ev1", **event: Any) -> dict[str, Any]:
    """A direct message to the bot, as the Events API delivers it."""
    return {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "event_id": event_id,
        "event_time": 1_772_442_000,
        "event": {
            "type": "message",
            "channel": "D1",
            "channel_type": "im",
            "user": "U1",
            "text": text,
            "ts": "1772442000.000100",
        }
        | event,
    }


@pytest.fixture
def make_event() -> Callable[..., dict[str, Any]]:
    """Makes a message event's body."""
    return event_body


@pytest.fixture
def bolt(settings: Settings) -> App:
    """A Bolt app without listeners that never asks Slack who it is."""
    return build_bolt(
        settings, lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_id="B1")
    )


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer."""

    status: int
    body: bytes
    content_type: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class RunningEdge:
    """An edge on a free port, its writer, and ways to speak to it."""

    server: HttpServer
    writer: InboxWriter
    clock: Callable[[], datetime]

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.server.port

    def stop(self) -> bool:
        """Stop the server, as a shutdown does."""
        return self.server.stop(5)

    def send(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answered:
        """One request, as given."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answered(response.status, response.read(), response.headers.get("content-type", ""))
        finally:
            connection.close()

    def deliver(self, body: bytes | dict[str, Any], content_type: str = "application/json") -> Answered:
        """A signed delivery."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", "/slack/events", raw, signed(raw, self.clock(), content_type))


@pytest.fixture
def run_edge(
    real_clock: Callable[[], datetime], bolt: App, wake: Wake
) -> Iterator[Callable[..., RunningEdge]]:
    """Runs an edge over a database; stopped after the test."""
    with ExitStack() as stack:

        def run(
            database: Database, *, limit: int = 1000, checks: dict[str, Any] | None = None
        ) -> RunningEdge:
            writer = InboxWriter(database, real_clock, wake.inbox, limit=limit)
            writer.start()
            app = build_http(
                Guard(SECRET, real_clock), writer, bolt, Metrics(database, real_clock), Health(checks or {})
            )
            server = HttpServer(app, listen("127.0.0.1", 0))
            server.start()
            stack.callback(writer.stop, 5)
            stack.callback(server.stop, 5)
            return RunningEdge(server, writer, real_clock)

        yield run


@pytest.fixture
def fetch() -> Callable[[str], bytes]:
    """Gets a URL."""

    def get(url: str) -> bytes:
        with urllib.request.urlopen(url, timeout=10) as response:
            return bytes(response.read())

    return get
