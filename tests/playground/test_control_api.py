"""The control API that the page speaks, and who may speak to it."""

import base64
import http.client
import json

import pytest

from playground.testing import PlaygroundServer


@pytest.fixture
def ask(slack):
    """Sends one request to the control API and returns (status, JSON or bytes)."""

    def send(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", slack.port, timeout=5)
        sent = {"Content-Type": "application/json"} if method == "POST" else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, json.dumps(body or {}) if method == "POST" else None, sent)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if "json" in answer.headers["content-type"] else content

    return send


def test_the_state_names_everybody(ask):
    """The workspace's people, channels and app are there to build a page from."""
    status, state = ask("GET", "/_/state")
    assert status == 200
    roles = {p["id"]: p["role"] for p in state["people"]}
    assert roles["U0RILEY"] == roles["U0SAM"] == "requester"
    assert roles["U0ANA"] == roles["U0BEN"] == roles["U0CHLOE"] == "agent"
    assert (roles["U0MORGAN"], roles["U0BOT"]) == ("admin", "app")
    assert state["app"]["connected"] == "none"
    assert state["channels"][0]["name"] == "it-help"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.1:3100", "[", ""])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_/state"),
        ("GET", "/"),
        ("GET", "/_/files/F1?user=U0RILEY"),
        ("GET", "/api/users.list"),
        ("POST", "/api/chat.postMessage"),
        ("POST", "/actions/T0PLAY/1/x"),
        ("POST", "/upload/v1/x"),
        ("GET", "/files/F1/a.png"),
    ],
)
def test_other_hosts_names_are_refused(slack, ask, host, method, path):
    """A request under another name than this machine's is refused, even with the right token: DNS rebinding reads nothing."""
    said = {"channel": "D0RILEY", "text": "hi"}
    assert ask(method, path, said, Host=host, Authorization=f"Bearer {slack.bot_token}")[0] == 403
    assert slack.person("U0RILEY").messages() == []


@pytest.mark.parametrize(("host", "status"), [("evil.example", 403), ("localhost", 101)])
def test_sockets_are_opened_under_this_machines_names_only(slack, host, status):
    """A page under another name opens no Socket Mode connection, even with a ticket."""
    ticket = slack.look(lambda playground: playground.sockets.new_ticket())
    connection = http.client.HTTPConnection("127.0.0.1", slack.port, timeout=5)
    handshake = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    handshake |= {"Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(), "Host": host}
    connection.request("GET", f"/link/?ticket={ticket}", headers=handshake)
    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize("host", ["localhost", "localhost:3100", "127.0.0.1:1", "[::1]:3100"])
def test_this_machines_names_are_accepted(ask, host):
    """localhost and 127.0.0.1 are fine on any port."""
    assert ask("GET", "/_/state", Host=host)[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ({"Sec_Fetch_Site": "same-origin"}, 200),
    ],
)
def test_other_sites_pages_change_nothing(slack, ask, headers, status):
    """A cross-origin or form-like POST is refused before it does anything."""
    assert ask("POST", "/_/people/U0RILEY/messages", {"text": "hi"}, **headers)[0] == status
    assert len(slack.person("U0RILEY").messages()) == (1 if status == 200 else 0)


def test_the_pages_own_origin_is_accepted(slack, ask):
    """The page itself may act."""
    assert ask("POST", "/_/people/U0RILEY/messages", {"text": "hi"}, Origin=slack.url)[0] == 200


def test_messages_are_shown_as_documented(ask, client, button):
    """A message has the fields that API.md promises, and never its metadata."""
    client.chat_postMessage(
        channel="D0RILEY", text="hi", blocks=[button()], metadata={"event_type": "t", "event_payload": {}}
    )
    [message] = ask("GET", "/_/people/U0RILEY/messages")[1]["messages"]
    documented = {
        *(
            "ts",
            "channel",
            "thread_ts",
            "at",
            "author",
            "author_name",
            "is_app",
            "own",
            "text",
            "blocks",
            "edited",
        ),
        *(
            "deleted",
            "ephemeral",
            "files",
            "reactions",
            "reply_count",
            "reply_users",
            "latest_reply",
            "state",
            "live_mentions",
        ),
    }
    assert set(message) == documented
    assert message["at"].endswith("Z")


