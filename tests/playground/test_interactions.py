"""Buttons, selects, commands, triggers and response_urls."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from playground.errors import ControlError
from playground.manifest import AppManifest, SlashCommand
from playground.testing import DeliveryTiming, PlaygroundServer


@pytest.fixture
def pressed(slack, app, client, button):
    """A button that Riley pressed, as the app heard of it."""
    client.chat_postMessage(channel="D0RILEY", text="choose", blocks=[button()])
    riley = slack.person("U0RILEY")
    assert riley.press(riley.messages()[0], "Go") == {"ok": True}
    return app.of("block_actions")[0].payload


def test_a_press_arrives_in_slacks_shape(slack, pressed):
    """A pressed button names person, place, message and element, with a trigger and a response_url."""
    [message] = slack.person("U0RILEY").messages()
    assert pressed["user"]["id"] == "U0RILEY"
    assert pressed["channel"] == {"id": "D0RILEY", "name": "directmessage"}
    assert pressed["container"] == {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": "D0RILEY",
        "is_ephemeral": False,
    }
    assert pressed["message"]["ts"] == message.ts
    [action] = pressed["actions"]
    assert (action["type"], action["action_id"], action["block_id"], action["value"]) == (
        "button",
        "go",
        "block-go",
        "v1",
    )
    assert pressed["response_url"].startswith(slack.url)


def test_a_choice_stays_in_the_messages_state(slack, app, client, button):
    """A select sends its option, and later presses on the message carry it in state.values."""
    options = [{"text": {"type": "plain_text", "text": name}, "value": name} for name in ("a", "b")]
    select = {"type": "static_select", "action_id": "pick", "options": options}
    blocks = [{"type": "actions", "block_id": "choice", "elements": [select]}, button()]
    client.chat_postMessage(channel="D0RILEY", text="choose", blocks=blocks)
    riley = slack.person("U0RILEY")
    riley.press(riley.messages()[0], "pick", "b")
    riley.press(riley.messages()[0], "Go")
    chosen, gone = (r.payload for r in app.of("block_actions"))
    assert chosen["actions"][0]["selected_option"]["value"] == "b"
    assert gone["state"]["values"]["choice"]["pick"]["selected_option"]["value"] == "b"
    assert riley.messages()[0].row["state"]["choice"]["pick"]["selected_option"]["value"] == "b"


def test_what_is_not_shown_cannot_be_pressed(slack, client, button):
    """Elements, options and messages that a person does not see are refused before the app is asked."""
    client.chat_postMessage(channel="D0RILEY", text="choose", blocks=[button()])
    [message] = slack.person("U0RILEY").messages()
    with pytest.raises(ControlError, match="no element"):
        slack.person("U0RILEY").press(message, "other")
    with pytest.raises(ControlError, match="no conversation"):
        slack.person("U0SAM").press(message, "Go")


def test_an_app_that_does_not_answer_a_press_is_shown_as_trouble(app, button):
    """A slow or failing app is a warning at the button, and the press is not sent again."""
    timing = DeliveryTiming(ack_timeout_s=0.1, retry_delays_s=(0.05,))
    with PlaygroundServer(timing=timing) as slack:
        slack.set_request_url(app.url)
        slack.look(lambda p: p.post(p.workspace.channels["D0RILEY"], "U0BOT", "x", blocks=[button()]))
        riley = slack.person("U0RILEY")
        app.answer = lambda received: (time.sleep(0.3), (200, {}, ""))[1]
        assert riley.press(riley.messages()[0], "Go")["error"] == "operation_timeout"
        app.answer = lambda received: (500, {}, "")
        assert riley.press(riley.messages()[0], "Go")["error"] == "dispatch_failed"
        time.sleep(0.2)
        assert len(app.of("block_actions")) == 2


def test_a_trigger_opens_one_modal(pressed, slack, client, modal):
    """A trigger works once; the second use is exchanged_trigger_id."""
    client.views_open(trigger_id=pressed["trigger_id"], view=modal())
    assert slack.person("U0RILEY").modals[0].callback_id == "form"
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        client.views_open(trigger_id=pressed["trigger_id"], view=modal())


def test_a_refused_view_leaves_the_trigger(pressed, slack, client, modal):
    """A modal that Slack does not take does not use the trigger up."""
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.views_open(trigger_id=pressed["trigger_id"], view=modal(title="x" * 25))
    client.views_open(trigger_id=pressed["trigger_id"], view=modal())


@pytest.fixture
def moving(app, button):
    """A playground whose clock the test moves, and the time it stands at in a list."""
    now = [datetime(2025, 3, 3, 9, 0, tzinfo=UTC)]
    with PlaygroundServer(clock=lambda: now[0]) as slack:
        slack.set_request_url(app.url)
        slack.look(lambda p: p.post(p.workspace.channels["D0RILEY"], "U0BOT", "x", blocks=[button()]))
        riley = slack.person("U0RILEY")
        riley.press(riley.messages()[0], "Go")
        yield slack, now


def test_a_trigger_lives_three_seconds(moving, app, modal):
    """At three seconds a trigger is still good, after that it is expired_trigger_id."""
    from slack_sdk import WebClient

    slack, now = moving
    client = WebClient(slack.bot_token, base_url=slack.api_url)
    riley = slack.person("U0RILEY")
    now[0] += timedelta(seconds=3)
    client.views_open(trigger_id=app.of("block_actions")[0].payload["trigger_id"], view=modal())
    riley.press(riley.messages()[0], "Go")
    now[0] += timedelta(seconds=3, milliseconds=1)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        client.views_open(trigger_id=app.of("block_actions")[1].payload["trigger_id"], view=modal())


def test_a_response_url_lives_thirty_minutes(moving, app):
    """After thirty minutes a response_url is gone."""
    _, now = moving
    webhook = WebhookClient(app.of("block_actions")[0].payload["response_url"])
    now[0] += timedelta(minutes=30)
    assert webhook.send(text="still here").status_code == 200
    now[0] += timedelta(seconds=1)
    assert webhook.send(text="too late").status_code == 404


def test_a_response_url_works_five_times(pressed, slack):
    """Five answers go through, the sixth is refused."""
    webhook = WebhookClient(pressed["response_url"])
    assert [webhook.send(text=str(n)).status_code for n in range(6)] == [200] * 5 + [404]
    assert [m.text for m in slack.person("U0RILEY").from_app()][1:] == ["0", "1", "2", "3", "4"]


def test_a_response_goes_to_a_thread_that_is_there(pressed, slack):
    """thread_ts is checked as in chat.postMessage: the parent's is taken, anything else refused."""
    webhook = WebhookClient(pressed["response_url"])
    for made_up in ("1700000000.000001", "nonsense", ["x"]):
        assert webhook.send_dict({"text": "x", "thread_ts": made_up}).status_code == 400
    said = pressed["message"]["ts"]
    assert webhook.send_dict({"text": "here", "thread_ts": said}).status_code == 200
    assert [m.thread_ts for m in slack.person("U0RILEY").messages() if m.text == "here"] == [said]


