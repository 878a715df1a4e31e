"""``/firstline next`` and ``/firstline why`` as they are typed and answered."""

from typing import Any

import pytest

from bot.listeners.routing_commands import read_question
from bot.services.why import Question


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ("", Question()),
        ("17", Question(17)),
        ("#17 <@u0ben|ben>", Question(17, None, "U0BEN")),
        ("<@u0ben>", Question(None, None, "U0BEN")),
        (
            "<https://x.slack.com/archives/d0riley/p1772442000123456?thread_ts=1.2&cid=d0> u0ben",
            Question(None, ("D0RILEY", "1772442000.123456"), "U0BEN"),
        ),
        ("https://x.slack.com/archives/C1/p1772442000123456", Question(None, ("C1", "1772442000.123456"))),
        ("because", None),
        ("17 18", None),
        ("9" * 40, None),
        ("<!channel>", None),
    ],
)
def test_questions_are_read(written: str, question: Question | None) -> None:
    """A number or a link, a person, both or neither; anything else is no question."""
    assert read_question(written) == question


def test_next_gives_work(desk: Any) -> None:
    """The agent reads what they got, has its card, and is brought together with the requester."""
    desk.dm("URILEY", "my broken screen")
    assert "Request 1 of <@URILEY> is yours" in desk.command("UANA", "next")
    assert desk.labels("offer:1") == ["Resolve", "Hand back"]
    assert desk.keys("group:") == ["group:1"]
    assert "Nothing waits" in desk.command("UANA", "next")
    assert "Only agents" in desk.command("URILEY", "next")


def test_why_is_told_to_those_who_may_know(desk: Any) -> None:
    """Agents read their own offers without names; administrators everything; others are refused privately."""
    desk.dm("URILEY", "my broken screen")
    desk.match()
    agent = desk.shown("offer:1")["user_ids"][0]
    other = "UBEN" if agent == "UANA" else "UANA"
    own = desk.command(agent, "why")
    assert "Request 1" in own
    assert f"<@{other}>" not in own
    full = desk.command("UBOSS", f"why 1 <@{other}|somebody>")
    assert f"<@{agent}>" in full
    assert f"Why not <@{other}>?" in full
    assert "Only agents and administrators" in desk.command("URILEY", "why")
    assert "Only administrators" in desk.command(other, "why 1")
    assert "Ask about a request" in desk.command("UBOSS", "why not?")
    assert "request 1" in desk.seen("offer:1")


def test_a_person_says_where_they_sit(desk: Any) -> None:
    """Everybody may; they read what is known and what can be said, and nobody else does."""
    assert "You have not said where you sit" in desk.command("URILEY", "site")
    answer = desk.command("URILEY", "site R&amp;D  <!channel>")
    assert "*r&amp;d @channel*" in answer
    assert "no agent has said" in answer
    assert "You have not said" in desk.command("URILEY", "site none")
