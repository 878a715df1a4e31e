"""Socket Mode with Slack's own client, and with Bolt on top of it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from playground.testing import DeliveryTiming, PlaygroundServer


def socket_url(slack):
    return WebClient(base_url=slack.api_url).apps_connections_open(app_token=slack.app_token)["url"]


@pytest.fixture
def sockets(slack) -> Iterator:
    """Opens bare sockets and reads their hello."""
    with ExitStack() as stack:

        def open_one():
            socket = stack.enter_context(connect(socket_url(slack), proxy=None))
            assert json.loads(socket.recv(timeout=5))["type"] == "hello"
            return socket

        yield open_one


@pytest.fixture
def sdk_client(slack):
    """slack_sdk's built-in client; its requests are in ``heard``, acknowledged unless ``answer`` gives None."""
    client = SocketModeClient(
        slack.app_token, web_client=WebClient(base_url=slack.api_url), auto_reconnect_enabled=True
    )
    client.heard = []
    client.answer = lambda request: SocketModeResponse(request.envelope_id)

    def listen(client, request):
        client.heard.append(request)
        response = client.answer(request)
        if response:
            client.send_socket_mode_response(response)

    client.socket_mode_request_listeners.append(listen)
    client.connect()
    yield client
    client.auto_reconnect_enabled = False
    slack.refresh_sockets()  # from the other end: the client's own reader would only notice after three seconds
    client.close()


def test_slacks_client_hears_events(slack, sdk_client):
    """An event arrives in an envelope and its acknowledgement is noted; the request URL is not used."""
    slack.set_request_url("http://127.0.0.1:1/nowhere")
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: slack.deliveries("message.im"))
    [request] = sdk_client.heard
    assert (request.type, request.payload["event"]["text"]) == ("events_api", "hello")
    [delivery] = slack.deliveries()
    assert (delivery.via, delivery.outcome) == ("socket", "ok")


def test_commands_are_answered_in_the_acknowledgement(slack, sdk_client):
    """The payload of a command's acknowledgement is shown to the person."""
    sdk_client.answer = lambda request: SocketModeResponse(request.envelope_id, {"text": "7 requests"})
    assert slack.person("U0ANA").command("/firstline", "stats")["ok"]
    assert sdk_client.heard[0].accepts_response_payload
    assert [m.text for m in slack.person("U0ANA").messages()] == ["7 requests"]


def test_an_unacknowledged_envelope_comes_again():
    """Without an acknowledgement in time the event is sent again with attempt and reason."""
    with PlaygroundServer(timing=DeliveryTiming(ack_timeout_s=0.2, retry_delays_s=(0.05,))) as slack:
        with connect(socket_url(slack), proxy=None) as socket:
            socket.recv(timeout=5)
            slack.person("U0RILEY").dm("hello")
            first, again = (json.loads(socket.recv(timeout=5)) for _ in range(2))
    assert (first["retry_attempt"], again["retry_attempt"], again["retry_reason"]) == (0, 1, "timeout")
    assert first["payload"]["event_id"] == again["payload"]["event_id"]
    assert first["envelope_id"] != again["envelope_id"]


def test_each_envelope_goes_to_one_socket(slack, sockets):
    """Two sockets share the envelopes: each arrives at one of them, and both get some."""
    pair = [sockets(), sockets()]
    for number in range(6):
        slack.person("U0RILEY").dm(str(number))
    heard = []
    for socket in pair:
        for _ in range(3):
            envelope = json.loads(socket.recv(timeout=5))
            heard.append(envelope["payload"]["event"]["text"])
            socket.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.05)
    assert sorted(heard) == [str(number) for number in range(6)]


def test_a_socket_that_closes_hands_its_envelope_on(slack, sockets):
    """An event on a socket that goes away unacknowledged is sent to another one."""
    pair = [sockets(), sockets()]
    slack.person("U0RILEY").dm("hello")
    for socket, other in (pair, reversed(pair)):
        try:
            socket.recv(timeout=0.2)
        except TimeoutError:
            continue
        socket.close()
        envelope = json.loads(other.recv(timeout=5))
        other.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
        break
    assert envelope["payload"]["event"]["text"] == "hello"
    slack.eventually(lambda: slack.deliveries()[-1].outcome == "ok")
    assert [d.outcome for d in slack.deliveries()] == ["connection_failed", "ok"]


def test_a_refresh_makes_slacks_client_reconnect(slack, sdk_client):
    """After disconnect/refresh_requested the client is back on a new socket and hears on."""
    before = sdk_client.session_id()
    slack.refresh_sockets()
    slack.eventually(
        lambda: slack.look(lambda p: len(p.sockets)) == 1 and sdk_client.session_id() != before, 15
    )
    slack.person("U0RILEY").dm("still there?")
    slack.eventually(lambda: sdk_client.heard)
    assert sdk_client.heard[-1].payload["event"]["text"] == "still there?"


def test_a_ticket_opens_one_socket(slack):
    """A used or invented ticket is refused."""
    url = socket_url(slack)
    with connect(url, proxy=None) as socket:
        socket.recv(timeout=5)
        with pytest.raises((ConnectionClosed, Exception), match=r"4001|403|rejected"):
            with connect(url, proxy=None) as second:
                second.recv(timeout=5)


def test_without_sockets_the_request_url_is_used(slack, app, sockets):
    """When the last socket has closed, events go to the request URL again."""
    sockets().close()
    slack.eventually(lambda: slack.look(lambda p: len(p.sockets)) == 0)
    slack.person("U0RILEY").dm("hello")
    slack.eventually(lambda: app.of("message"))


def test_pings_are_answered(sockets):
    """A ping is answered with its pong."""
    assert sockets().ping("are you there").wait(timeout=5)


def test_an_app_on_bolt_works_over_a_socket(slack):
    """A Bolt app over Socket Mode answers a DM, a button and a command."""
    bolt = App(client=WebClient(slack.bot_token, base_url=slack.api_url), signing_secret=slack.signing_secret)
    blocks = [{"type": "actions", "elements": [_button()]}]
    bolt.event("message")(lambda event, say: say(text="Choose", blocks=blocks))
    bolt.action("go")(lambda ack, respond: (ack(), respond("Done", replace_original=True)))
    bolt.command("/ask")(lambda ack: ack("Asked"))
    handler = SocketModeHandler(bolt, slack.app_token)
    handler.connect()
    riley = slack.person("U0RILEY")
    riley.dm("hello")
    card = slack.eventually(lambda: riley.find("Choose"))
    assert card.buttons == ["Go"]
    riley.press(card, "Go")
    slack.eventually(lambda: riley.find("Done"))
    riley.command("/ask")
    slack.eventually(lambda: riley.find("Asked"))
    handler.client.auto_reconnect_enabled = False
    slack.refresh_sockets()
    handler.close()


def _button():
    return {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