def test_a_person_writes_edits_and_deletes(ask):
    """What a person types is escaped and linked; edits and deletions are theirs alone."""
    said = ask("POST", "/_/people/U0RILEY/messages", {"text": "<!channel> see https://x.org & @Ana Souza"})[
        1
    ]["message"]
    assert said["text"] == "&lt;!channel&gt; see <https://x.org> &amp; <@U0ANA>"
    assert said["live_mentions"] == ["U0ANA"]
    where = {"channel": "D0RILEY", "ts": said["ts"]}
    edited = ask("POST", "/_/people/U0RILEY/messages/edit", {**where, "text": "never mind"})[1]["message"]
    assert (edited["text"], edited["edited"]) == ("never mind", True)
    assert ask("POST", "/_/people/U0SAM/messages/delete", where)[0] == 404
    assert ask("POST", "/_/people/U0RILEY/messages/delete", where)[0] == 200
    assert ask("GET", "/_/people/U0RILEY/messages")[1]["messages"] == []


def test_unread_counts_follow_reading(ask, client):
    """Others' messages count until the conversation is read."""
    client.chat_postMessage(channel="D0RILEY", text="one")
    client.chat_postMessage(channel="D0RILEY", text="two")
    ask("POST", "/_/people/U0RILEY/messages", {"text": "mine"})
    assert ask("GET", "/_/people/U0RILEY/conversations")[1]["conversations"][0]["unread"] == 2
    ask("POST", "/_/people/U0RILEY/read", {"channel": "D0RILEY"})
    [dm] = [c for c in ask("GET", "/_/people/U0RILEY/conversations")[1]["conversations"] if c["with_app"]]
    assert (dm["unread"], dm["title"], dm["last_text"]) == (0, "App", "mine")


def test_a_person_sees_only_their_own_conversations(ask, client):
    """Another person's DM cannot be read."""
    client.chat_postMessage(channel="D0RILEY", text="private")
    assert ask("GET", "/_/people/U0SAM/messages?channel=D0RILEY")[0] == 404
    assert ask("GET", "/_/people/U0SAM/messages")[1]["messages"] == []


def test_ephemeral_messages_can_be_dismissed(ask, client):
    """The addressee dismisses an ephemeral message; other messages cannot be dismissed."""
    ts = client.chat_postEphemeral(channel="D0RILEY", user="U0RILEY", text="psst")["message_ts"]
    lasting = client.chat_postMessage(channel="D0RILEY", text="stays")["ts"]
    assert ask("POST", "/_/people/U0RILEY/messages/dismiss", {"channel": "D0RILEY", "ts": ts})[0] == 200
    assert ask("POST", "/_/people/U0RILEY/messages/dismiss", {"channel": "D0RILEY", "ts": lasting})[0] == 400
    assert [m["text"] for m in ask("GET", "/_/people/U0RILEY/messages")[1]["messages"]] == ["stays"]


def test_pressing_and_submitting_by_http(ask, app, client, button, modal):
    """The page presses a button, sees the modal that it opens, and submits it."""
    ts = client.chat_postMessage(channel="D0RILEY", text="x", blocks=[button()])["ts"]
    app.answer = lambda received: (
        client.views_open(trigger_id=received.payload["trigger_id"], view=modal())
        if received.payload["type"] == "block_actions"
        else None,
        (200, {}, ""),
    )[1]
    pressed = {"channel": "D0RILEY", "message_ts": ts, "action_id": "go"}
    assert ask("POST", "/_/people/U0RILEY/actions", pressed) == (200, {"ok": True})
    [view] = ask("GET", "/_/people/U0RILEY/modals")[1]["stack"]
    path = f"/_/people/U0RILEY/views/{view['id']}/submit"
    assert ask("POST", path, {"values": {}})[1]["error"] == "invalid"
    answer = ask("POST", path, {"values": {"why": {"words": "because"}}})[1]
    assert (answer["result"], answer["stack"]) == ("closed", [])
    assert ask("POST", path, {"values": {}})[0] == 404


