"""Connections that are opened and ask for nothing: each is closed after a while, and when there are many the oldest at once.

uvicorn waits for a request without end. Whoever can reach the port could so hold every file that the process may
open, and with them what the bot needs to speak to Slack and to its database.
"""

import asyncio
import resource
from functools import cache
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S = 10.0  # from the opening, or from the last answer, to the end of a request's headers
ACCEPTED_AT_ONCE = 64  # asyncio takes so many before any of them can be turned away
MOST = 512


@cache
def most_connections() -> int:
    """At most half of the files that this process may open."""
    may_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if may_open == resource.RLIM_INFINITY else min(MOST, may_open // 2)


class Connection(H11Protocol):
    """uvicorn's connection, with an end to its patience."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._silent_since_s = 0.0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's; one of those that ask for nothing makes room."""
        super().connection_made(transport)
        self._wait()
        _make_room(self.connections, most_connections())

    def on_response_complete(self) -> None:
        """As uvicorn's."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's."""
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    @property
    def is_silent(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def silent_since_s(self) -> float:
        """When it was opened, or had its last answer, by the loop's clock."""
        return self._silent_since_s

    def _wait(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._silent_since_s = self.loop.time()
        self._patience = self.loop.call_later(HEAD_WITHIN_S, self._give_up)

    def _give_up(self) -> None:
        if self.is_silent:
            self.transport.abort()


def _make_room(connections: set[Any], most: int) -> None:
    """Close the one that is silent for longest, which is the newest where all others are being answered."""
    still_open = [each for each in connections if not each.transport.is_closing()]
    silent = [each for each in still_open if each.is_silent]
    if len(still_open) > most and silent:
        min(silent, key=lambda each: each.silent_since_s).transport.abort()
