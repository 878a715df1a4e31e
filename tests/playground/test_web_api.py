"""The Web API as Slack's own client uses it: tokens, scopes, conversations, messages, limits."""

import http.client
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from playground.manifest import AppManifest
from playground.rate_limit import Buckets, RateLimit
from playground.testing import PlaygroundServer


@pytest.fixture
def refusal():
    """The word by which a call is refused."""

    def word(call, **arguments):
        with pytest.raises(SlackApiError) as caught:
            call(**arguments)
        return caught.value.response["error"]

    return word


def test_a_token_is_needed_and_must_be_right(slack, refusal):
    """No token, a wrong one and one of the wrong kind are told apart."""
    assert refusal(WebClient(base_url=slack.api_url).auth_test) == "not_authed"
    assert refusal(WebClient("xoxb-wrong", base_url=slack.api_url).auth_test) == "invalid_auth"
    assert refusal(WebClient(slack.app_token, base_url=slack.api_url).auth_test) == "not_allowed_token_type"
    bot = WebClient(slack.bot_token, base_url=slack.api_url)
    assert refusal(bot.apps_connections_open, app_token=slack.bot_token) == "not_allowed_token_type"


def test_auth_test_says_who_the_app_is(client):
    """auth.test names the bot user, its bot id and the team."""
    answer = client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0BOT", "B0PLAY", "T0PLAY")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


def test_a_token_in_the_form_is_as_good(slack):
    """A form body with token and JSON text in a field is read like a JSON body."""
    fields = {"token": slack.bot_token, "channel": "D0RILEY", "text": "hi", "blocks": '[{"type": "divider"}]'}
    opener = build_opener(ProxyHandler({}))
    with opener.open(Request(slack.api_url + "chat.postMessage", urlencode(fields).encode())) as answer:
        assert answer.status == 200
    assert slack.person("U0RILEY").messages()[0].blocks[0]["type"] == "divider"
    assert "token" not in slack.calls("chat.postMessage")[0].arguments


@pytest.mark.parametrize(
    ("scopes", "method", "arguments", "needed"),
    [
        ("users:read", "chat_postMessage", {"channel": "D0RILEY", "text": "hi"}, "chat:write"),
        ("chat:write", "users_info", {"user": "U0RILEY"}, "users:read"),
        ("im:write", "conversations_open", {"users": "U0RILEY,U0ANA"}, "mpim:write"),
        ("mpim:write", "conversations_open", {"users": "U0RILEY"}, "im:write"),
        ("channels:history", "conversations_history", {"channel": "D0RILEY"}, "im:history"),
        ("im:read", "conversations_list", {"types": "im,mpim"}, "mpim:read"),
        ("im:read", "conversations_info", {"channel": "C0HELP"}, "channels:read"),
        ("im:read", "files_getUploadURLExternal", {"filename": "a.png", "length": 3}, "files:write"),
        (
            "im:read",
            "reactions_add",
            {"channel": "D0RILEY", "name": "eyes", "timestamp": "1"},
            "reactions:write",
        ),
    ],
)
def test_each_method_needs_its_scope(scopes, method, arguments, needed):
    """A missing scope is named, beside those that were granted."""
    with PlaygroundServer(manifest=AppManifest(scopes=frozenset({scopes}))) as slack:
        client = WebClient(slack.bot_token, base_url=slack.api_url)
        with pytest.raises(SlackApiError) as caught:
            getattr(client, method)(**arguments)
    answer = caught.value.response
    assert (answer["error"], answer["needed"], answer["provided"]) == ("missing_scope", needed, scopes)


