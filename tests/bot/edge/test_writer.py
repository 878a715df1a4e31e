"""The writer: nothing is acknowledged that is not on disk."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from datetime import datetime

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from bot.edge.health import inbox_check
from bot.edge.writer import COUNT_EVERY_S, InboxWriter
from bot.errors import NotStored
from bot.storage.database import Database
from bot.storage.inbox import Delivery, count_waiting
from bot.storage.tables import InboxKind, InboxRow
from bot.storage.trouble import READ_ONLY
from bot.storage.work import Wake

Clock = Callable[[], datetime]


def delivery(number: int, **body: object) -> Delivery:
    return Delivery(InboxKind.EVENT, f"T1:Ev{number}", "T1", "T1:U1", {"n": number, **body})


def count(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(InboxRow)) or 0


@pytest.fixture
def writer(database: Database, clock: Clock, wake: Wake):
    """A running writer on both databases."""
    made = InboxWriter(database, clock, wake.inbox, limit=1000)
    made.start()
    yield made
    made.stop(5)


def test_a_delivery_is_on_disk_when_its_future_is_done(
    writer: InboxWriter, database: Database, wake: Wake
) -> None:
    """Whoever waits for the future may acknowledge, and a worker is woken."""
    writer.submit(delivery(1)).result(5)
    assert count(database) == 1
    assert wake.inbox.is_set()


def test_deliveries_from_many_threads_are_all_stored_in_few_commits(
    writer: InboxWriter, database: Database
) -> None:
    """What gathers while one commit is written goes into the next; duplicates are stored once."""
    futures = []
    guard = threading.Lock()

    def run(start: int) -> None:
        for number in range(start, start + 50):
            future = writer.submit(delivery(number))
            with guard:
                futures.append(future)

    threads = [threading.Thread(target=run, args=(n * 25,)) for n in range(8)]  # each half overlaps the next
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done, not_done = wait(futures, timeout=20)
    assert (len(done), len(not_done)) == (400, 0)
    assert [future.exception() for future in done] == [None] * 400
    assert count(database) == 225


def test_what_has_gathered_goes_into_one_commit(database: Database, clock: Clock, wake: Wake) -> None:
    """A commit costs a wait for the disk however many deliveries it holds."""
    written = []
    event.listen(database.engine, "commit", written.append)
    writer = InboxWriter(database, clock, wake.inbox, limit=1000)
    futures = [writer.submit(delivery(number)) for number in range(20)]
    writer.start()
    wait(futures, 5)
    assert writer.stop(5)
    assert (count(database), len(written)) == (20, 1)


def test_a_database_that_is_away_fails_the_delivery_and_not_the_writer(
    writer: InboxWriter, database: Database
) -> None:
    """While the inbox cannot be written nothing is acknowledged; afterwards all is as before."""
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO inbox_away"))
    with pytest.raises(NotStored):
        writer.submit(delivery(1)).result(10)
    given_up = writer.submit(delivery(2))
    given_up.cancel()  # as when Slack's connection is closed meanwhile
    with pytest.raises(NotStored):
        writer.submit(delivery(1)).result(10)
    assert writer.is_alive
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox_away RENAME TO inbox"))
    writer.submit(delivery(1)).result(10)
    assert count(database) in (1, 2)  # with the one that was refused last, which Slack would send again


def test_one_delivery_that_the_database_refuses_takes_no_other_with_it(
    database: Database, clock: Clock, wake: Wake
) -> None:
    """Of a batch with a bad row, the good ones are stored and only the bad one fails."""
    writer = InboxWriter(database, clock, wake.inbox, limit=1000)
    bad = Delivery(InboxKind.EVENT, "T1:bad", "T1", "T1:U1", {"n": object()})  # no JSON
    futures = [writer.submit(one) for one in (delivery(1), bad, delivery(2))]
    writer.start()
    assert futures[0].result(10) is None
    assert isinstance(futures[1].exception(10), NotStored)
    assert futures[2].result(10) is None
    assert count(database) == 2
    assert writer.stop(5)


def test_the_backlog_is_not_counted_for_each_delivery(
    sqlite_database: Database, clock: Clock, wake: Wake, monkeypatch
) -> None:
    """Once in a while it is, and in between what was stored is added up."""
    counted: list[int] = []

    def counting(session: Session) -> int:
        counted.append(count_waiting(session))
        return counted[-1]

    monkeypatch.setattr("bot.edge.writer.count_waiting", counting)
    writer = InboxWriter(sqlite_database, clock, wake.inbox, limit=1000)
    writer.start()
    began_s = time.monotonic()
    for number in range(20):
        writer.submit(delivery(number)).result(5)
    assert 1 <= len(counted) <= 1 + (time.monotonic() - began_s) / COUNT_EVERY_S
    assert writer.stop(5)


def test_a_full_inbox_refuses_new_deliveries(database: Database, clock: Clock, wake: Wake) -> None:
    """When work piles up, Slack is told to come again rather than the disk be filled."""
    writer = InboxWriter(database, clock, wake.inbox, limit=2)
    writer.start()
    for number in range(2):
        writer.submit(delivery(number)).result(5)
    with pytest.raises(NotStored, match="full"):
        writer.submit(delivery(3)).result(5)
    assert count(database) == 2
    writer.stop(5)


def test_a_full_inbox_is_logged_at_most_once_a_second(
    sqlite_database: Database, clock: Clock, wake: Wake, caplog: pytest.LogCaptureFixture
) -> None:
    """However many are refused; each line says how many were since the one before, so that none is left out."""
    writer = InboxWriter(sqlite_database, clock, wake.inbox, limit=2)
    writer.start()
    try:
        for number in range(2):
            writer.submit(delivery(number)).result(5)
        began, refused = time.monotonic(), 0
        while len(_full_lines(caplog)) < 2 and time.monotonic() < began + 30:
            refused += isinstance(writer.submit(delivery(10 + refused)).exception(5), NotStored)
        lines = _full_lines(caplog)
        assert len(lines) <= 1 + time.monotonic() - began
        assert refused > 10
        assert [record.args for record in lines] == [(1, 2), (refused - 1, 2)]
    finally:
        writer.stop(5)


def _full_lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if "the inbox is full" in record.getMessage()]


def test_a_full_inbox_is_degraded_until_there_has_been_room_for_a_while(
    sqlite_database: Database, clock: Clock, wake: Wake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that refuses is ready all the same: the others would refuse as well. It says what is wrong meanwhile."""
    writer = InboxWriter(sqlite_database, clock, wake.inbox, limit=1)
    writer.start()
    try:
        writer.submit(delivery(1)).result(5)
        assert inbox_check(writer)() is None
        assert isinstance(writer.submit(delivery(2)).exception(5), NotStored)
        told = inbox_check(writer)()
        assert told is not None
        assert (told.is_degraded, "refused" in told.reason) == (True, True)
        monkeypatch.setattr("bot.edge.writer.FULL_FOR_S", 0.0)
        assert inbox_check(writer)() is None
    finally:
        writer.stop(5)


