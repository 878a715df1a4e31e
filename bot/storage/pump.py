"""Threads that empty a table: one looks for rows and hands them to the others, each of which works one at a time.

A subclass says how rows are claimed and what working one means.
Only as many rows are claimed as threads are free, so a lease never runs while its row waits in a queue.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from structlog.contextvars import bound_contextvars

from bot.storage.tables import InboxRow, OutboxRow
from bot.storage.trouble import DatabaseTrouble, trouble_of

Row = TypeVar("Row", bound=InboxRow | OutboxRow)
log = logging.getLogger(__name__)

TROUBLE_PAUSE_S = 1.0  # after the database could not be asked: long enough not to fill the log


class Pump(ABC, Generic[Row]):
    """Runs `claim` when ``wake`` is set or every ``poll_s`` seconds, and `work` for each row, on ``threads`` threads.

    Between two claims lie at least ``gather_s`` seconds, so that under load one of them serves several rows.
    """

    def __init__(
        self, name: str, *, threads: int, wake: threading.Event, poll_s: float, gather_s: float = 0.0
    ) -> None:
        self.name = name
        self._wake = wake
        self._poll_s = poll_s
        self._gather_s = gather_s
        self._stopping = threading.Event()
        self._trouble: DatabaseTrouble | None = None
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._free = threading.Semaphore(threads)
        self._threads = [
            threading.Thread(target=self._run_worker, name=f"{name}-{n}", daemon=True) for n in range(threads)
        ]
        self._scout = threading.Thread(target=self._run_scout, name=f"{name}-scout", daemon=True)

    @abstractmethod
    def claim(self, limit: int) -> Sequence[Row]:
        """Take up to ``limit`` rows into work."""

    @abstractmethod
    def work(self, row: Row) -> None:
        """Work one claimed row and see that it is settled, put back or given up."""

    def ids(self, row: Row) -> Mapping[str, object]:
        """What each line of the log says of a row while it is being worked: ids, never people's words."""
        return {f"{self.name}_row": row.id}

    def start(self) -> None:
        """Start the threads; once."""
        for thread in [*self._threads, self._scout]:
            thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Claim nothing more and wait for what is in work; False when some of it outlasts ``timeout_s``.

        What outlasts it is not lost: its lease runs out, and another process takes it.
        """
        end = time.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        self._scout.join(max(0.0, end - time.monotonic()))
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in [self._scout, *self._threads])

    @property
    def is_alive(self) -> bool:
        """Whether every thread runs."""
        return all(thread.is_alive() for thread in [self._scout, *self._threads])

    @property
    def trouble(self) -> DatabaseTrouble | None:
        """Why rows could not be claimed when they were looked for last; None when they could."""
        return self._trouble

    def _run_scout(self) -> None:
        looked_s = -self._gather_s
        while not self._stopping.is_set():
            time.sleep(max(0.0, looked_s + self._gather_s - time.monotonic()))
            if not self._free.acquire(timeout=self._poll_s):
                continue
            free = 1
            while self._free.acquire(blocking=False):
                free += 1
            # Cleared before looking: a row stored after the look sets it again, and the wait below ends at once.
            self._wake.clear()
            looked_s = time.monotonic()
            rows = self._look(free)
            for row in rows:
                self._queue.put(row)
            if len(rows) < free:
                self._free.release(free - len(rows))
            if not rows and not self._stopping.is_set():
                self._wake.wait(self._poll_s)

    def _look(self, limit: int) -> Sequence[Row]:
        try:
            rows = self.claim(limit)
            self._trouble = None
            return rows
        except Exception as error:  # a thread's edge: the database is away, and may be back in a second
            self._trouble = trouble_of(error)
            log.error("%s: cannot claim rows: %s", self.name, type(error).__name__)
            self._stopping.wait(TROUBLE_PAUSE_S)
            return ()

    def _run_worker(self) -> None:
        while (row := self._queue.get()) is not None:
            try:
                with bound_contextvars(**self.ids(row)):
                    self._work_or_leave(row)
            finally:
                self._free.release()
                self._wake.set()  # the next row of this lane has become free

    def _work_or_leave(self, row: Row) -> None:
        try:
            self.work(row)
        except Exception as error:  # a thread's edge: the lease runs out and the row is tried again
            log.error("%s: row %s was left to its lease: %s", self.name, row.id, type(error).__name__)