def test_mail_addresses_need_their_own_scope():
    """users.info shows the address only to apps with users:read.email."""
    for scopes, sees in (({"users:read"}, False), ({"users:read", "users:read.email"}, True)):
        with PlaygroundServer(manifest=AppManifest(scopes=frozenset(scopes))) as slack:
            profile = WebClient(slack.bot_token, base_url=slack.api_url).users_info(user="U0RILEY")["user"][
                "profile"
            ]
            assert ("email" in profile) is sees


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat_postMessage", {"channel": "C404", "text": "hi"}, "channel_not_found"),
        ("chat_postMessage", {"channel": "D0RILEY", "text": ""}, "no_text"),
        ("chat_postMessage", {"channel": "D0RILEY", "text": "x", "thread_ts": "abc"}, "invalid_thread_ts"),
        (
            "chat_postMessage",
            {"channel": "D0RILEY", "text": "x", "thread_ts": "1700000000.000001"},
            "thread_not_found",
        ),
        (
            "chat_postMessage",
            {"channel": "D0RILEY", "text": "x", "metadata": {"event_type": "t"}},
            "invalid_metadata_schema",
        ),
        ("chat_update", {"channel": "D0RILEY", "text": "hi", "ts": "1700000000.000001"}, "message_not_found"),
        ("chat_delete", {"channel": "D0RILEY", "ts": "1700000000.000001"}, "message_not_found"),
        ("chat_postEphemeral", {"channel": "C0HELP", "user": "U0RILEY", "text": "x"}, "user_not_in_channel"),
        ("chat_postEphemeral", {"channel": "C0HELP", "user": "U404", "text": "x"}, "user_not_found"),
        ("conversations_open", {"users": "U404"}, "user_not_found"),
        ("conversations_history", {"channel": "D0RILEY", "cursor": "?"}, "invalid_cursor"),
        ("conversations_history", {"channel": "D0RILEY", "limit": 5000}, "invalid_limit"),
        ("conversations_replies", {"channel": "D0RILEY", "ts": "1700000000.000001"}, "thread_not_found"),
        ("conversations_list", {"types": "nonsense"}, "invalid_types"),
        ("users_info", {"user": "U404"}, "user_not_found"),
        ("views_update", {"view_id": "V404", "view": {"type": "home", "blocks": []}}, "not_found"),
        ("views_publish", {"user_id": "U404", "view": {"type": "home", "blocks": []}}, "user_not_found"),
        (
            "views_open",
            {
                "trigger_id": "made-up",
                "view": {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []},
            },
            "invalid_trigger_id",
        ),
        ("files_completeUploadExternal", {"files": [{"id": "F404", "title": "t"}]}, "file_not_found"),
    ],
)
def test_refusals_carry_slacks_words(client, refusal, method, arguments, error):
    """What cannot be done is refused with the word that Slack uses."""
    assert refusal(getattr(client, method), **arguments) == error


def test_unknown_methods_and_broken_bodies_are_refused(slack, client, refusal):
    """An unknown method is named so, and a body that is no JSON counts as no arguments."""
    assert refusal(client.api_call, api_method="chat.dance") == "unknown_method"
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    opener = build_opener(ProxyHandler({}))
    with opener.open(Request(slack.api_url + "chat.postMessage", b'{"channel"', headers)) as answer:
        assert b"invalid_arguments" in answer.read()


def test_an_app_posts_only_where_it_is(slack, client, refusal):
    """A channel without the app is refused, unless chat:write.public is granted."""
    slack.look(lambda p: p.workspace.channels.update(C0ALL=_channel("C0ALL", "all")))
    slack.look(lambda p: p.workspace.messages.update(C0ALL={}))
    assert refusal(client.chat_postMessage, channel="C0ALL", text="hi") == "not_in_channel"
    assert refusal(client.conversations_history, channel="C0ALL") == "not_in_channel"


def _channel(channel_id, name):
    from playground.model import Channel, ConversationKind

    return Channel(channel_id, ConversationKind.CHANNEL, ("U0ANA",), 0, name)


def test_a_persons_id_stands_for_the_dm(slack, client):
    """Posting to a user id lands in the DM with that person."""
    assert client.chat_postMessage(channel="U0RILEY", text="hi")["channel"] == "D0RILEY"
    assert slack.person("U0RILEY").messages()[0].text == "hi"


def test_opening_a_group_dm_twice_gives_one(client):
    """conversations.open with the same people returns the conversation there is."""
    first = client.conversations_open(users=["U0RILEY", "U0ANA"])
    again = client.conversations_open(users="U0ANA,U0RILEY")
    assert first["channel"]["id"] == again["channel"]["id"]
    assert again["already_open"]
    assert set(client.conversations_members(channel=first["channel"]["id"])["members"]) == {
        "U0RILEY",
        "U0ANA",
        "U0BOT",
    }
    assert client.conversations_info(channel=first["channel"]["id"])["channel"]["is_mpim"]
    assert client.conversations_open(users="U0RILEY")["channel"]["id"] == "D0RILEY"


def test_history_is_newest_first_without_replies(client):
    """History shows top-level messages, newest first, with thread counts; replies come from conversations.replies."""
    first = client.chat_postMessage(channel="D0RILEY", text="one")
    client.chat_postMessage(channel="D0RILEY", text="two")
    client.chat_postMessage(channel="D0RILEY", text="in thread", thread_ts=first["ts"])
    messages = client.conversations_history(channel="D0RILEY")["messages"]
    assert [m["text"] for m in messages] == ["two", "one"]
    assert messages[1]["reply_count"] == 1
    thread = client.conversations_replies(channel="D0RILEY", ts=first["ts"])["messages"]
    assert [m["text"] for m in thread] == ["one", "in thread"]


