"""Clicks through Bolt: refused privately, forged ones too, and every button leads to something."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.errors import NotAllowed, RefusedMove
from bot.ids import ActionId, EventKind
from bot.listeners.clicks import Click, answering
from bot.services.moves import record
from bot.storage.tables import Event, Feedback


def test_somebody_elses_click_is_refused_privately(desk: Any) -> None:
    """A click by anybody but the requester is answered to them alone, and recorded."""
    desk.dm("URILEY", "vpn")
    desk.press("UANA", "card:1", "Yes, close my request")
    assert desk.private() == ["Only the person who opened this request can press this button."]
    assert desk.requests()[0].state == "suggested"
    with desk.deps.db.reading() as session:
        refused = session.scalars(select(Event).where(Event.kind == EventKind.REFUSED)).one()
    assert (refused.actor_id, refused.data) == (
        "UANA",
        {"action": "close_with_suggestion", "error": "NotAllowed", "target": "1:1"},
    )


def test_a_click_on_an_old_card_is_told_what_happened(desk: Any) -> None:
    """A button that came too late changes nothing and says where the request stands."""
    desk.dm("URILEY", "vpn")
    old = desk.buttons("card:1")[0]
    desk.press("URILEY", "card:1", "Ask a person")
    desk.press_raw("URILEY", old["action_id"], old["value"])
    assert desk.private() == ["This request is already waiting for a person."]


@pytest.mark.parametrize("action", list(ActionId))
@pytest.mark.parametrize("value", ["", "x", "1:2:3", "-1", "999:999", "٣", "1" * 40, "999", "999:1"])
def test_forged_values_are_refused(desk: Any, action: ActionId, value: str) -> None:
    """Whatever stands in a button's value, nothing breaks and nothing happens."""
    desk.dm("URILEY", "vpn")
    suffix = "did_not_work" if action is ActionId.ESCALATION_REASON else "1"
    desk.press_raw("URILEY", f"{action}:{suffix}", value)
    assert desk.requests()[0].state == "suggested"
    with desk.deps.db.reading() as session:
        assert session.scalars(select(Feedback)).all() == []
    assert len(desk.private()) == (0 if action is ActionId.OPEN_LINK else 1)


def test_an_unknown_reason_is_refused(desk: Any) -> None:
    """Only the two reasons on the card can be given."""
    desk.dm("URILEY", "vpn")
    desk.press_raw("URILEY", "escalation_reason:undone", "1")
    assert desk.private() == ["This button is too old or damaged to be understood."]


def test_a_reason_is_thanked_for_only_while_it_is_asked(desk: Any) -> None:
    """A reason given after an agent has accepted does not put the old card back."""
    desk.dm("URILEY", "vpn")
    desk.press("URILEY", "card:1", "Ask a person")
    reason = desk.buttons("card:1")[0]
    desk.match()
    desk.press(desk.shown("offer:1")["user_ids"][0], "offer:1", "Accept")
    desk.press_raw("URILEY", reason["action_id"], reason["value"])
    assert "has taken your request" in desk.seen("card:1")


def test_withdrawing_tells_the_agent(desk: Any) -> None:
    """When the requester no longer needs help, the agent's card and their conversation say so."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    agent = desk.shown("offer:1")["user_ids"][0]
    desk.press(agent, "offer:1", "Accept")
    desk.press("URILEY", "card:1", "I no longer need help")
    assert "no longer needs help" in desk.seen("offer:1")
    assert "no longer needs help" in desk.seen("group:withdrawn:1")
    assert desk.labels("offer:1") == desk.labels("card:1") == []


def test_withdrawing_before_anybody_came_is_quiet(desk: Any) -> None:
    """Without an agent at work there is no conversation to tell."""
    desk.dm("URILEY", "broken screen")
    desk.press("URILEY", "card:1", "I no longer need help")
    assert desk.keys("group:") == []
    assert desk.match() == 0


def test_handing_back(desk: Any) -> None:
    """After a hand-back the requester knows that another will come, and the other agent is offered it."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    first = desk.shown("offer:1")["user_ids"][0]
    desk.press(first, "offer:1", "Accept")
    desk.press(first, "offer:1", "Hand back")
    assert "another person will look at it" in desk.seen("line:1:handed_back:1")
    desk.match()
    assert desk.shown("offer:2")["user_ids"] != [first]


@pytest.mark.parametrize("channel", ["C0AGENTS", None])
def test_what_nobody_can_be_offered_can_be_taken(open_desk: Any, channel: str | None) -> None:
    """When all have declined, the fallback channel (or the administrators) is told once, and one press takes it."""
    desk = open_desk(firstline_agent_channel=channel)
    desk.dm("URILEY", "broken screen")
    for number in (1, 2):
        desk.match()
        desk.press(desk.shown(f"offer:{number}")["user_ids"][0], f"offer:{number}", "Decline")
    for _ in range(3):
        desk.match()
    (key,) = desk.keys("nobody:")
    told = desk.shown(key)
    assert (told["channel_id"], told["user_ids"]) == (channel, [] if channel else ["UBOSS"])
    (line,) = desk.keys("line:1:nobody:")
    assert "Nobody is free" in desk.seen(line)

    desk.press("USOMEBODY", key, "I'll take it")
    assert desk.private() == ["Only agents and administrators can take requests."]
    desk.press("UBOSS", key, "I'll take it")
    assert "<@UBOSS> took a request of <@URILEY>" in desk.seen(key)
    assert desk.labels("offer:3") == ["Resolve", "Hand back"]
    assert desk.shown("offer:3")["user_ids"] == ["UBOSS"]
    desk.press("UBOSS", "offer:3", "Resolve")
    assert desk.requests()[0].state == "resolved"


