"""Threads that empty a table: one claims rows and hands them to the others, each of which works one at a time.

A subclass says what working a row means, and what is left to settle then.
Only as many rows are claimed as threads are free, or a few times as many where working one takes milliseconds: else a
lease would run while its row waits in a queue.

What was worked is settled by the transaction that claims the next rows: a commit of its own for each row cost more than
all the rest of the work on it. Should the process die before, the row's lease runs out and it is looked at again.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Generic, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from bot.settings import Settings
from bot.storage import claims
from bot.storage.database import Clock, Database
from bot.storage.tables import InboxRow, OutboxRow
from bot.storage.trouble import DatabaseTrouble, trouble_of

Row = TypeVar("Row", InboxRow, OutboxRow)
Worked = TypeVar("Worked")  # a row that was worked, with whatever settling it takes
Then = Callable[[], None]  # what to do once a transaction is committed
log = logging.getLogger(__name__)

TROUBLE_PAUSE_S = 1.0  # after the database could not be asked: long enough not to fill the log
MOST_REST_S = 0.1  # between claims at most
GATHER_S = 0.005  # between claims at least: not felt by anybody, and under load one claim serves several rows
SWEEP_EVERY = timedelta(seconds=1)  # what a dead worker left behind is looked for so often


class Pump(ABC, Generic[Row, Worked]):
    """Runs `claim` when ``wake`` is set or every so often, and `work` for each row, on so many threads as `Settings` say.

    ``waits_hold_lane`` as in :func:`bot.storage.claims.claim`; ``max_attempts`` of those whose worker died, None is any;
    ``ahead`` is how many rows are claimed for each thread.
    """

    def __init__(
        self,
        table: type[Row],
        settings: Settings,
        db: Database,
        clock: Clock,
        wake: threading.Event,
        *,
        waits_hold_lane: bool,
        max_attempts: int | None,
        ahead: int = 1,
    ) -> None:
        self.name = table.__tablename__
        self._table: type[Row] = table
        self._db = db
        self._clock = clock
        self._wake = wake
        self._waits_hold_lane = waits_hold_lane
        self._sweep_attempts = max_attempts
        self._lease_s = settings.firstline_lease_s
        self._poll_s = settings.firstline_poll_s
        self._swept_at: datetime | None = None
        self._worked: deque[Worked] = deque()  # to be settled: any thread adds, one at a time takes
        self._stopping = threading.Event()
        self._trouble: DatabaseTrouble | None = None
        self._queue: SimpleQueue[Row | None] = SimpleQueue()
        self._free = threading.Semaphore(settings.firstline_workers * ahead)
        self._threads = [
            threading.Thread(target=self._run_worker, name=f"{self.name}-{n}", daemon=True)
            for n in range(settings.firstline_workers)
        ]
        self._scout = threading.Thread(target=self._run_scout, name=f"{self.name}-scout", daemon=True)

    @abstractmethod
    def do(self, row: Row) -> Worked | None:
        """Work one claimed row: what is left to settle, or None when it is settled, put back or given up."""

    @abstractmethod
    def settle(self, session: Session, worked: Sequence[Worked], now: datetime) -> Then:
        """Mark as done what was worked, unless another has taken it over; return what to do once that is committed."""

    def mourn(self, session: Session, row: Row, now: datetime, fault: str) -> Then:
        """See to what must follow when a row is given up, in the transaction that gives it up; return as `settle` does."""
        return _nothing

    def ids(self, row: Row) -> Mapping[str, object]:
        """What each line of the log says of a row while it is being worked: ids, never people's words."""
        return {f"{self.name}_row": row.id}

    def work(self, row: Row) -> None:
        """Work one claimed row; it is settled with the next claim, or at once when there will be none."""
        worked = self.do(row)
        if worked is not None:
            self._worked.append(worked)
            if self._stopping.is_set():
                self._settle_rest()

    def claim(self, limit: int) -> Sequence[Row]:
        """Take up to ``limit`` rows into work, after what was worked is settled, and what a dead worker left put back."""
        worked = self._take_worked()
        try:
            with self._db.writing() as session:
                now = self._clock()
                claims.serialise(session, self._table)
                thens = [self.settle(session, worked, now)] if worked else []
                thens += self._sweep(session, now)
                rows = claims.claim(
                    session,
                    self._table,
                    now,
                    lease_s=self._lease_s,
                    limit=limit,
                    waits_hold_lane=self._waits_hold_lane,
                )
        except (DataError, IntegrityError):  # one of these rows does it, and takes no other with it
            for each in worked:
                self._settle_now([each])
            raise
        except (DBAPIError, PoolTimeout):  # the database is away
            self._worked.extend(worked)
            raise
        self._after(thens)
        return rows

    def _after(self, thens: Sequence[Then]) -> None:
        """What is committed is done, whatever becomes of telling it."""
        for then in thens:
            try:
                then()
            except Exception as error:  # or the rows just claimed would be handed to nobody
                log.error("%s: after settling: %s", self.name, type(error).__name__)

    def _sweep(self, session: Session, now: datetime) -> list[Then]:
        """Put back what a dead worker left behind, and give up what had its last attempt."""
        before = self._swept_at
        if before is not None and before <= now < before + SWEEP_EVERY:
            return []
        self._swept_at = now
        if before is None or now < before:
            claims.put_right(session, self._table, now, lease_s=self._lease_s)
        thens = []
        for row in claims.sweep(session, self._table, now, max_attempts=self._sweep_attempts):
            with bound_contextvars(**self.ids(row)):
                thens.append(self.mourn(session, row, now, claims.LEASE_EXPIRED))
        return thens

    def _take_worked(self) -> list[Worked]:
        taken = []
        with suppress(IndexError):  # another thread may take some of them
            while True:
                taken.append(self._worked.popleft())
        return taken

    def start(self) -> None:
        """Start the threads; once."""
        for thread in [*self._threads, self._scout]:
            thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Claim nothing more, wait for what is in work and settle it; False when some of it outlasts ``timeout_s``.

        What outlasts it is not lost: its lease runs out, and another process takes it.
        """
        end = time.monotonic() + timeout_s
        self._stopping.set()
        self._wake.set()
        self._scout.join(max(0.0, end - time.monotonic()))
        for _ in self._threads:
            self._queue.put(None)
        # On a thread of its own, as the database may be silent and the process is to end all the same.
        last = threading.Thread(target=self._settle_rest, name=f"{self.name}-last", daemon=True)
        last.start()
        for thread in [*self._threads, last]:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in [self._scout, *self._threads, last])

    def _settle_rest(self) -> None:
        if worked := self._take_worked():
            self._settle_now(worked)

    def _settle_now(self, worked: Sequence[Worked]) -> None:
        try:
            with self._db.writing() as session:
                claims.serialise(session, self._table)
                then = self.settle(session, worked, self._clock())
        except SQLAlchemyError as error:  # they are left to their leases
            log.warning("%s: what was worked is not settled: %s", self.name, type(error).__name__)
        else:
            self._after([then])

    @property
    def is_alive(self) -> bool:
        """Whether every thread runs."""
        return all(thread.is_alive() for thread in [self._scout, *self._threads])

    @property
    def trouble(self) -> DatabaseTrouble | None:
        """Why rows could not be claimed when they were looked for last; None when they could."""
        return self._trouble

    def _run_scout(self) -> None:
        go_on_s = time.monotonic()
        while not self._stopping.is_set():
            self._stopping.wait(max(0.0, go_on_s - time.monotonic()))
            if not self._free.acquire(timeout=self._poll_s):
                continue
            free = 1
            while self._free.acquire(blocking=False):
                free += 1
            # Cleared before looking: a row stored after the look sets it again, and the wait below ends at once.
            self._wake.clear()
            began_s = time.monotonic()
            rows = self._look(free)
            ended_s = time.monotonic()
            # The busier the machine, the more is gathered; but nobody waits because the database was away.
            go_on_s = ended_s + min(MOST_REST_S, max(GATHER_S, ended_s - began_s))
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


def _nothing() -> None:
    pass