def test_history_pages_and_bounds(client):
    """Cursors walk through everything once; oldest and latest exclude themselves unless inclusive."""
    posted = [client.chat_postMessage(channel="D0RILEY", text=str(n))["ts"] for n in range(5)]
    texts = [
        m["text"]
        for page in client.conversations_history(channel="D0RILEY", limit=2)
        for m in page["messages"]
    ]
    assert texts == ["4", "3", "2", "1", "0"]
    between = client.conversations_history(channel="D0RILEY", oldest=posted[1], latest=posted[3])["messages"]
    assert [m["text"] for m in between] == ["2"]
    among = client.conversations_history(
        channel="D0RILEY", oldest=posted[1], latest=posted[3], inclusive=True
    )["messages"]
    assert [m["text"] for m in among] == ["3", "2", "1"]


def test_metadata_comes_back_only_when_asked_for(client):
    """Metadata is kept with the message, shown by include_all_metadata, and kept by an update that does not name it."""
    metadata = {"event_type": "outbox", "event_payload": {"key": "k1"}}
    posted = client.chat_postMessage(channel="D0RILEY", text="hi", metadata=metadata)
    client.chat_update(channel="D0RILEY", ts=posted["ts"], text="hello")
    [bare] = client.conversations_history(channel="D0RILEY")["messages"]
    [full] = client.conversations_history(channel="D0RILEY", include_all_metadata=True)["messages"]
    assert "metadata" not in bare
    assert full["metadata"] == metadata
    assert (full["text"], full["edited"]["user"]) == ("hello", "U0BOT")


def test_an_app_changes_only_its_own_messages(slack, client, refusal):
    """Messages of people can be neither updated nor deleted by the app."""
    said = slack.person("U0RILEY").dm("mine")
    assert refusal(client.chat_update, channel="D0RILEY", ts=said.ts, text="no") == "cant_update_message"
    assert refusal(client.chat_delete, channel="D0RILEY", ts=said.ts) == "cant_delete_message"
    posted = client.chat_postMessage(channel="D0RILEY", text="ours")
    client.chat_delete(channel="D0RILEY", ts=posted["ts"])
    assert [m.text for m in slack.person("U0RILEY").messages()] == ["mine"]


def test_long_texts_are_cut_and_long_updates_refused(slack, client, refusal):
    """A post is cut at 40,000 characters; an update over 4,000 is refused."""
    posted = client.chat_postMessage(channel="D0RILEY", text="x" * 40_001)
    assert len(slack.person("U0RILEY").messages()[0].text) == 40_000
    assert refusal(client.chat_update, channel="D0RILEY", ts=posted["ts"], text="x" * 4_001) == "msg_too_long"


def test_live_mentions_are_noted(slack, client):
    """Unescaped mentions are live, escaped ones are words; blocks count, plain_text does not."""
    client.chat_postMessage(channel="D0RILEY", text="&lt;!channel&gt; <@U0ANA> and <!here>")
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}}
    header = {"type": "header", "text": {"type": "plain_text", "text": "<!everyone>"}}
    client.chat_postMessage(channel="D0RILEY", text="hi", blocks=[section, header])
    first, second = slack.person("U0RILEY").messages()
    assert first.live_mentions == ("U0ANA", "here")
    assert second.live_mentions == ("channel",)


def test_posting_is_limited_for_each_conversation(slack, client):
    """After the burst a post is answered 429 with Retry-After, while another conversation goes on."""
    for number in range(8):
        client.chat_postMessage(channel="D0RILEY", text=str(number))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="D0RILEY", text="too many")
    assert caught.value.response.status_code == 429
    assert int(caught.value.response.headers["retry-after"]) >= 1
    assert caught.value.response["error"] == "ratelimited"
    client.chat_postMessage(channel="D0SAM", text="hi")


def test_a_bucket_fills_with_time():
    """One more post is let through for each second that passes."""
    now_s = 0.0
    buckets = Buckets(RateLimit(per_s=1.0, burst=2), lambda: now_s)
    assert [buckets.wait_s("C") for _ in range(3)] == [0, 0, 1]
    now_s = 1.0
    assert [buckets.wait_s("C") for _ in range(2)] == [0, 1]


