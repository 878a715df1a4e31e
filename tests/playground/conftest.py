"""A playground, Slack's own client for it, and a small app that receives and remembers."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from playground.testing import PlaygroundServer


@dataclass(frozen=True, slots=True)
class Received:
    """One request of the playground to the app; ``payload`` is the event wrapper, the interaction, or the command's fields."""

    headers: dict[str, str]
    payload: dict[str, Any]
    is_signed: bool

    @property
    def event(self) -> dict[str, Any]:
        return self.payload["event"]


Answer = tuple[int, dict[str, str], Any]


@dataclass(slots=True)
class RecordingApp:
    """An app over HTTP. ``answer`` decides status, headers and body (JSON or text); it may block or raise."""

    signing_secret: str
    requests: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Answer] = lambda received: (200, {}, "")
    url: str = ""

    def of(self, kind: str) -> list[Received]:
        """Requests of one kind: an event's type, or an interaction's."""
        return [
            r
            for r in self.requests
            if kind in (r.payload.get("type"), r.payload.get("event", {}).get("type"))
        ]

    def read(self, headers: dict[str, str], body: bytes) -> Received:
        text = body.decode()
        if headers["content-type"] == "application/json":
            payload = json.loads(text)
        else:
            fields = dict(parse_qsl(text, keep_blank_values=True))
            payload = json.loads(fields["payload"]) if "payload" in fields else fields
        is_signed = SignatureVerifier(self.signing_secret).is_valid_request(body, headers)
        return Received(headers, payload, is_signed)


def _handler(app: RecordingApp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received = app.read({k.lower(): v for k, v in self.headers.items()}, body)
            app.requests.append(received)
            status, headers, content = app.answer(received)
            is_text = isinstance(content, str)
            data = (content if is_text else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Silence."""

    return Handler


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The playground hangs up on slow answers; that is what these tests are about."""


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A playground on a free port, whose clock is the machine's."""
    with PlaygroundServer() as server:
        yield server


@pytest.fixture
def app(slack: PlaygroundServer) -> Iterator[RecordingApp]:
    """An app that the playground sends everything to."""
    recording = RecordingApp(slack.signing_secret)
    server = _Server(("127.0.0.1", 0), _handler(recording))
    recording.url = f"http://127.0.0.1:{server.server_address[1]}/slack/events"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    slack.set_request_url(recording.url)
    yield recording
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(slack: PlaygroundServer) -> WebClient:
    """Slack's own client with the app's token, that tries nothing twice."""
    return WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=10)


@pytest.fixture
def button() -> Callable[..., dict[str, Any]]:
    """An actions block with one button."""

    def block(label: str = "Go", action_id: str = "go", value: str = "v1", **extra: Any) -> dict[str, Any]:
        element = {
            "type": "button",
            "text": {"type": "plain_text", "text": label},
            "action_id": action_id,
            "value": value,
        }
        return {"type": "actions", "block_id": f"block-{action_id}", "elements": [{**element, **extra}]}

    return block


@pytest.fixture
def modal() -> Callable[..., dict[str, Any]]:
    """A modal with one text input."""

    def view(title: str = "A form", **extra: Any) -> dict[str, Any]:
        field = {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "words"},
        }
        return {
            "type": "modal",
            "callback_id": "form",
            "title": {"type": "plain_text", "text": title},
            "submit": {"type": "plain_text", "text": "Send"},
            "blocks": [field],
            **extra,
        }

    return view