def test_pictures_are_for_those_who_see_them(slack, ask, client):
    """A shared picture is loaded by members of its conversation only, and anything but a picture is a download."""
    client.files_upload_v2(filename="stats.png", content=b"\x89PNG", channel="D0RILEY")
    [message] = ask("GET", "/_/people/U0RILEY/messages")[1]["messages"]
    url = message["files"][0]["url"]
    assert ask("GET", url) == (200, b"\x89PNG")
    assert ask("GET", url.replace("U0RILEY", "U0SAM"))[0] == 404


def test_an_uploaded_picture_in_a_block_is_shown(slack, ask, client):
    """A slack_file that was never shared is seen by those who see the block; an unknown one is refused."""
    uploaded = client.files_upload_v2(filename="chart.png", content=b"\x89PNG")["file"]["id"]
    image = {"type": "image", "slack_file": {"id": uploaded}, "alt_text": "the week"}
    client.chat_postEphemeral(channel="C0HELP", user="U0ANA", text="chart", blocks=[image])
    [message] = ask("GET", "/_/people/U0ANA/messages?channel=C0HELP")[1]["messages"]
    assert ask("GET", message["blocks"][0]["image_url"])[0] == 200
    assert ask("GET", f"/_/files/{uploaded}?user=U0BEN")[0] == 404
    with pytest.raises(Exception, match="invalid_blocks"):
        client.chat_postMessage(channel="D0RILEY", text="x", blocks=[{**image, "slack_file": {"id": "F404"}}])


def test_a_person_sends_a_file(slack, ask, app):
    """A person's file arrives as a file_share message with its name and type."""
    content = base64.b64encode(b"\x89PNG").decode()
    body = {"name": "screen.png", "mimetype": "image/png", "content_base64": content}
    file_id = ask("POST", "/_/people/U0RILEY/files", body)[1]["file"]["id"]
    assert ask("POST", "/_/people/U0SAM/messages", {"text": "", "files": [file_id]})[0] == 404
    ask("POST", "/_/people/U0RILEY/messages", {"text": "", "files": [file_id]})
    event = slack.eventually(lambda: app.of("message"))[0].event
    assert (event["subtype"], event["files"][0]["name"], event["text"]) == ("file_share", "screen.png", "")


def test_changes_are_announced(slack):
    """The event stream names what changed, for whom, and where."""
    connection = http.client.HTTPConnection("127.0.0.1", slack.port, timeout=5)
    connection.request("GET", "/_/events")
    stream = connection.getresponse()
    assert stream.headers["content-type"].startswith("text/event-stream")
    stream.readline()
    slack.person("U0RILEY").dm("hello")
    line = next(line for line in iter(stream.readline, b"") if b'"messages"' in line)
    notice = json.loads(line.removeprefix(b"data: "))
    assert (notice["users"], notice["channel"]) == (["U0BOT", "U0RILEY"], "D0RILEY")
    connection.close()


def test_the_log_tells_what_happened(slack, ask, app, client):
    """Deliveries come with acknowledgement times, calls with arguments but without the token."""
    slack.person("U0RILEY").dm("hello")
    client.chat_postMessage(channel="D0RILEY", text="hi")
    slack.eventually(lambda: len(slack.deliveries()) == 2)
    log = ask("GET", "/_/log")[1]
    first = log["deliveries"][0]
    assert (first["name"], first["outcome"], first["status"]) == ("message.im", "ok", 200)
    assert 0 < first["ack_ms"] < 3000
    [call] = [c for c in log["calls"] if c["method"] == "chat.postMessage"]
    assert call["arguments"]["text"] == "hi"
    assert slack.bot_token not in json.dumps(log)


def test_after_a_reset_no_event_has_an_id_that_was_there_before(slack, ask):
    """Apps drop events whose id they know; a new start must not be taken for an old message."""
    slack.person("U0RILEY").dm("before")
    before = {delivery.event_id for delivery in slack.deliveries("message.im")}
    ask("POST", "/_/reset")
    slack.person("U0RILEY").dm("after")
    after = {delivery.event_id for delivery in slack.deliveries("message.im")}
    assert before
    assert after
    assert not before & after