def test_a_picture_is_uploaded_in_three_steps(slack, client):
    """files_upload_v2 puts a picture where its members see it."""
    answer = client.files_upload_v2(
        filename="stats.png", content=b"\x89PNG", channel="D0RILEY", initial_comment="The week"
    )
    [message] = slack.person("U0RILEY").messages()
    assert message.text == "The week"
    assert message.row["files"][0]["id"] == answer["file"]["id"]
    assert message.row["files"][0]["mimetype"] == "image/png"


@pytest.fixture
def put(slack):
    """Sends bytes to a URL of the playground; returns the status. ``claimed`` overrides the Content-Length."""

    def send(url, content, claimed=None):
        connection = http.client.HTTPConnection("127.0.0.1", slack.port, timeout=5)
        length = {"Content-Length": str(len(content) if claimed is None else claimed)}
        connection.request("POST", url.removeprefix(slack.url), content, length)
        status = connection.getresponse().status
        connection.close()
        return status

    return send


def test_a_refused_upload_can_be_tried_again(client, put):
    """What is empty or too large is refused, the latter before it is read; the URL stays good until a file was taken."""
    url = client.files_getUploadURLExternal(filename="a.png", length=4)["upload_url"]
    assert put(url, b"") == 400
    assert put(url, b"", claimed=30_000_000) == 413
    assert put(url, b"\x89PNG") == 200
    assert put(url, b"\x89PNG") == 404


@pytest.mark.parametrize(
    "path", ["/api/chat.postMessage", "/_/people/U0RILEY/messages", "/actions/T0PLAY/1/x"]
)
def test_json_nested_without_end_is_no_crash(slack, path):
    """A body that no parser can follow is refused like any that is no JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", slack.port, timeout=5)
    connection.request("POST", path, b"[" * 100_000, {"Content-Type": "application/json"})
    assert connection.getresponse().status < 500
    connection.close()


def test_files_go_to_threads_that_are_there(slack, client, put, refusal):
    """files.completeUploadExternal answers in a thread by its parent, and refuses one that is not there."""
    said = slack.person("U0RILEY").dm("my screen")
    reply = client.chat_postMessage(channel="D0RILEY", text="which?", thread_ts=said.ts)["ts"]
    upload = client.files_getUploadURLExternal(filename="a.png", length=4)
    put(upload["upload_url"], b"\x89PNG")
    share = {"files": [{"id": upload["file_id"]}], "channel_id": "D0RILEY"}
    complete = client.files_completeUploadExternal
    assert refusal(complete, **share, thread_ts="nonsense") == "invalid_thread_ts"
    assert refusal(complete, **share, thread_ts="1700000000.000001") == "thread_not_found"
    complete(**share, thread_ts=reply)
    assert [m.thread_ts for m in slack.person("U0RILEY").messages()] == [None, said.ts, said.ts]


def test_reactions_are_added_once(slack, client, refusal):
    """A second equal reaction is refused as already_reacted."""
    said = slack.person("U0RILEY").dm("thanks")
    client.reactions_add(channel="D0RILEY", name="eyes", timestamp=said.ts)
    assert (
        refusal(client.reactions_add, channel="D0RILEY", name="eyes", timestamp=said.ts) == "already_reacted"
    )
    assert slack.person("U0RILEY").messages()[0].row["reactions"] == [{"name": "eyes", "users": ["U0BOT"]}]


def test_people_and_conversations_are_listed(client):
    """users.list knows everybody; users.conversations knows where the app is."""
    assert {"U0RILEY", "U0MORGAN", "U0BOT"} <= {u["id"] for u in client.users_list()["members"]}
    assert {c["id"] for c in client.users_conversations(types="public_channel,im")["channels"]} >= {
        "C0HELP",
        "D0RILEY",
    }
    assert client.users_info(user="U0MORGAN")["user"]["is_admin"]
    link = client.chat_getPermalink(
        channel="D0RILEY", message_ts=client.chat_postMessage(channel="D0RILEY", text="x")["ts"]
    )
    assert "/archives/D0RILEY/p" in link["permalink"]


def test_proxy_variables_change_nothing(monkeypatch):
    """With a dead proxy in the environment the playground's own requests still arrive."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with PlaygroundServer() as target, PlaygroundServer() as slack:
        slack.set_request_url(target.api_url + "api.test")
        slack.person("U0RILEY").dm("hello")
        slack.eventually(lambda: slack.deliveries())
        assert slack.deliveries()[0].outcome == "ok"