def test_stopping_stores_what_was_taken_and_takes_nothing_more(
    database: Database, clock: Clock, wake: Wake
) -> None:
    """A shutdown loses nothing that was on its way."""
    writer = InboxWriter(database, clock, wake.inbox, limit=1000)
    futures = [writer.submit(delivery(number)) for number in range(600)]
    writer.start()
    assert writer.stop(10)
    assert not writer.is_alive
    assert all(future.done() and future.exception() is None for future in futures)
    assert count(database) == 600
    with pytest.raises(NotStored):
        writer.submit(delivery(999)).result(1)


def test_more_deliveries_than_the_queue_holds_are_refused_at_once(
    database: Database, clock: Clock, wake: Wake
) -> None:
    """The queue in memory is bounded: what does not fit is refused without waiting."""
    writer = InboxWriter(database, clock, wake.inbox, limit=100_000)  # not started: nothing drains it
    futures = [writer.submit(delivery(number)) for number in range(3000)]
    refused = [future for future in futures if future.done()]
    assert 0 < len(refused) < 3000
    assert all(isinstance(future.exception(), NotStored) for future in refused)


def test_what_was_refused_last_is_stored_once_the_database_works_again(
    sqlite_database: Database, clock: Clock, wake: Wake, monkeypatch, caplog
) -> None:
    """Nobody has to send anything for the writer to find out that its trouble is over. Both are logged, once."""
    monkeypatch.setattr("bot.edge.writer.TRY_AGAIN_S", 0.05)
    takes_writes = threading.Event()

    def set_mode(connection, _record, _proxy) -> None:
        connection.execute(f"PRAGMA query_only={'OFF' if takes_writes.is_set() else 'ON'}")

    event.listen(sqlite_database.engine, "checkout", set_mode)
    writer = InboxWriter(sqlite_database, clock, wake.inbox, limit=1000)
    writer.start()
    for _ in range(2):
        with pytest.raises(NotStored, match="read-only"):
            writer.submit(delivery(1)).result(10)
        assert len(caplog.records) == 1
    assert writer.trouble is READ_ONLY
    takes_writes.set()
    end = time.monotonic() + 20
    while writer.trouble is not None and time.monotonic() < end:
        time.sleep(0.02)
    assert writer.trouble is None
    assert count(sqlite_database) == 1
    writer.submit(delivery(2)).result(10)
    assert count(sqlite_database) == 2
    assert writer.stop(5)
    told = [record.getMessage().partition(":")[0] for record in caplog.records]
    assert told == ["the inbox cannot be written", "the inbox can be written again"]