def test_a_reset_forgets_everything_said(slack, ask):
    """After a reset people are there and messages are gone."""
    slack.person("U0RILEY").dm("hello")
    assert ask("POST", "/_/reset")[1] == {"ok": True}
    assert slack.person("U0RILEY").messages() == []
    assert slack.deliveries() == []


def test_people_can_be_added(slack, ask):
    """A new person has a DM with the app and is in the channels named; a taken id is refused."""
    body = {
        "id": "U0NOOR",
        "name": "Noor Haddad",
        "tz": "Asia/Amman",
        "role": "agent",
        "channels": ["C0HELP"],
    }
    assert ask("POST", "/_/people", body)[0] == 200
    assert ask("POST", "/_/people", body)[0] == 400
    slack.person("U0NOOR").dm("new here")
    assert "U0NOOR" in slack.look(lambda p: p.workspace.channels["C0HELP"].members)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/_/people/U404/messages", {"text": "x"}, 404),
        ("/_/people/U0BOT/messages", {"text": "x"}, 404),
        ("/_/people/U0RILEY/messages", {"text": 7}, 400),
        ("/_/people/U0RILEY/messages", {"text": "x" * 40_001}, 400),
        ("/_/people/U0RILEY/messages", {"text": "x", "channel": "D0SAM"}, 404),
        ("/_/people/U0RILEY/messages", {"text": "x", "thread_ts": "1.1"}, 404),
        ("/_/people/U0RILEY/actions", {"action_id": "a"}, 400),
        ("/_/people/U0RILEY/actions", {"action_id": "a", "message_ts": "1", "view_id": "2"}, 400),
        ("/_/people/U0RILEY/commands", {"command": "stats"}, 400),
        ("/_/people/U0RILEY/home", {"tab": "about"}, 400),
        ("/_/people/U0RILEY/conversations", {"users": []}, 400),
        ("/_/people/U0RILEY/files", {"name": "a", "mimetype": "b", "content_base64": "?"}, 400),
        ("/_/people", {"id": "U0X", "name": "X", "role": "wizard"}, 400),
        ("/_/people", {"id": "U0X", "name": "X", "tz": "Mars/Olympus"}, 400),
        ("/_/request-url", {"url": "ftp://x"}, 400),
        ("/_/faults", {"api": [{"kind": "explode"}]}, 400),
    ],
)
def test_bad_requests_are_refused_in_words(ask, path, body, status):
    """What makes no sense is refused with a word and a sentence, never a crash."""
    answered, refusal = ask("POST", path, body)
    assert answered == status
    assert refusal["ok"] is False
    assert refusal["error"]
    assert refusal["detail"]


@pytest.mark.parametrize(
    "text", ["", "\x00", "🎉" * 50, "x" * 40_000, "مرحبا بالعالم", "a." * 20_000, "\ud800", "@" * 40_000]
)
def test_any_text_can_be_said(slack, app, text):
    """Empty, NUL, emoji, very long, right-to-left and broken texts arrive at the app, and quickly."""
    slack.person("U0RILEY").dm(text)
    event = slack.eventually(lambda: app.of("message"))[0].event
    assert event["text"] == text


def test_broken_characters_come_back_as_they_went(ask):
    """A lone surrogate in a text is answered, not a crash."""
    status, answer = ask("POST", "/_/people/U0RILEY/messages", {"text": "\ud800"})
    assert (status, answer["message"]["text"]) == (200, "\ud800")


@pytest.mark.parametrize(
    ("files", "status", "words"), [((), 404, b"not installed"), (("index.html",), 200, b"<p>")]
)
def test_the_page_is_served_if_it_is_there(tmp_path, files, status, words):
    """/ is the page, with headers that keep foreign scripts out; without its files / says so plainly."""
    for name in files:
        (tmp_path / name).write_text("<p>hello")
    with PlaygroundServer(page_folder=tmp_path) as slack:
        connection = http.client.HTTPConnection("127.0.0.1", slack.port, timeout=5)
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert answer.status == status
        assert words in answer.read()
        assert not files or "default-src 'self'" in answer.headers["content-security-policy"]
        connection.close()
