"""``/firstline``, answered to the one who typed it."""

from typing import Any

import pytest


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