def test_a_response_replaces_or_deletes_its_message(pressed, slack):
    """replace_original edits the message that was pressed, delete_original takes it away."""
    webhook = WebhookClient(pressed["response_url"])
    webhook.send(text="chosen", replace_original=True, blocks=[])
    assert [m.text for m in slack.person("U0RILEY").messages()] == ["chosen"]
    webhook.send(delete_original=True)
    assert slack.person("U0RILEY").messages() == []


def test_responses_are_ephemeral_unless_said_otherwise(slack, app, client, button):
    """In a channel a response is for the one who pressed, with in_channel for all; bad blocks are refused."""
    client.chat_postMessage(channel="C0HELP", text="who?", blocks=[button()])
    ana, ben = slack.person("U0ANA"), slack.person("U0BEN")
    ana.press(ana.messages("C0HELP")[0], "Go")
    webhook = WebhookClient(app.of("block_actions")[0].payload["response_url"])
    webhook.send(text="only you")
    webhook.send(text="everybody", response_type="in_channel")
    assert webhook.send(text="x", blocks=[{"type": "section"}]).status_code == 400
    assert [m.text for m in ana.messages("C0HELP")] == ["who?", "only you", "everybody"]
    assert [m.text for m in ben.messages("C0HELP")] == ["who?", "everybody"]


