"""Words are kept no longer than was promised, in whatever state a request was left."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.jobs.forget import forget_words
from bot.storage.tables import RequestMessage, SupportRequest

KEEP_S = 365 * 86400.0


def leave_request(database, clock, state: str, days: float, *later_days: float, text: str = "vpn") -> None:
    """A request that was opened ``days`` ago and stands as ``state``; its person added something ``later_days`` ago."""
    at = clock() - timedelta(days=days)
    is_over = state in ("closed", "withdrawn")
    with database.writing() as session:
        request = SupportRequest(
            team_id="T1",
            requester_id="U1",
            channel_id="D1",
            thread_ts=f"{days:.6f}",
            text=text,
            state=state,
            opened_at=at,
            closed_at=at if is_over else None,
            reopened_count=0,
        )
        session.add(request)
        session.flush()
        for number, ago in enumerate((days, *later_days)):
            session.add(
                RequestMessage(
                    team_id="T1",
                    request_id=request.id,
                    channel_id="D1",
                    ts=f"{days:.0f}.{number:06d}",
                    text="words",
                    received_at=clock() - timedelta(days=ago),
                )
            )


def words_left(database) -> list[tuple[str, str, int]]:
    """State, text and number of messages of each request."""
    with database.reading() as session:
        messages = session.scalars(select(RequestMessage.request_id)).all()
        return [
            (request.state, request.text, messages.count(request.id))
            for request in session.scalars(select(SupportRequest).order_by(SupportRequest.id))
        ]


def forget(database, clock) -> int:
    return forget_words(database, clock, KEEP_S, threading.Event())


@pytest.mark.parametrize("state", ["suggested", "new"])
def test_the_words_of_what_nobody_answered_go_as_well(database, clock, state: str) -> None:
    """A year after the last of them; the request itself stays as it is, as silence says nothing."""
    leave_request(database, clock, state, 364)
    leave_request(database, clock, state, 366)
    leave_request(database, clock, state, 500, 366)
    leave_request(database, clock, state, 501, 364)
    assert forget(database, clock) == 2
    assert words_left(database) == [(state, "vpn", 1), (state, "", 0), (state, "", 0), (state, "vpn", 2)]
    assert forget(database, clock) == 0


@pytest.mark.parametrize("state", ["waiting", "offered", "in_progress", "resolved", "closed_by_suggestion"])
def test_the_words_of_what_goes_on_stay(database, clock, state: str) -> None:
    """People may still work on it, however long it takes."""
    leave_request(database, clock, state, 1000)
    assert forget(database, clock) == 0
    assert words_left(database) == [(state, "vpn", 1)]


def test_words_that_are_in_messages_alone_go_too(database, clock) -> None:
    """A request may have begun without any: an emoji, or a file."""
    leave_request(database, clock, "closed", 366, text="")
    assert forget(database, clock) == 1
    assert words_left(database) == [("closed", "", 0)]


def test_more_than_a_batch_goes_in_one_run(database, clock, monkeypatch) -> None:
    """Batch by batch; none is left for an hour."""
    monkeypatch.setattr("bot.jobs.forget.BATCH_ROWS", 2)
    for number in range(5):
        leave_request(database, clock, "withdrawn", 400 + number)
    assert forget(database, clock) == 5
    assert forget(database, clock) == 0


def test_where_there_is_nothing_to_forget_nobody_who_writes_waits(sqlite_database, clock) -> None:
    """The look itself needs no turn at writing, and with many requests it takes a while."""
    leave_request(sqlite_database, clock, "closed", 364)
    done = threading.Event()
    with sqlite_database.writing():
        threading.Thread(target=lambda: (forget(sqlite_database, clock), done.set()), daemon=True).start()
        assert done.wait(5)
