"""A lock that is given in the order it was asked for, but for one who may go first.

SQLite has one writer at a time, and whoever finds it busy sleeps and asks again, up to 100 ms later and in no order:
eight busy threads starved one of them for over five seconds. Within a process it is quicker, and fair, to queue. What Slack waits for goes
first; that is one thread, which gathers what comes in meanwhile, so the others have their turn between two of its own.
"""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import TimeoutError as WaitedTooLong


class Turns:
    """Hands itself on from thread to thread, first come, first served, whoever goes ``first`` before the others."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_taken = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, timeout_s: float, *, first: bool = False) -> Iterator[None]:
        """Hold the lock; raises sqlalchemy's TimeoutError when it is not our turn within ``timeout_s``."""
        ticket = threading.Event()
        with self._guard:
            if self._is_taken and first:
                self._waiting.appendleft(ticket)
            elif self._is_taken:
                self._waiting.append(ticket)
            else:
                self._is_taken = True
                ticket.set()
        if not ticket.wait(timeout_s):
            self._give_up(ticket)
        try:
            yield
        finally:
            self._hand_on()

    def _give_up(self, ticket: threading.Event) -> None:
        with self._guard:
            if ticket.is_set():
                return  # given at the last moment
            self._waiting.remove(ticket)
        raise WaitedTooLong("the database was busy for too long")

    def _hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_taken = False
