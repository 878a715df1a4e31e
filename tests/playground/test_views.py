"""Modals and the App Home."""

import pytest
from slack_sdk.errors import SlackApiError

from playground.errors import ControlError


@pytest.fixture
def opened(slack, app, client, modal):
    """Opens a modal for Riley and returns it."""

    def open_one(**extra):
        slack.person("U0RILEY").command("/form")
        client.views_open(trigger_id=app.requests[-1].payload["trigger_id"], view=modal(**extra))
        return slack.person("U0RILEY").modals[-1]

    return open_one


def test_a_submission_carries_what_was_entered(slack, app, opened):
    """view_submission holds the values in Slack's shape, and an empty answer closes the modal."""
    view = opened(private_metadata="req-7")
    answer = slack.person("U0RILEY").submit(view, {"why": {"words": "because"}})
    assert (answer["ok"], answer["result"], answer["stack"]) == (True, "closed", [])
    payload = app.of("view_submission")[0].payload
    assert payload["view"]["state"]["values"]["why"]["words"] == {
        "type": "plain_text_input",
        "value": "because",
    }
    assert (payload["view"]["private_metadata"], payload["view"]["callback_id"]) == ("req-7", "form")
    assert slack.person("U0RILEY").modals == []


def test_a_required_field_is_refused_by_slack_itself(slack, app, opened):
    """An empty required input never reaches the app."""
    answer = slack.person("U0RILEY").submit(opened(), {})
    assert answer["errors"] == {"why": "Please complete this required field."}
    assert app.of("view_submission") == []


@pytest.mark.parametrize(
    ("element", "value", "is_fine"),
    [
        ({"type": "plain_text_input", "min_length": 3}, "ab", False),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", False),
        ({"type": "number_input", "is_decimal_allowed": False, "max_value": "10"}, "11", False),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", False),
        ({"type": "number_input", "is_decimal_allowed": False}, "nan", False),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "1"}, "1.5", True),
        ({"type": "email_text_input"}, "not mail", False),
        ({"type": "email_text_input"}, "a@example.com", True),
        ({"type": "url_text_input"}, "example.com", False),
        ({"type": "multi_users_select"}, ["U0ANA"], True),
        ({"type": "datepicker"}, "2025-03-03", True),
    ],
)
def test_forms_check_what_slacks_client_checks(slack, opened, element, value, is_fine):
    """Lengths, numbers, mail addresses and URLs are checked before the app is asked."""
    block = {"type": "input", "block_id": "b", "label": {"type": "plain_text", "text": "L"}}
    view = opened(blocks=[{**block, "element": {**element, "action_id": "a"}}])
    assert slack.person("U0RILEY").submit(view, {"b": {"a": value}})["ok"] is is_fine


def test_an_app_answers_a_submission_with_errors(slack, app, opened):
    """response_action errors keeps the modal open and shows the sentence at its block."""
    view = opened()
    app.answer = lambda received: (200, {}, {"response_action": "errors", "errors": {"why": "Say more"}})
    answer = slack.person("U0RILEY").submit(view, {"why": {"words": "x"}})
    assert answer == {"ok": False, "error": "invalid", "errors": {"why": "Say more"}}
    assert slack.person("U0RILEY").modals[0].id == view.id


def test_an_app_answers_a_submission_with_another_view(slack, app, opened, modal):
    """update replaces the view, push lays one on top, clear takes all away."""
    riley = slack.person("U0RILEY")
    view = opened()
    app.answer = lambda received: (200, {}, {"response_action": "update", "view": modal("Second")})
    assert riley.submit(view, {"why": {"words": "x"}})["result"] == "updated"
    assert [v.title["text"] for v in riley.modals] == ["Second"]
    app.answer = lambda received: (200, {}, {"response_action": "push", "view": modal("Third")})
    assert riley.submit(riley.modals[0], {"why": {"words": "x"}})["result"] == "pushed"
    assert [v.title["text"] for v in riley.modals] == ["Second", "Third"]
    assert riley.modals[1].previous_id == riley.modals[0].id
    app.answer = lambda received: (200, {}, {"response_action": "clear"})
    assert riley.submit(riley.modals[1], {"why": {"words": "x"}})["result"] == "cleared"
    assert riley.modals == []


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "errors", "errors": {"elsewhere": "no"}},
        {"response_action": "dance"},
    ],
)
def test_a_senseless_answer_is_trouble(slack, app, opened, answer):
    """An answer that Slack cannot follow leaves the modal open with its usual words."""
    view = opened()
    app.answer = lambda received: (200, {}, answer)
    result = slack.person("U0RILEY").submit(view, {"why": {"words": "x"}})
    assert (result["error"], result["shown"]) == (
        "invalid_response",
        "We had some trouble connecting. Try again?",
    )
    assert slack.person("U0RILEY").modals


