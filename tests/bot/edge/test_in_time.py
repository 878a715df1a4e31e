"""Whoever asks the edge gets an answer in time, whatever hangs behind it."""

import threading
import time

from sqlalchemy import func, select

from bot.storage.tables import InboxRow


def test_a_delivery_that_cannot_be_stored_in_time_is_refused(
    run_edge, sqlite_database, make_event, monkeypatch
) -> None:
    """Slack waits three seconds: before that it hears 503; what is stored after all is stored once, retry or not."""
    monkeypatch.setattr("bot.edge.http.STORED_WITHIN_S", 0.3)
    edge = run_edge(sqlite_database)
    with sqlite_database.writing():  # nobody else can write
        refused = edge.deliver(make_event())
    assert (refused.status, refused.body) == (503, b"not stored in time")
    assert edge.deliver(make_event()).status == 200
    with sqlite_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(InboxRow)) == 1


def test_a_check_that_hangs_is_told_and_holds_one_thread(run_edge, sqlite_database, monkeypatch) -> None:
    """A database that is silent makes this replica not ready; asking again and again does not pile up threads."""
    monkeypatch.setattr("bot.edge.health.ANSWERED_WITHIN_S", 0.2)
    release, asked = threading.Event(), []

    def hang() -> None:
        asked.append(1)
        release.wait(30)

    edge = run_edge(sqlite_database, checks={"database": hang})
    for _ in range(3):
        told = edge.send("GET", "/health/ready")
        assert (told.status, "no answer" in told.json["checks"]["database"]) == (503, True)
    assert len(asked) == 1
    release.set()
    end = time.monotonic() + 20
    while edge.send("GET", "/health/ready").status != 200 and time.monotonic() < end:
        time.sleep(0.05)
    assert edge.send("GET", "/health/ready").status == 200
