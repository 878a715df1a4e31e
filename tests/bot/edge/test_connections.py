"""Whoever opens connections and asks for nothing keeps nobody else from being answered."""

import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.edge.server import BACKLOG, HttpServer, listen


class Door:
    """A server with one page that answers at once, and one that waits until it is told to."""

    def __init__(self) -> None:
        self.is_asked, self.go_on = threading.Event(), threading.Event()

        async def quick(_request: Request) -> PlainTextResponse:
            return PlainTextResponse("here")

        def slow(_request: Request) -> PlainTextResponse:
            self.is_asked.set()
            self.go_on.wait(10)
            return PlainTextResponse("at last")

        app = Starlette(routes=[Route("/quick", quick), Route("/slow", slow)])
        self.server = HttpServer(app, listen("127.0.0.1", 0), drain_s=1)
        self.server.start()

    def connect(self, words: bytes = b"") -> socket.socket:
        """A connection that has said no more than ``words``."""
        made = socket.create_connection(("127.0.0.1", self.server.port), timeout=5)
        made.sendall(words)
        return made

    def get(self, path: str) -> str:
        """What a page answers."""
        url = f"http://127.0.0.1:{self.server.port}{path}"
        with urllib.request.urlopen(url, timeout=5) as answered:
            return str(answered.read().decode())


@pytest.fixture
def door() -> Iterator[Door]:
    """A door that is open."""
    made = Door()
    yield made
    made.go_on.set()
    made.server.stop(5)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side ends it within the time that the socket waits."""
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"POST /quick HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\nGET /quick HTTP/1.1\r\nHost: ",
    ],
    ids=["nothing", "half a head", "half a second head"],
)
def test_who_never_comes_to_the_end_of_a_head_is_shown_out(
    door: Door, monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    """Every few bytes or none at all: the time runs from the opening, or from the last answer."""
    monkeypatch.setattr("bot.edge.connections.HEAD_WITHIN_S", 0.3)
    assert is_closed(door.connect(words))


def test_who_is_being_answered_is_not(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the answer takes, and however many connections are opened meanwhile."""
    monkeypatch.setattr("bot.edge.connections.HEAD_WITHIN_S", 1.0)
    monkeypatch.setattr("bot.edge.connections.most_connections", lambda: 3)
    busy = door.connect(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert door.is_asked.wait(10)
    others = [door.connect() for _ in range(6)]
    assert all(is_closed(each) for each in others)
    door.go_on.set()
    assert b"at last" in busy.makefile("rb").read()


@pytest.mark.skipif(shutil.which("ss") is None, reason="ss tells how long the kernel's queue is")
def test_the_kernel_keeps_those_waiting_that_come_while_the_loop_is_busy(door: Door) -> None:
    """Else it would drop them, and try again after a second and after three: Slack has given up by then."""
    assert queue_of(door.server.port) == BACKLOG


def queue_of(port: int) -> int:
    """How many connections may wait to be accepted, as the kernel tells it."""
    asked = subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True, text=True, check=True)
    return int(asked.stdout.split()[2])


def test_hundreds_of_silent_connections_leave_room(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest silent one goes for each that comes, so that whoever asks for something is answered."""
    monkeypatch.setattr("bot.edge.connections.HEAD_WITHIN_S", 60)
    monkeypatch.setattr("bot.edge.connections.most_connections", lambda: 20)
    silent = [door.connect() for _ in range(300)]
    assert [door.get("/quick") for _ in range(5)] == ["here"] * 5
    assert all(is_closed(each) for each in silent[:250])
    silent[-1].settimeout(0.2)
    assert not is_closed(silent[-1])
    for each in silent:
        each.close()
