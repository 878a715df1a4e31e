"""Direct messages through Bolt: what is taken, what is left alone, and that nothing makes the bot stumble."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.edge.bolt import dispatch
from bot.errors import ReplyAhead
from bot.storage.tables import InboxKind, InboxRow, RowState
from bot.storage.work import Claim

MESSAGE = {
    "type": "message",
    "channel_type": "im",
    "user": "URILEY",
    "channel": "D1",
    "text": "vpn",
    "ts": "7.7",
}


@pytest.mark.parametrize(
    "change",
    [
        {"channel_type": "channel"},
        {"channel_type": "mpim"},
        {"channel_type": None},
        {"bot_id": "B1"},
        {"user": None},
        {"user": "USLACKBOT"},
        {"subtype": "message_changed", "message": {"text": "vpn!", "ts": "7.7"}},
        {"subtype": "message_deleted", "deleted_ts": "7.7"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
    ],
)
def test_what_is_no_direct_message_is_left_alone(desk: Any, change: dict[str, Any]) -> None:
    """Bots, edits, deletions and channels open no request and are answered with 200."""
    answered = desk.event(MESSAGE | change)
    assert (answered.status, answered.failure) == (200, None)
    assert desk.requests() == []
    assert desk.rows() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🎉",
        ":tada: :wave:",
        "x" * 40_000,
        "שלום, ה-VPN שלי לא עובד",
        "\u202eevitcani si npv ym",
        "nul \x00 vpn",
        "<!channel> vpn <!here> <@UBOSS> <https://evil.example|vpn>",
        "&lt;!channel&gt; vpn",
        "> quoted\n```code```\n\n\n",
        "e\u0301\u200d\u200b" * 500,
        "explode",
    ],
)
def test_odd_words_are_answered_and_never_live(desk: Any, text: str) -> None:
    """Whatever somebody writes opens one request, is answered, and mentions nobody on its way to the agent."""
    ts = desk.dm("URILEY", text)
    (request,) = desk.requests()
    assert request.thread_ts == ts
    if request.state == "new":
        assert desk.keys() == [f"ask:DURILEY:{ts}"]
        return
    if request.state == "suggested":
        desk.press("URILEY", "card:1", "Ask a person")
    desk.match()
    offer = desk.seen("offer:1")
    assert not any(
        live in offer for live in ("<!channel", "<!here", "<@UBOSS", "<https://evil", "\x00", "\u202e")
    )


def test_without_a_model_every_message_reaches_a_person(open_desk: Callable[..., Any]) -> None:
    """With no model the request goes to a person, the card says why, and an agent is offered it."""
    desk = open_desk(classifier=None)
    desk.dm("URILEY", "my vpn is down")
    assert "because there is no model to suggest answers with" in desk.seen("card:1")
    assert desk.match() == 1


def test_a_failing_model_is_no_silence(desk: Any) -> None:
    """A model that fails on a message sends it to a person."""
    desk.dm("URILEY", "explode, please")
    assert "because the model failed on this message" in desk.seen("card:1")
    assert desk.requests()[0].state == "waiting"


def test_two_suggestions_when_it_is_unsure_which(desk: Any) -> None:
    """Two suggestions have two closing buttons and a way to a person."""
    desk.dm("URILEY", "vpn password")
    assert desk.labels("card:1").count("Yes, close my request") == 2
    desk.press("URILEY", "card:1", "None of these - ask a person")
    assert desk.requests()[0].state == "waiting"


def test_the_close_label_is_a_setting(open_desk: Callable[..., Any]) -> None:
    """The wording of the button is the one set."""
    desk = open_desk(firstline_close_label="Solved!")
    desk.dm("URILEY", "vpn")
    assert desk.labels("card:1")[0] == "Solved!"


def test_a_greeting_then_the_request(desk: Any) -> None:
    """A greeting is answered with a question; the next message gets the suggestions, in its own thread."""
    first = desk.dm("URILEY", "hello!")
    assert "What can I help you with?" in desk.seen(f"ask:DURILEY:{first}")
    second = desk.dm("URILEY", "vpn is down")
    assert desk.shown("card:1")["thread_ts"] == second


def test_added_words_are_acknowledged_once(desk: Any) -> None:
    """The first reply to a suggestion is acknowledged, further ones are kept without a word."""
    ts = desk.dm("URILEY", "vpn")
    for words in ("since monday", "and wifi"):
        desk.dm("URILEY", words, thread_ts=ts)
    assert desk.keys("line:") == ["line:1:appended"]


def test_the_bot_is_silent_once_a_person_is_on_it(desk: Any) -> None:
    """A reply in the thread while an agent works on it is passed on, escaped, to their conversation; nothing else is said."""
    ts = desk.dm("URILEY", "broken screen")
    desk.match()
    agent = desk.shown("offer:1")["user_ids"][0]
    desk.press(agent, "offer:1", "Accept")
    before = len(desk.rows())
    desk.dm("URILEY", "it says <!channel> & more", thread_ts=ts)
    assert len(desk.rows()) == before + 1
    (key,) = desk.keys("forward:")
    assert desk.shown(key)["user_ids"] == ["URILEY", agent]
    assert "> it says @channel &amp; more" in desk.seen(key)


def test_a_reply_reopens(desk: Any) -> None:
    """A reply after the close is answered, and the card says that a person will come."""
    ts = desk.dm("URILEY", "vpn")
    desk.press("URILEY", "card:1", "Yes, close my request")
    desk.dm("URILEY", "not solved after all", thread_ts=ts)
    assert "reopened" in desk.seen("line:1:reopened:1")
    assert "A person will look at this" in desk.seen("card:1")


def test_a_late_reply_is_told_to_write_anew(desk: Any, clock: Any) -> None:
    """After the window a reply is answered in its thread."""
    ts = desk.dm("URILEY", "vpn")
    desk.press("URILEY", "card:1", "Yes, close my request")
    clock.forward(5 * 86400)
    late = desk.dm("URILEY", "it is back", thread_ts=ts)
    assert "write me a new message" in desk.seen(f"line:DURILEY:{late}")


def test_a_file_is_taken(desk: Any) -> None:
    """A message with a file is a message; the agent reads the file's name."""
    desk.dm("URILEY", "", subtype="file_share", files=[{"name": "error.png"}])
    desk.match()
    assert "> [attached: error.png]" in desk.seen("offer:1")


