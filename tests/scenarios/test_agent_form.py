"""An agent says what they do and when, through Slack's own form, and is offered what fits."""

from typing import Any

from tests.scenarios.conftest import Desk


def open_form(desk: Desk, ana: Any) -> Any:
    """The form, opened by the command."""
    assert ana.command("/firstline", "me") == {"ok": True}
    (modal,) = ana.modals
    return modal


def test_the_form_by_command_and_by_button(sqlite_desk: Desk) -> None:
    """Faults stay in the modal, what is right is kept and shown again, and the next offer obeys it."""
    desk = sqlite_desk
    desk.start_bot()
    ana, ben = desk.agents
    modal = open_form(desk, ana)
    wrong = ana.submit(modal, {"zone": {"zone": "Mars/Base"}, "hours": {"hours": "Mon-Sun 0:00-24:00"}})
    assert "No such time zone" in wrong["errors"]["zone"]
    taken = ana.submit(modal, {"zone": {"zone": "UTC"}, "capacity": {"capacity": "1"}})
    assert taken["ok"]
    assert ana.modals == []

    home = desk.slack.eventually(lambda: ana.home)
    assert "0 of 1 places" in str(home.blocks)
    ana.press(home, "edit_me")
    (again,) = ana.modals
    shown = {block["block_id"]: block.get("element", {}) for block in again.blocks}
    assert shown["zone"]["initial_value"] == "UTC"
    assert shown["hours"]["initial_value"] == "Mon-Sun 0:00-24:00"
    assert shown["capacity"]["initial_value"] == "1"

    ben.command("/firstline", "away")
    for person in (desk.riley, desk.sam):
        person.dm("my screen is broken")
    desk.offer_to(ana)
    desk.slack.eventually(lambda: len(desk.cards(desk.riley)) + len(desk.cards(desk.sam)) == 2)
    assert sum("Accept" in message.buttons for message in ana.from_app()) == 1


def test_requesters_have_no_form(sqlite_desk: Desk) -> None:
    """Somebody else who types the command reads why not, and sees no form."""
    desk = sqlite_desk
    desk.start_bot()
    desk.riley.command("/firstline", "me")
    desk.sees(desk.riley, "Only agents have this form")
    assert desk.riley.modals == []