def test_three_views_are_a_full_stack(slack, app, client, opened, modal, button):
    """A fourth modal on the stack is refused with push_limit_reached."""
    riley = slack.person("U0RILEY")
    view = modal(blocks=[*modal()["blocks"], button()])
    opened(blocks=view["blocks"])
    for expected in (None, None, "push_limit_reached"):
        riley.press(riley.modals[-1], "Go")
        push = {"trigger_id": app.requests[-1].payload["trigger_id"], "view": view}
        if expected is None:
            client.views_push(**push)
        else:
            with pytest.raises(SlackApiError, match=expected):
                client.views_push(**push)
    assert len(riley.modals) == 3


def test_only_a_modal_gives_the_right_to_push(slack, app, client, opened, modal, button):
    """A trigger from a command, or from a modal that was closed, lays no view on the stack."""
    riley = slack.person("U0RILEY")
    opened()
    riley.command("/more")
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        client.views_push(trigger_id=app.requests[-1].payload["trigger_id"], view=modal())
    assert len(riley.modals) == 1
    view = opened(blocks=[button()])
    riley.press(view, "Go")
    trigger_id = app.requests[-1].payload["trigger_id"]
    riley.close(view)
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        client.views_push(trigger_id=trigger_id, view=modal())
    assert riley.modals == []


def test_an_update_keeps_what_was_entered(slack, app, client, opened, modal, button):
    """Inputs with the same block_id and action_id keep their value; an old hash is hash_conflict."""
    view = opened(blocks=[*modal()["blocks"], button()])
    riley = slack.person("U0RILEY")
    riley.press(view, "Go", values={"why": {"words": "typed"}})
    assert app.of("block_actions")[0].payload["view"]["state"]["values"]["why"]["words"]["value"] == "typed"
    updated = client.views_update(view_id=view.id, view=modal("New"), hash=view.hash)["view"]
    assert updated["state"]["values"]["why"]["words"]["value"] == "typed"
    assert updated["id"] == view.id
    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_update(view_id=view.id, view=modal("Newer"), hash=view.hash)


def test_external_ids_are_unique_and_found(client, opened, modal, app, slack):
    """A view can be updated by its external_id, which no second open view may have."""
    opened(external_id="one")
    assert client.views_update(external_id="one", view=modal("By name"))["view"]["title"]["text"] == "By name"
    opened(external_id="two")
    slack.person("U0ANA").command("/form")
    with pytest.raises(SlackApiError, match="duplicate_external_id"):
        client.views_open(trigger_id=app.requests[-1].payload["trigger_id"], view=modal(external_id="two"))


def test_closing_is_told_when_asked_for(slack, app, opened):
    """view_closed is sent only for views with notify_on_close."""
    riley = slack.person("U0RILEY")
    riley.close(opened())
    assert app.of("view_closed") == []
    riley.close(opened(notify_on_close=True), everything=True)
    assert app.of("view_closed")[0].payload["is_cleared"] is True
    assert riley.modals == []


def test_a_modal_is_its_persons_own(slack, opened):
    """Nobody else can submit or press in a person's modal."""
    view = opened()
    with pytest.raises(ControlError, match="no open view"):
        slack.person("U0ANA").submit(view, {"why": {"words": "x"}})


def test_the_home_is_published_and_pressed(slack, app, client, button):
    """Opening the home tells the app; what it publishes is shown, and its buttons carry the view."""
    riley = slack.person("U0RILEY")
    riley.open_home()
    event = slack.eventually(lambda: app.of("app_home_opened"))[0].event
    assert (event["user"], event["tab"], event["channel"]) == ("U0RILEY", "home", "D0RILEY")
    assert "view" not in event
    client.views_publish(user_id="U0RILEY", view={"type": "home", "blocks": [button()]})
    riley.press(riley.home, "Go")
    payload = app.of("block_actions")[0].payload
    assert (payload["view"]["type"], payload["container"]["type"]) == ("home", "view")
    assert "response_url" not in payload
    client.views_publish(user_id="U0RILEY", view={"type": "home", "blocks": [{"type": "divider"}]})
    riley.open_home()
    slack.eventually(lambda: len(app.of("app_home_opened")) == 2)
    assert app.of("app_home_opened")[1].event["view"]["blocks"][0]["type"] == "divider"
    assert slack.person("U0SAM").home is None
