"""One request from the first message to the numbers, as the three people see it."""

import pytest

from bot.services.deciding import Decider
from bot.storage.tables import Feedback, FeedbackKind, SupportRequest
from tests.scenarios.conftest import ASK_ONE, ASK_TWO, CLOSE, Desk


def test_from_the_first_message_to_the_numbers(desk: Desk) -> None:
    """Suggested, closed, undone, declined by one agent, accepted by another, resolved, and counted."""
    desk.start_bot()
    riley = desk.riley
    riley.dm("the vpn drops every few minutes")
    card = desk.sees(riley, "This may help")
    assert card.buttons == [CLOSE, ASK_ONE]

    riley.press(card, CLOSE)
    closed = desk.sees(riley, "Closed with")
    assert (closed.ts, closed.buttons) == (card.ts, ["Undo"])

    riley.press(closed, "Undo")
    desk.sees(riley, "A person will look at this")
    first, offer = desk.offer_to()
    assert "vpn drops" in offer.words
    assert "Why you" in offer.words

    first.press(offer, "Decline")
    other = next(agent for agent in desk.agents if agent.id != first.id)
    second, offer = desk.offer_to(other)
    second.press(offer, "Accept")
    desk.sees(riley, f"<@{second.id}> has taken your request")
    group = desk.slack.eventually(
        lambda: next((c for c in riley.conversations() if c["kind"] == "mpim"), None)
    )
    assert set(group["members"]) == {riley.id, second.id, desk.slack.bot_user}

    accepted = desk.sees(second, "vpn drops")
    work = desk.slack.eventually(
        lambda: next((m for m in second.from_app(second.dm_channel) if "Resolve" in m.buttons), None)
    )
    assert accepted
    second.press(work, "Resolve")
    desk.sees(riley, "marked your request as resolved")

    morgan = desk.person("U0MORGAN")
    morgan.command("/firstline", "stats all")
    stats = desk.sees(morgan, "*1* request")
    assert stats.ephemeral
    assert "Reopened: 1" in stats.words
    kinds = [row.kind for row in desk.rows(Feedback)]  # type: ignore[attr-defined]
    assert kinds == [FeedbackKind.CLOSED, FeedbackKind.UNDONE]


def test_socket_mode_goes_the_same_way(sqlite_desk: Desk) -> None:
    """Over a WebSocket: suggested, closed, and stats by command."""
    sqlite_desk.start_bot(slack_app_token=sqlite_desk.slack.app_token)
    riley = sqlite_desk.riley
    riley.dm("vpn again")
    card = sqlite_desk.sees(riley, "This may help")
    assert riley.press(card, CLOSE)["ok"]
    sqlite_desk.sees(riley, "Closed with")
    morgan = sqlite_desk.person("U0MORGAN")
    morgan.command("/firstline", "stats")
    sqlite_desk.sees(morgan, "*1* request")
    assert {delivery.via for delivery in sqlite_desk.slack.deliveries()} == {"socket"}


def test_two_suggestions_have_a_button_each(sqlite_desk: Desk) -> None:
    """When it is not sure it shows two, and the one pressed is the one counted."""
    sqlite_desk.start_bot()
    riley = sqlite_desk.riley
    riley.dm("vpn wants my password")
    card = sqlite_desk.sees(riley, "One of these may help")
    assert card.buttons == [CLOSE, CLOSE, ASK_TWO]
    riley.press(card, "close_with_suggestion:2")
    sqlite_desk.sees(riley, "Closed with")
    [feedback] = sqlite_desk.rows(Feedback)
    assert feedback.suggestion_id == 2  # type: ignore[attr-defined]


def test_a_greeting_is_answered_with_a_question(sqlite_desk: Desk) -> None:
    """ "hi" opens nothing yet; the next message completes it, and only that one is classified."""
    sqlite_desk.start_bot()
    riley = sqlite_desk.riley
    riley.dm("hi there :wave:")
    sqlite_desk.sees(riley, "What can I help you with?")
    riley.dm("my password has expired")
    sqlite_desk.sees(riley, "This may help")
    [request] = sqlite_desk.rows(SupportRequest)
    assert request.text == "my password has expired"  # type: ignore[attr-defined]


