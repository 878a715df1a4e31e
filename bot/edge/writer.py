"""Stores deliveries before they are acknowledged: one thread, many deliveries to a commit.

A commit costs a wait for the disk however many rows it holds, so whatever has gathered while the last one was written
goes into the next. The edge waits for its delivery's future: when that is done, the delivery outlives a power cut.

While the database takes nothing, what it refused last is tried again each second: so it is known when it works again,
also when nobody sends anything, and what is stored then is what Slack will send again anyway.
"""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, Full, Queue

from bot.errors import NotStored
from bot.storage.database import Clock, Database
from bot.storage.inbox import Delivery, Prepare, as_it_is, count_waiting, store
from bot.storage.trouble import DatabaseTrouble, trouble_of

log = logging.getLogger(__name__)

STORED_WITHIN_S = (
    2.5  # what an edge waits: Slack gives up after three seconds, and a plain "not now" is better than none
)
BATCH_ROWS = 256
QUEUE_ROWS = 2048  # at 1,000 acknowledgements a second, two seconds' worth: Slack gives up after three
TRY_AGAIN_S = 1.0
FULL_LOGGED_EVERY_S = 1.0  # in a flood a batch is refused every few milliseconds
FULL_FOR_S = 10.0  # after a refusal; long enough for those who ask every few seconds to see it
COUNT_EVERY_S = 1.0  # the backlog is counted so often, and added up in between


@dataclass(frozen=True, slots=True)
class _Pending:
    delivery: Delivery
    stored: "Future[None]"


class InboxWriter:
    """Takes deliveries from any thread; ``limit`` is how many may wait to be worked before new ones are refused.

    ``prepare`` makes of a delivery what is stored of it.
    """

    def __init__(
        self, db: Database, clock: Clock, wake: threading.Event, *, limit: int, prepare: Prepare = as_it_is
    ) -> None:
        self._db = db
        self._clock = clock
        self._wake = wake
        self._limit = limit
        self._prepare = prepare
        self._queue: Queue[_Pending | None] = Queue(QUEUE_ROWS)
        self._closing = threading.Lock()
        self._is_closed = False
        self._waiting = 0
        self._counted_s = -COUNT_EVERY_S
        self._full_s = -FULL_FOR_S  # when it was full last, by the monotonic clock
        self._full_logged_s = -FULL_LOGGED_EVERY_S
        self._turned_away = 0  # since that line of the log
        self._trouble: DatabaseTrouble | None = None
        self._refused: Sequence[_Pending] = ()  # what the database took last, if it took nothing since
        self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Take nothing more, store what was taken, end the thread; False when that outlasts ``timeout_s``."""
        with self._closing:
            self._is_closed = True
        end = time.monotonic() + timeout_s
        try:
            self._queue.put(None, timeout=timeout_s)
        except Full:
            return False
        self._thread.join(max(0.0, end - time.monotonic()))
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def trouble(self) -> DatabaseTrouble | None:
        """Why the last deliveries could not be stored; None when they could, or when there were none yet."""
        return self._trouble

    @property
    def is_full(self) -> bool:
        """Whether deliveries were refused a moment ago because too many wait to be worked."""
        return time.monotonic() - self._full_s < FULL_FOR_S

    def submit(self, delivery: Delivery) -> "Future[None]":
        """A future that is done once ``delivery`` is stored, or fails with NotStored: then it must not be acknowledged."""
        stored: Future[None] = Future()
        with self._closing:  # so that nothing is put behind the mark that ends the thread
            if self._is_closed:
                stored.set_exception(NotStored("shutting down"))
                return stored
            try:
                self._queue.put_nowait(_Pending(delivery, stored))
            except Full:
                stored.set_exception(NotStored("too many deliveries at once"))
        return stored

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._gather()
            # A caller that has given up (a closed connection) cancelled its future; the row is stored all the same,
            # as Slack will send it again and the key makes that harmless.
            if batch or self._refused:
                self._store(batch or self._refused)

    def _gather(self) -> tuple[list[_Pending], bool]:
        """What has come in, nothing after a while when something is to be tried again, and False at the end."""
        batch: list[_Pending] = []
        try:
            pending = self._queue.get(timeout=TRY_AGAIN_S if self._refused else None)
        except Empty:
            return batch, True
        while pending is not None:
            batch.append(pending)
            if len(batch) == BATCH_ROWS:
                return batch, True
            try:
                pending = self._queue.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _store(self, batch: Sequence[_Pending]) -> None:
        try:
            if self._is_full(len(batch)):
                self._turn_away(batch)
                return
            self._insert(batch)
        except Exception as error:  # the thread's edge: it must not die while there is an edge to serve
            trouble = trouble_of(error)
            self._take_note(trouble)
            if trouble is None:
                self._store_one_by_one(batch, error)
            else:
                self._refused = batch
                _fail(batch, trouble.reason)
        else:
            self._take_note(None)

    def _turn_away(self, batch: Sequence[_Pending]) -> None:
        self._full_s = time.monotonic()
        self._turned_away += len(batch)
        if self._full_s - self._full_logged_s >= FULL_LOGGED_EVERY_S:
            log.error("the inbox is full: %d deliveries refused, %d wait", self._turned_away, self._waiting)
            self._full_logged_s, self._turned_away = self._full_s, 0
        _fail(batch, "the inbox is full")

    def _take_note(self, trouble: DatabaseTrouble | None) -> None:
        """Log it when the database begins or ends to be in trouble, and not for each delivery."""
        if trouble != self._trouble:
            if trouble is not None:
                log.error("the inbox cannot be written: %s", trouble.reason)
            else:
                log.warning("the inbox can be written again")
        self._trouble, self._refused = trouble, ()

    def _store_one_by_one(self, batch: Sequence[_Pending], error: Exception) -> None:
        """One delivery that the database refuses must not take the others of its batch with it."""
        if len(batch) == 1:
            log.error("the database refuses a delivery: %s", type(error).__name__)
            _fail(batch, "the database refuses it")
            return
        for pending in batch:
            self._store([pending])

    def _insert(self, batch: Sequence[_Pending]) -> None:
        deliveries = [self._prepare(pending.delivery) for pending in batch]
        with self._db.writing(first=True) as session:  # Slack waits
            store(session, deliveries, self._clock())
        self._waiting += len(batch)
        for pending in batch:
            if not pending.stored.done() and pending.stored.set_running_or_notify_cancel():
                pending.stored.set_result(None)
        self._wake.set()

    def _is_full(self, more: int) -> bool:
        if time.monotonic() - self._counted_s >= COUNT_EVERY_S:
            with self._db.reading() as session:
                self._waiting = count_waiting(session)
            self._counted_s = time.monotonic()
        return self._waiting + more > self._limit


def _fail(batch: Sequence[_Pending], reason: str) -> None:
    for pending in batch:
        if not pending.stored.done() and pending.stored.set_running_or_notify_cancel():
            pending.stored.set_exception(NotStored(reason))
