"""One request from the first message to the numbers, as its three people see it."""

from typing import Any


def test_a_suggestion_closes_a_request_and_undo_brings_it_to_a_person(desk: Any) -> None:
    """A DM is answered with a suggestion, its button closes the request, and Undo sends it to a person."""
    ts = desk.dm("URILEY", "my VPN does not connect")
    assert desk.shown("card:1")["thread_ts"] == ts
    assert desk.labels("card:1") == ["Yes, close my request", "Open the guide", "Ask a person"]
    assert "Connect to the VPN again" in desk.seen("card:1")

    desk.press("URILEY", "card:1", "Yes, close my request")
    assert "Closed with *Connect to the VPN again*" in desk.seen("card:1")
    assert desk.requests()[0].state == "closed_by_suggestion"

    desk.press("URILEY", "card:1", "Undo")
    assert desk.requests()[0].state == "waiting"
    assert "A person will look at this" in desk.seen("card:1")


def test_the_whole_way_to_an_agent(desk: Any, clock: Any) -> None:
    """Asked for, a person is offered the request, declines, the next one accepts and resolves it, and the stats count it."""
    desk.dm("URILEY", "my VPN does not connect")
    desk.press("URILEY", "card:1", "Ask a person")
    assert desk.labels("card:1") == ["Not what I asked", "It did not work", "I no longer need help"]
    desk.press("URILEY", "card:1", "It did not work")
    assert "Thank you" in desk.seen("card:1")

    assert desk.match() == 1
    assert "> my VPN does not connect" in desk.seen("offer:1")
    assert "Why you:" in desk.seen("offer:1")
    first = desk.shown("offer:1")["user_ids"][0]
    desk.press(first, "offer:1", "Decline")
    assert desk.labels("offer:1") == []

    assert desk.match() == 1
    second = desk.shown("offer:2")["user_ids"][0]
    assert {first, second} == {"UANA", "UBEN"}
    clock.forward(60)
    desk.press(second, "offer:2", "Accept")
    assert desk.labels("offer:2") == ["Resolve", "Hand back"]
    assert f"<@{second}> has taken your request" in desk.seen("line:1:accepted:2")
    assert desk.shown("group:2")["user_ids"] == ["URILEY", second]

    clock.forward(600)
    desk.press(second, "offer:2", "Resolve")
    assert "resolved" in desk.seen("card:1")
    assert "resolved" in desk.seen("group:2:resolved")
    stats = desk.command("UBOSS", "stats 7d")
    assert "*1* request" in stats
    assert "*1 (100%)* resolved by a person" in stats
    assert "somebody who took it, once a person was wanted: *60 s*" in stats
    assert "its resolution by a person: *11 min*" in stats
