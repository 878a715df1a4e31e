"""Runs the HTTP side on a thread, so that the main thread is free to wait for signals."""

import errno
import socket
import threading

import uvicorn
from starlette.types import ASGIApp

from bot.edge.connections import ACCEPTED_AT_ONCE, Connection
from bot.errors import CannotListen, PortTaken

STARTED_WITHIN_S = 10.0
BACKLOG = 512  # connections that wait in the kernel while the loop is busy


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (``port`` 0: any free one); raises PortTaken or CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f"HOST cannot be listened on: {error.strerror}") from None
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is taken by another program") from None
        at_port = f" at port {port}" if port else ""
        raise CannotListen(f"HOST cannot be listened on{at_port}: {error.strerror}") from None
    except TypeError:  # Python's answer to a name that cannot be one
        listening.close()
        raise CannotListen("HOST cannot be listened on: it is no host's name") from None
    return listening


class HttpServer:
    """uvicorn on ``listening``; connections in work at `stop` have ``drain_s`` to end."""

    def __init__(self, app: ASGIApp, listening: socket.socket, drain_s: float = 3) -> None:
        self._listening = listening
        self.port = int(listening.getsockname()[1])
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=Connection,
                backlog=ACCEPTED_AT_ONCE,
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
    def is_alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start serving and return once it does; raises CannotListen when it does not."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(STARTED_WITHIN_S / 0.01)):
            if self._server.started:
                self._listening.listen(BACKLOG)  # again: asyncio has set it to what it accepts at once
                return
            if not self._thread.is_alive():
                raise CannotListen(f"HTTP ended before it served port {self.port}")
            waited.wait(0.01)
        raise CannotListen(f"HTTP does not serve port {self.port} after {STARTED_WITHIN_S:.0f} s")

    def stop(self, timeout_s: float) -> bool:
        """Accept nothing more, let what is in work end; False when that outlasts ``timeout_s``."""
        self._server.should_exit = True
        self._thread.join(timeout_s)
        self._listening.close()
        return not self._thread.is_alive()
