"""App Home is published when somebody opens it."""

from typing import Any


def opened(user: str, tab: str = "home") -> dict[str, Any]:
    """The event."""
    return {"type": "app_home_opened", "user": user, "tab": tab, "channel": f"D{user}"}


def test_each_person_sees_their_own(desk: Any) -> None:
    """A requester sees their request, an agent a desk, an administrator the health."""
    desk.dm("URILEY", "vpn & <more>")
    for user in ("URILEY", "UANA", "UBOSS"):
        assert desk.event(opened(user)).failure is None
    homes = {home["user_id"]: str(home["view"]) for home in desk.homes()}
    assert "vpn &amp; &lt;more&gt;" in str(homes["URILEY"])
    assert "My desk" not in homes["URILEY"]
    assert "My desk" in homes["UANA"]
    assert "Health" not in homes["UANA"]
    assert "Health" in homes["UBOSS"]
    assert "vpn" not in homes["UANA"]


def test_the_messages_tab_publishes_nothing(desk: Any) -> None:
    """Opening the messages tab is no reason to publish."""
    desk.event(opened("URILEY", "messages"))
    assert desk.homes() == []


def test_opening_twice_publishes_twice(desk: Any) -> None:
    """Each opening shows the state of that moment."""
    for _ in range(2):
        desk.event(opened("URILEY"))
    assert len(desk.homes()) == 2
