"""Runs the HTTP side on a thread, so that the main thread is free to wait for signals."""

import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from bot.errors import PortTaken

STARTED_WITHIN_S = 10.0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (``port`` 0: any free one); raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise PortTaken(f"port {port} cannot be listened on: {error.strerror}") from None
    return listening


class HttpServer:
    """uvicorn on ``listening``; connections in work at `stop` have ``drain_s`` to end."""

    def __init__(self, app: ASGIApp, listening: socket.socket, drain_s: float = 3) -> None:
        self._listening = listening
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                loop="asyncio",
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, round(drain_s)),
            )
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="http", daemon=True
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listening.getsockname()[1])

    @property
    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start serving and return once it does."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(STARTED_WITHIN_S / 0.01)):
            if self._server.started or not self._thread.is_alive():
                return
            waited.wait(0.01)

    def stop(self, timeout_s: float) -> bool:
        """Accept nothing more, let what is in work end; False when that outlasts ``timeout_s``."""
        self._server.should_exit = True
        self._thread.join(timeout_s)
        self._listening.close()
        return not self._thread.is_alive()
