"""Turns at writing."""

import threading
import time

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import TimeoutError as WaitedTooLong

from bot.storage.tables import Lock
from bot.storage.turns import Turns


def test_turns_are_given_in_the_order_they_were_asked_for() -> None:
    """First come, first served, one at a time."""
    turns, order = Turns(), []
    threads = []

    def run(number: int) -> None:
        with turns.turn(5):
            order.append(number)

    with turns.turn(5):
        for number in range(6):
            threads.append(threading.Thread(target=run, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order == list(range(6))


def test_who_goes_first_is_next() -> None:
    """Ahead of those who wait already, and not before the one whose turn it is has ended."""
    turns, order = Turns(), []

    def run(number: int, first: bool) -> None:
        with turns.turn(5, first=first):
            order.append(number)

    with turns.turn(5):
        threads = []
        for number, first in enumerate([False, False, True]):
            threads.append(threading.Thread(target=run, args=(number, first)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order == [2, 0, 1]


def test_who_waits_too_long_is_told_and_holds_up_nobody() -> None:
    """A thread that gives up leaves the queue; the next turn goes to those who still wait."""
    turns = Turns()
    with turns.turn(1):
        with pytest.raises(WaitedTooLong), turns.turn(0.05):
            pass
    with turns.turn(0.05):
        pass


def test_an_error_in_a_turn_hands_it_on() -> None:
    """Whatever is raised, the next one has its turn."""
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.turn(1):
        _ = 1 / 0
    with turns.turn(0.05):
        pass


def test_writers_of_one_process_do_not_starve_each_other(sqlite_database, clock) -> None:
    """Eight threads that write without a pause: each gets about as far as any other."""
    done = [0] * 8
    end = time.monotonic() + 1.5

    def run(number: int) -> None:
        while time.monotonic() < end:
            with sqlite_database.writing() as session:
                session.merge(Lock(name=f"lock-{number}", taken_at=clock()))
            done[number] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert min(done) > 0
    assert min(done) >= 0.8 * max(done)


def test_reading_does_not_wait_for_a_writer(sqlite_database, clock) -> None:
    """A reader sees the last commit while a transaction is being written."""
    with sqlite_database.writing() as writing:
        writing.execute(text("SELECT 1"))
        writing.add(Lock(name="x", taken_at=clock()))
        writing.flush()
        with sqlite_database.reading() as reading:
            assert reading.scalars(select(Lock.name)).all() == []
