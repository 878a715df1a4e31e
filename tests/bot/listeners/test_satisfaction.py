"""How the help was, through Bolt: the question, the click, the form, and what is refused."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from bot.edge.bolt import dispatch
from bot.storage.tables import Event, SatisfactionQuestion

TEAM = "T0TEST"
CARD = "satisfaction:1"


@pytest.fixture
def resolved(desk: Any) -> Any:
    """A desk where an agent has resolved URILEY's request."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    agent = desk.shown("offer:1")["user_ids"][0]
    desk.press(agent, "offer:1", "Accept")
    desk.press(agent, "offer:1", "Resolve")
    return desk


def hand_in(desk: Any, user: str, words: Any, metadata: Any = "1") -> Any:
    """``user`` presses Save in the form; what Slack is answered at once, None when the form closes."""
    state = {"values": {"comment": {"comment": {"type": "plain_text_input", "value": words}}}}
    view = {"id": "V1", "type": "modal", "callback_id": "comment_form", "state": state}
    body = {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "view": view if metadata is None else view | {"private_metadata": metadata},
    }
    answered = dispatch(desk.bolt, body, None)
    assert (answered.failure, answered.status) == (None, 200)
    return json.loads(answered.body) if answered.body else None


def kept(desk: Any) -> tuple[str | None, str | None]:
    """The answer and the comment."""
    with desk.deps.db.reading() as session:
        question = session.scalars(select(SatisfactionQuestion)).one()
    return question.answer, question.comment


def test_asked_in_the_thread_and_thanked(resolved: Any) -> None:
    """The question stands in the request's thread; the same message then says thanks, and can be changed."""
    desk = resolved
    assert desk.shown(CARD)["thread_ts"] == desk.shown("card:1")["thread_ts"]
    assert desk.labels(CARD) == ["🙂 Good", "😐 So so", "🙁 Bad"]
    desk.press("URILEY", CARD, "🙁 Bad")
    assert "You said: *🙁 Bad*. Thank you!" in desk.seen(CARD)
    assert "Reply in this thread" in desk.seen(CARD)
    desk.press("URILEY", CARD, "🙂 Good")
    assert "You said: *🙂 Good*" in desk.seen(CARD)
    assert desk.labels(CARD) == ["😐 So so", "🙁 Bad", "Add a comment"]
    assert kept(desk) == ("good", None)
    assert "*1 good, 0 so so, 0 bad of 1 asked*" in desk.command("UBOSS", "stats")


def test_a_close_by_suggestion_asks_nothing(desk: Any) -> None:
    """Who helped themselves is left alone."""
    desk.dm("URILEY", "vpn")
    desk.press("URILEY", "card:1", "Yes, close my request")
    assert desk.keys("satisfaction") == []


@pytest.mark.parametrize("action", ["rate_help:great", "rate_help", "rate_help:", "comment_on_help"])
@pytest.mark.parametrize("value", ["1:1", "2", ""])
def test_what_no_card_holds_is_refused(resolved: Any, action: str, value: str) -> None:
    """An answer that is none, a request that is none: told privately, nothing kept."""
    resolved.press_raw("URILEY", action, value)
    assert len(resolved.private()) == 1
    assert kept(resolved) == (None, None)


def test_others_are_refused(resolved: Any) -> None:
    """The agent who helped can neither rate themselves nor read or write the comment."""
    agent = resolved.shown("offer:1")["user_ids"][0]
    for action in ("rate_help:good", "comment_on_help"):
        resolved.press_raw(agent, action, "1")
    assert "Only the person who opened" in str(hand_in(resolved, agent, "splendid"))
    assert [words.split(" can ")[0] for words in resolved.private()] == [
        "Only the person who opened this request"
    ] * 2
    assert kept(resolved) == (None, None)


def test_a_comment_through_the_form(resolved: Any) -> None:
    """Kept as plain words; the card offers to change it; administrators read it in the stats, escaped."""
    resolved.press("URILEY", CARD, "🙁 Bad")
    assert hand_in(resolved, "URILEY", " three <days> & nights ") is None
    assert kept(resolved) == ("bad", "three <days> & nights")
    assert resolved.labels(CARD)[-1] == "Change my comment"
    assert "> three &lt;days&gt; &amp; nights" in resolved.command("UBOSS", "stats")
    assert hand_in(resolved, "URILEY", None) is None
    assert kept(resolved) == ("bad", None)


@pytest.mark.parametrize("metadata", [None, "", "x", "1:1", "2", "٣", "9" * 30, 1, []])
def test_a_forged_form_is_refused_in_it(resolved: Any, metadata: Any) -> None:
    """Whatever stands in the form's metadata, nothing breaks, nothing is kept, and the log has a line."""
    resolved.press("URILEY", CARD, "🙂 Good")
    assert hand_in(resolved, "URILEY", "hm", metadata)["response_action"] == "errors"
    assert kept(resolved) == ("good", None)
    with resolved.deps.db.reading() as session:
        (refused,) = session.scalars(select(Event).where(Event.kind == "refused")).all()
    assert refused.data == {"action": "comment_form", "error": "NotAllowed"}


def test_a_form_before_any_face_is_refused(resolved: Any) -> None:
    """The button for it comes with the thanks; a form that was sent all the same says so."""
    assert "faces first" in hand_in(resolved, "URILEY", "hm")["errors"]["comment"]


def test_a_form_that_does_not_open_is_told(resolved: Any) -> None:
    """When Slack cannot be reached in time the requester reads that, instead of nothing."""
    resolved.press("URILEY", CARD, "🙂 Good")
    resolved.press("URILEY", CARD, "Add a comment")
    assert "Please try once more" in resolved.private()[-1]