def test_ephemeral_messages_are_for_their_addressee(slack, app, client, button):
    """Nobody else sees or presses an ephemeral message; it is not in the history; its press carries no message."""
    client.chat_postEphemeral(channel="C0HELP", user="U0ANA", text="psst", blocks=[button()])
    ana, ben = slack.person("U0ANA"), slack.person("U0BEN")
    [secret] = ana.messages("C0HELP")
    assert secret.ephemeral
    assert ben.messages("C0HELP") == []
    assert client.conversations_history(channel="C0HELP")["messages"] == []
    with pytest.raises(ControlError, match="sees no message"):
        ben.press(secret, "Go")
    with pytest.raises(SlackApiError, match="message_not_found"):
        client.chat_update(channel="C0HELP", ts=secret.ts, text="louder")
    ana.press(secret, "Go")
    payload = app.of("block_actions")[0].payload
    assert payload["container"]["is_ephemeral"]
    assert "message" not in payload
    WebhookClient(payload["response_url"]).send(text="replaced", replace_original=True)
    assert [m.text for m in ana.messages("C0HELP")] == ["replaced"]
    assert ben.messages("C0HELP") == []


def test_a_command_arrives_as_a_form(slack, app):
    """A slash command carries person, place and text, and its JSON answer appears for that person only."""
    app.answer = lambda received: (200, {}, {"text": "7 requests"})
    assert slack.person("U0ANA").command("/firstline", "stats 7d", channel="C0HELP") == {"ok": True}
    fields = app.requests[0].payload
    assert (fields["command"], fields["text"], fields["user_id"]) == ("/firstline", "stats 7d", "U0ANA")
    assert (fields["channel_id"], fields["channel_name"]) == ("C0HELP", "it-help")
    [answer] = slack.person("U0ANA").messages("C0HELP")
    assert (answer.text, answer.ephemeral) == ("7 requests", True)
    assert slack.person("U0BEN").messages("C0HELP") == []


def test_a_command_answers_in_text_in_channel_or_not_at_all(slack, app):
    """Plain text is ephemeral, in_channel is for all, an empty body shows nothing."""
    for answer in ("just words", {"response_type": "in_channel", "text": "for all"}, ""):
        app.answer = lambda received, answer=answer: (200, {}, answer)
        slack.person("U0ANA").command("/go", channel="C0HELP")
    assert [m.text for m in slack.person("U0ANA").messages("C0HELP")] == ["just words", "for all"]
    assert [m.text for m in slack.person("U0BEN").messages("C0HELP")] == ["for all"]


def test_a_failing_command_says_so_to_the_person(app):
    """A command without an answer in time shows operation_timeout, as Slack words it."""
    with PlaygroundServer(timing=DeliveryTiming(ack_timeout_s=0.1, retry_delays_s=(0.05,))) as slack:
        slack.set_request_url(app.url)
        app.answer = lambda received: (time.sleep(0.3), (200, {}, ""))[1]
        riley = slack.person("U0RILEY")
        riley.command("/go")
        time.sleep(0.2)
        assert [m.text for m in riley.messages()] == ['/go failed with the error "operation_timeout"']
        assert len(app.requests) == 1


def test_only_declared_commands_exist(app):
    """With a manifest other commands are no commands; should_escape turns names into mentions."""
    manifest = AppManifest(commands=(SlashCommand("/ask", should_escape=True), SlashCommand("/raw")))
    with PlaygroundServer(manifest=manifest) as slack:
        slack.set_request_url(app.url)
        riley = slack.person("U0RILEY")
        assert riley.command("/other")["error"] == "unknown_command"
        riley.command("/ask", "@Ana Souza <3")
        riley.command("/raw", "@Ana Souza <3")
    assert [r.payload["text"] for r in app.requests] == ["<@U0ANA> &lt;3", "@Ana Souza <3"]
