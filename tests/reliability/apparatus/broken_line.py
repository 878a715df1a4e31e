"""A line to a server that can be broken: a small TCP proxy that refuses, or falls silent, when it is told to."""

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL, make_url


class LineState(StrEnum):
    """How the line is."""

    OPEN = "open"
    REFUSING = "refusing"  # whoever calls is cut off, and so is whoever speaks
    SILENT = "silent"  # calls are taken, and nothing comes back


@dataclass
class Line:
    """Listens on a free port of 127.0.0.1 and passes everything on to a PostgreSQL."""

    target: URL
    state: LineState = LineState.OPEN
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _port: int = 0

    def __enter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        self._port = listening.getsockname()[1]
        threading.Thread(target=self._loop.run_forever, name="broken-line", daemon=True).start()
        serving = asyncio.start_server(self._carry, sock=listening)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self.turn(LineState.REFUSING)
        self._loop.call_soon_threadsafe(self._loop.stop)

    @property
    def url(self) -> str:
        """The target, by this line."""
        query = {name: value for name, value in self.target.query.items() if name != "host"}
        url = self.target.set(host="127.0.0.1", port=self._port, query=query)
        return url.render_as_string(hide_password=False)

    def turn(self, state: LineState) -> None:
        """Be like this from now on. Connections end, but for those that are to fall silent."""

        async def change() -> None:
            self.state = state
            if state is not LineState.SILENT:
                for writer in list(self._writers):
                    writer.transport.abort()

        asyncio.run_coroutine_threadsafe(change(), self._loop).result(10)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.state is LineState.REFUSING:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            far_reader, far_writer = await self._dial()
            self._writers.add(far_writer)
            try:
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            finally:
                self._writers.discard(far_writer)
                far_writer.close()
        except OSError:
            pass  # one end hung up
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        folder, port = self.target.query.get("host"), self.target.port or 5432
        if folder is not None:
            return await asyncio.open_unix_connection(Path(str(folder)) / f".s.PGSQL.{port}")
        return await asyncio.open_connection(self.target.host or "127.0.0.1", port)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            while self.state is LineState.SILENT:
                await asyncio.sleep(0.02)
            sink.write(data)
            await sink.drain()
        sink.transport.abort()


def line_to(url: str) -> Line:
    """A line to the PostgreSQL at ``url``; use it as a context manager."""
    return Line(make_url(url))
