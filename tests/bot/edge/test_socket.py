"""Socket Mode's connection, when Slack or what stands before it misbehaves."""

import socket
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from bot.edge.socket import SocketEdge


class Garbling:
    """A server that answers the first call with no HTTP at all, and the others with a 503."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.asked = 0
        self.asked_again = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                self.asked += 1
                if self.asked == 1:
                    connection.sendall(b"a proxy that starts\r\n\r\n")
                else:
                    connection.sendall(b"HTTP/1.1 503 Not Now\r\nContent-Length: 0\r\n\r\n")
                    self.asked_again.set()


@pytest.fixture
def garbling() -> Iterator[Garbling]:
    """A Slack that cannot be understood at first."""
    server = Garbling()
    yield server
    server.listening.close()


def test_an_answer_that_is_none_is_no_reason_to_stop_connecting(garbling: Garbling, make_settings) -> None:
    """Whatever comes back when Socket Mode is asked for, it is asked for again."""
    url = f"http://127.0.0.1:{garbling.listening.getsockname()[1]}/api/"
    edge = SocketEdge(make_settings(slack_api_url=url, slack_app_token="xapp-1"), Mock(), Mock(), Mock())
    edge.start()
    try:
        assert garbling.asked_again.wait(10)
        assert not edge.is_connected
    finally:
        edge.stop(5)