@pytest.mark.parametrize("decider", [Decider(None, "no model"), None])
def test_without_a_model_everything_reaches_a_person(sqlite_desk: Desk, decider: Decider | None) -> None:
    """With the model missing, or failing on every message, requests are offered all the same, and it says so."""
    sqlite_desk.start_bot(decider)
    riley = sqlite_desk.riley
    riley.dm("explode: my screen is blue")
    said = sqlite_desk.sees(riley, "A person will look at this, because")
    assert CLOSE not in said.buttons
    _agent, offer = sqlite_desk.offer_to()
    assert "my screen is blue" in offer.words


def test_somebody_elses_click_is_refused_privately(sqlite_desk: Desk) -> None:
    """An agent who was not asked cannot accept; nothing changes, and only they see the refusal."""
    sqlite_desk.start_bot()
    sqlite_desk.riley.dm("vpn")
    card = sqlite_desk.sees(sqlite_desk.riley, "This may help")
    sqlite_desk.riley.press(card, ASK_ONE)
    holder, offer = sqlite_desk.offer_to()
    other = next(agent for agent in sqlite_desk.agents if agent.id != holder.id)
    assert not other.from_app()
    holder.press(offer, "Accept")
    sqlite_desk.sees(sqlite_desk.riley, "has taken your request")


def test_stats_are_refused_to_others(sqlite_desk: Desk) -> None:
    """Who is no admin gets a clear, private refusal and no numbers."""
    sqlite_desk.start_bot()
    sqlite_desk.riley.command("/firstline", "stats")
    refusal = sqlite_desk.slack.eventually(lambda: next(iter(sqlite_desk.riley.from_app()), None))
    assert refusal.ephemeral
    assert "dmin" in refusal.words
    assert "requests" not in refusal.words.replace("support requests", "")


def test_home_shows_my_requests(sqlite_desk: Desk) -> None:
    """App Home lists one's own requests and nobody else's."""
    sqlite_desk.start_bot()
    sqlite_desk.riley.dm("vpn is gone")
    sqlite_desk.sam.dm("password is gone")
    sqlite_desk.sees(sqlite_desk.riley, "This may help")
    sqlite_desk.sees(sqlite_desk.sam, "This may help")
    sqlite_desk.riley.open_home()
    home = sqlite_desk.slack.eventually(lambda: sqlite_desk.riley.home)
    assert "vpn is gone" in str(home.blocks)
    assert "password is gone" not in str(home.blocks)


def test_with_nobody_on_the_request_waits_and_is_offered_when_somebody_comes(sqlite_desk: Desk) -> None:
    """Both agents away: the request waits; the first who comes back gets it."""
    sqlite_desk.start_bot()
    for agent in sqlite_desk.agents:
        agent.command("/firstline", "away")
        sqlite_desk.sees(agent, "away")
    sqlite_desk.riley.dm("the printer has feelings")
    sqlite_desk.sees(sqlite_desk.riley, "A person will look at this")
    ana = sqlite_desk.agents[0]
    ana.command("/firstline", "on")
    holder, _offer = sqlite_desk.offer_to()
    assert holder.id == ana.id


def test_an_unanswered_offer_goes_to_the_next_agent(sqlite_desk: Desk) -> None:
    """The first card is closed, and the same agent is not asked again."""
    sqlite_desk.start_bot(firstline_offer_s=1)
    sqlite_desk.riley.dm("the printer has feelings")
    first, _card = sqlite_desk.offer_to()
    other = next(agent for agent in sqlite_desk.agents if agent.id != first.id)
    sqlite_desk.offer_to(other)
    sqlite_desk.slack.eventually(lambda: not any("Accept" in m.buttons for m in first.from_app()))


def test_a_reply_after_the_close_brings_it_back(sqlite_desk: Desk) -> None:
    """A reply in the thread of a closed request reopens it to a person."""
    sqlite_desk.start_bot()
    sqlite_desk.riley.dm("vpn")
    card = sqlite_desk.sees(sqlite_desk.riley, "This may help")
    sqlite_desk.riley.press(card, CLOSE)
    sqlite_desk.sees(sqlite_desk.riley, "Closed with")
    sqlite_desk.riley.reply(card, "no, it is still gone")
    _agent, offer = sqlite_desk.offer_to()
    assert "vpn" in offer.words