def test_what_is_handed_back_reaches_the_fallback_again(desk: Any) -> None:
    """With every agent away, a request that an administrator took and handed back can be taken again."""
    for agent in ("UANA", "UBEN"):
        desk.command(agent, "away")
    desk.dm("URILEY", "broken screen")
    desk.match()
    (first,) = desk.keys("nobody:")
    desk.press("UBOSS", first, "I'll take it")
    desk.press("UBOSS", "offer:1", "Hand back")
    desk.match()
    (_, second) = desk.keys("nobody:")
    assert len(desk.keys("line:1:nobody:")) == 2
    desk.press("UBOSS", second, "I'll take it")
    assert desk.requests()[0].state == "in_progress"
    assert desk.labels(first) == desk.labels(second) == []


@pytest.mark.parametrize("ending", ["accepted", "withdrawn", "withdrawn in work"])
def test_the_fallbacks_card_ends_with_the_need(open_desk: Any, ending: str) -> None:
    """Nobody can take from the fallback's card what an agent has accepted or its requester has withdrawn."""
    desk = open_desk(firstline_agents=("UANA",), firstline_agent_channel="C0AGENTS")
    desk.command("UANA", "away")
    desk.dm("URILEY", "broken screen")
    desk.match()
    (key,) = desk.keys("nobody:")
    assert desk.labels(key) == ["I'll take it"]
    if ending != "withdrawn":
        desk.command("UANA", "on")
        desk.match()
        desk.press("UANA", "offer:1", "Accept")
        assert "<@UANA> took a request of <@URILEY>" in desk.seen(key)
    if ending != "accepted":
        desk.press("URILEY", "card:1", "I no longer need help")
        assert "<@URILEY> no longer needs help" in desk.seen(key)
    assert desk.labels(key) == []


def test_nobody_is_told_of_an_end_who_never_heard_of_it(desk: Any) -> None:
    """An ordinary request leaves the fallback alone."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    desk.press(desk.shown("offer:1")["user_ids"][0], "offer:1", "Accept")
    assert not any((row.message_key or "").startswith("nobody:") for row in desk.rows())


def test_without_anybody_to_tell_the_requester_hears_the_truth(open_desk: Any) -> None:
    """With neither agents, a channel nor administrators the requester is not told that somebody knows."""
    desk = open_desk(firstline_agents=(), firstline_admins=())
    desk.dm("URILEY", "broken screen")
    desk.match()
    assert desk.keys("nobody:") == []
    (line,) = desk.keys("line:1:nobody:")
    assert "Nobody is set up to take this yet" in desk.seen(line)


@pytest.mark.parametrize(
    ("act", "words"), [("away", "Everybody who could take this is away"), ("Decline", "nobody has taken")]
)
def test_agents_who_cannot_are_not_called_missing(open_desk: Any, act: str, words: str) -> None:
    """Without a fallback the requester hears why nobody comes: all are away, or all were asked."""
    desk = open_desk(firstline_agents=("UANA",), firstline_admins=())
    if act == "away":
        desk.command("UANA", act)
    desk.dm("URILEY", "broken screen")
    desk.match()
    if act != "away":
        desk.press("UANA", "offer:1", act)
        desk.match()
    (line,) = desk.keys("line:1:nobody:")
    assert words in desk.seen(line)
    assert "set up" not in desk.seen(line)


def test_a_refusal_leaves_nothing_half_done(desk: Any, clock: Any) -> None:
    """What a service wrote before it refused is undone; the refusal itself is kept and told."""
    click = Click(
        "T0TEST", "URILEY", "close_with_suggestion", "", "1:1", "https://hooks.slack.com/x", "v1", None
    )
    with answering(desk.deps, click) as session:
        record(session, clock(), "T0TEST", EventKind.OPENED)
        raise RefusedMove("no")
    with desk.deps.db.reading() as session:
        assert [event.kind for event in session.scalars(select(Event))] == ["refused"]
    assert desk.private() == ["no"]


def test_a_click_in_app_home_is_refused_in_a_direct_message(desk: Any) -> None:
    """Where Slack gives no response_url, the refusal comes as a direct message, once for each click."""
    click = Click("T0TEST", "URILEY", "accept_offer", "", "1", None, "v1", None)
    for _ in range(2):
        with answering(desk.deps, click):
            raise NotAllowed("not you")
    assert desk.keys("refused:") == ["refused:v1"]
    assert desk.shown("refused:v1")["user_ids"] == ["URILEY"]
