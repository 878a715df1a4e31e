"""The agent's form at the edge: who may open it, and what is answered to what was filled in."""

import json
from typing import Any

from bot.edge.bolt import Dispatched, dispatch
from bot.services import agent_profile
from bot.services.agent_profile import Profile
from bot.storage.tables import Agent

TEAM = "T0TEST"


def text(field: str, value: str | None) -> dict[str, Any]:
    """A text input's state."""
    return {field: {field: {"type": "plain_text_input", "value": value}}}


def level(category: str, name: str) -> dict[str, Any]:
    """A skill's state."""
    field = f"skill:{category}"
    return {field: {field: {"type": "static_select", "selected_option": {"value": name}}}}


def submit(desk: Any, user: str, values: dict[str, Any]) -> Dispatched:
    """``user`` presses Save."""
    body = {
        "type": "view_submission",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "view": {"id": "V1", "type": "modal", "callback_id": "agent_form", "state": {"values": values}},
    }
    answered = dispatch(desk.bolt, body, None)
    assert answered.failure is None
    assert answered.status == 200
    return answered


def profile(desk: Any, user: str) -> Profile:
    """What is kept of ``user``."""
    with desk.deps.db.reading() as session:
        return agent_profile.read_profile(session, team_id=TEAM, user_id=user, settings=desk.deps.settings)


def test_a_good_form_is_saved(desk: Any) -> None:
    """The modal closes, the profile is kept, and the agent's App Home is shown anew."""
    languages = {
        "languages": {"languages": {"type": "multi_static_select", "selected_options": [{"value": "en"}]}}
    }
    values = text("capacity", "2") | text("sites", "Utrecht") | languages | level("network_vpn", "good")
    values |= level("account_password", "none") | text("zone", None) | text("hours", None)
    assert submit(desk, "UANA", values).body == ""
    assert profile(desk, "UANA") == Profile(
        2, {"network_vpn": 0.7, "account_password": 0.0}, ("en",), ("utrecht",), None
    )
    assert [home["user_id"] for home in desk.homes()] == ["UANA"]


def test_only_categories_of_the_form_are_kept(desk: Any) -> None:
    """Made-up ones are left out; one that has lost its answer stays as long as the agent has a level for it."""
    with desk.deps.db.writing() as session:
        kept = Profile(skills={"retired": 0.4})
        now, settings = desk.deps.clock(), desk.deps.settings
        agent_profile.save_profile(
            session, now, team_id=TEAM, user_id="UANA", profile=kept, settings=settings
        )
    values = level("network_vpn", "good") | level("retired", "basic")
    for number in range(3_000):
        values |= level(f"made_up_{number}", "expert")
    assert submit(desk, "UANA", values).body == ""
    assert profile(desk, "UANA").skills == {"network_vpn": 0.7, "retired": 0.4}


def test_faults_are_shown_in_the_modal(desk: Any) -> None:
    """What cannot be taken is told at its field, and nothing is changed."""
    answered = submit(
        desk, "UANA", text("capacity", "2") | text("hours", "now and then") | text("zone", "UTC")
    )
    answer = json.loads(answered.body)
    assert answer["response_action"] == "errors"
    assert set(answer["errors"]) == {"hours"}
    assert profile(desk, "UANA") == Profile()


def test_others_cannot_send_it(desk: Any) -> None:
    """A form sent by somebody who is no agent, or no longer, is refused in the modal."""
    answer = json.loads(submit(desk, "URILEY", text("capacity", "2")).body)
    assert "Only agents" in answer["errors"]["capacity"]
    with desk.deps.db.reading() as session:
        assert session.get(Agent, (TEAM, "URILEY")) is None


def test_others_cannot_open_it(desk: Any) -> None:
    """Whoever is no agent is told so, privately, by the command and by the button."""
    assert "Only agents" in desk.command("URILEY", "me")
    desk.press_raw("UBOSS", "edit_me", "me")
    assert "Only agents" in desk.private()[-1]


def test_a_modal_that_does_not_open_is_told(desk: Any) -> None:
    """When Slack cannot be reached in time the agent reads that, instead of nothing."""
    assert "Please try once more" in desk.command("UANA", "me")