def test_a_second_delivery_says_nothing(desk: Any) -> None:
    """The same message under another delivery key changes nothing."""
    ts = desk.dm("URILEY", "vpn")
    before = len(desk.rows())
    desk.dm("URILEY", "vpn", ts=ts)
    assert len(desk.rows()) == before
    assert len(desk.requests()) == 1


def claimed(desk: Any, event: dict[str, Any], attempts: int = 1) -> tuple[Exception | None, RowState]:
    """Work ``event`` as a claimed row of the inbox; what the listener raised, and the row's state afterwards."""
    body = {"type": "event_callback", "team_id": "T0TEST", "event_id": f"Ev{event['ts']}", "event": event}
    row = InboxRow(
        delivery_key=f"k{event['ts']}",
        team_id="T0TEST",
        lane="l",
        kind=InboxKind.EVENT,
        body=body,
        state=RowState.CLAIMED,
        attempts=attempts,
        received_at=desk.deps.clock(),
        due_at=desk.deps.clock(),
        lease="mine",
    )
    with desk.deps.db.writing() as session:
        session.add(row)
    outcome = dispatch(desk.bolt, body, Claim(row.id, "mine", attempts))
    with desk.deps.db.reading() as session:
        return outcome.failure, session.get(InboxRow, row.id).state


def test_the_inbox_row_is_settled_with_what_changed(desk: Any) -> None:
    """A claimed delivery's row is done in the transaction that opened the request."""
    assert claimed(desk, MESSAGE) == (None, RowState.DONE)
    assert len(desk.requests()) == 1


def test_a_reply_ahead_of_its_parent_is_left_to_be_retried(desk: Any) -> None:
    """A reply that overtook the message it answers changes nothing and stays claimed, so that it is worked again."""
    failure, state = claimed(desk, MESSAGE | {"thread_ts": "7.0", "parent_user_id": "URILEY"})
    assert isinstance(failure, ReplyAhead)
    assert state is RowState.CLAIMED
    assert desk.requests() == []


@pytest.mark.parametrize(("max_attempts", "opens_on"), [(1, 1), (2, 2), (3, 3), (8, 4)])
def test_a_reply_whose_parent_never_comes_is_not_lost(
    open_desk: Callable[..., Any], max_attempts: int, opens_on: int
) -> None:
    """A reply waits for its parent only while an attempt is left after this one: the last opens a request itself."""
    desk = open_desk(firstline_max_attempts=max_attempts)
    for attempts in range(1, opens_on + 1):
        reply = MESSAGE | {"thread_ts": "7.0", "parent_user_id": "URILEY", "ts": f"8.{attempts}"}
        failure, _ = claimed(desk, reply, attempts)
        assert isinstance(failure, ReplyAhead) == (attempts < opens_on)
    assert len(desk.requests()) == 1


def test_what_is_said_with_slash_me_is_answered(desk: Any) -> None:
    """To its author it is a message like any other."""
    desk.dm("URILEY", "vpn is down", subtype="me_message")
    assert [request.text for request in desk.requests()] == ["vpn is down"]
    assert "This may help" in desk.seen("card:1")
