"""``/firstline``, answered to the one who typed it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event


@pytest.mark.parametrize(
    ("text", "title"), [("stats", "30 days"), ("stats 7d", "7 days"), (" STATS  all ", "all time")]
)
def test_administrators_see_the_numbers(desk: Any, text: str, title: str) -> None:
    """An administrator gets the numbers of the period asked for, 30 days without one."""
    desk.dm("URILEY", "vpn")
    answer = desk.command("UBOSS", text)
    assert title in answer
    assert "*1* request" in answer


def test_others_are_refused(desk: Any) -> None:
    """Anybody else is told privately that the numbers are for administrators."""
    for user in ("URILEY", "UANA"):
        assert "Only administrators" in desk.command(user, "stats 7d")


@pytest.mark.parametrize(
    "text", ["", "help", "what?", "stats 99d", "stats '; drop table", "on on", "<!channel>" * 500]
)
def test_what_nobody_understands_gets_help(desk: Any, text: str) -> None:
    """Help is the answer to help, nothing, and everything unknown; it never repeats what was typed."""
    answer = desk.command("UBOSS", text)
    assert "`/firstline help`" in answer
    assert "<!channel>" not in answer
    assert "`/firstline stats`" not in desk.command("URILEY", "help")


def test_presence(desk: Any) -> None:
    """An agent goes away and comes on again; others cannot."""
    assert "You are away" in desk.command("UANA", "away")
    assert "You are already away" in desk.command("UANA", "away")
    desk.dm("URILEY", "broken screen")
    desk.match()
    assert desk.shown("offer:1")["user_ids"] == ["UBEN"]
    assert "You are on" in desk.command("UANA", "on")
    assert "Only agents" in desk.command("URILEY", "on")


@contextmanager
def reads_while_writing(engine: Engine) -> Iterator[list[str]]:
    """Collects the queries of requests that are made in a transaction that may write."""
    seen: list[str] = []

    def note(connection: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        read_only = connection.get_execution_options().get("firstline_read_only", False)
        if statement.startswith("SELECT") and "support_requests" in statement and not read_only:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("what", ["stats", "home"])
def test_long_reads_hold_up_nobody(desk: Any, what: str) -> None:
    """The numbers and App Home are read before the transaction that writes, as SQLite has one writer at a time."""
    desk.dm("URILEY", "vpn")
    with reads_while_writing(desk.deps.db.engine) as seen:
        if what == "stats":
            assert "*1* request" in desk.command("UBOSS", "stats")
        else:
            desk.event({"type": "app_home_opened", "user": "UBOSS", "tab": "home", "channel": "DUBOSS"})
            assert len(desk.homes()) == 1
    assert seen == []
