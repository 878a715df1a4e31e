"""Tells whoever watches (the page) that something changed, and for whom."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from enum import StrEnum

KEEP_ALIVE_S = 15.0


class What(StrEnum):
    """What kind of thing changed."""

    MESSAGES = "messages"
    MODALS = "modals"
    HOME = "home"
    PEOPLE = "people"
    APP = "app"
    LOG = "log"


class Changes:
    """Counts changes and hands a notice of each to every listener."""

    def __init__(self) -> None:
        self.seq = 0
        self._listeners: set[asyncio.Queue[str | None]] = set()

    def notice(self, what: What, users: Iterable[str] = (), channel: str | None = None) -> None:
        """Say that something changed for these people; nobody named: for everybody."""
        self.seq += 1
        line = json.dumps({"seq": self.seq, "what": what, "users": sorted(users), "channel": channel})
        for queue in self._listeners:
            queue.put_nowait(line)

    def close(self) -> None:
        """End every stream."""
        for queue in self._listeners:
            queue.put_nowait(None)

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events from now on, with a comment now and then so that the connection stays."""
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield ": hello\n\n"
            while True:
                try:
                    line = await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if line is None:
                    return
                yield f"data: {line}\n\n"
        finally:
            self._listeners.discard(queue)
