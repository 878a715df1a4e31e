"""The tiny app behind the page's tests: it says back what it hears, and has one of everything."""

import re
import time

from slack_bolt import App
from slack_sdk import WebClient

from playground.testing import PlaygroundServer

ACK_TIMEOUT_S = 1.5  # half of Slack's, so that the test of an app that never answers takes half the time


def _card(words: str) -> list[dict[str, object]]:
    def button(label: str, action: str, **more: object) -> dict[str, object]:
        return {"type": "button", "text": {"type": "plain_text", "text": label}, "action_id": action, **more}

    confirm = {
        "title": {"type": "plain_text", "text": "Really?"},
        "text": {"type": "mrkdwn", "text": "It cannot be *undone*."},
        "confirm": {"type": "plain_text", "text": "Do it"},
        "deny": {"type": "plain_text", "text": "Rather not"},
    }
    options = [
        {"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Red", "Blue")
    ]
    colour = {
        "type": "static_select",
        "action_id": "colour",
        "placeholder": {"type": "plain_text", "text": "Colour"},
    }
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*You said*\n{words}"}},
        {
            "type": "actions",
            "elements": [
                button("Press me", "press", style="primary"),
                button("Delete", "delete", style="danger", confirm=confirm),
                button("Open form", "form"),
                button("Never answers", "deaf"),
                {**colour, "options": options},
            ],
        },
    ]


FORM = {
    "type": "modal",
    "callback_id": "name",
    "title": {"type": "plain_text", "text": "Your name"},
    "submit": {"type": "plain_text", "text": "Save"},
    "blocks": [
        {
            "type": "input",
            "block_id": "who",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "name"},
        },
        {
            "type": "input",
            "block_id": "days",
            "optional": True,
            "label": {"type": "plain_text", "text": "Days"},
            "element": {
                "type": "checkboxes",
                "action_id": "days",
                "options": [
                    {"text": {"type": "mrkdwn", "text": day}, "value": day} for day in ("Mon", "Tue")
                ],
            },
        },
    ],
}


def echo_app(server: PlaygroundServer) -> App:
    """A Bolt app for this playground, to be served at its request URL."""
    client = WebClient(token=server.bot_token, base_url=server.api_url)
    app = App(client=client, signing_secret=server.signing_secret)

    @app.event("message")
    def heard(event, say):
        if not event.get("subtype") and not event.get("bot_id"):
            say(text=f"You said {event['text']}", blocks=_card(event["text"]), thread_ts=event["ts"])

    @app.action("press")
    def pressed(ack, body, client):
        ack()
        words = f"Pressed by <@{body['user']['id']}>"
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": words}}]
        client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text=words, blocks=blocks)

    @app.action("delete")
    def deleted(ack, body, client):
        ack()
        client.chat_delete(channel=body["channel"]["id"], ts=body["message"]["ts"])

    @app.action("form")
    def asked(ack, body, client):
        ack()
        client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.action("deaf")
    def ignored(ack):
        time.sleep(ACK_TIMEOUT_S + 0.5)

    @app.action("colour")
    def coloured(ack, action, respond):
        ack()
        respond(text=f"{action['selected_option']['text']['text']} it is", replace_original=False)

    @app.action(re.compile("^any_"))
    def used(ack, action, respond):
        ack()
        option = action.get("selected_option") or {"value": action.get("selected_time")}
        chosen = [one["value"] for one in action.get("selected_options") or [option]]
        respond(text=f"{action['action_id']}: {' '.join(chosen)}", replace_original=False)

    @app.view("name")
    def named(ack, body, view, client):
        values = view["state"]["values"]
        name = values["who"]["name"]["value"]
        if name == "nobody":
            ack(response_action="errors", errors={"who": "Nobody cannot be your name."})
            return
        ack()
        days = [option["value"] for option in values["days"]["days"]["selected_options"]]
        client.chat_postMessage(
            channel=body["user"]["id"], text=f"Hello {name}, see you {' and '.join(days)}"
        )

    @app.command("/echo")
    def commanded(ack, command, respond):
        ack()
        respond(text=f"Between us: {command['text']}")

    @app.event("app_home_opened")
    def visited(event, client):
        home = {
            "type": "home",
            "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Welcome home"}}],
        }
        client.views_publish(user_id=event["user"], view=home)

    return app
