"""Whatever is written or sent, people get a polite answer, nothing becomes a live mention, and the edge never breaks."""

import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.app import Bot
from bot.ids import ActionId
from bot.storage.tables import Feedback, SupportRequest
from playground.core import Playground
from playground.interactions import response_url
from playground.signing import signed_headers
from tests.scenarios.conftest import Desk

ALLOWED = {200, 400, 401, 404, 413, 503}
TEXTS = {
    "empty": "",
    "spaces": "   \n\t ",
    "emoji only": ":wave: 🎉🎉🎉",
    "40,000 characters": "vpn " * 10_000,
    "right to left": "الشبكة لا تعمل منذ الصباح",
    "bidi controls": "vpn \u202e\u2066 nekorb\u2069",
    "NUL": "vpn \x00 is \x00 gone",
    "lone surrogate": "vpn \ud83d is gone",
    "everybody": "<!channel> <!here> <!everyone> vpn is down",
    "a person": "<@U0ANA> told me vpn <#C0HELP|it-help> <!subteam^S1>",
    "half a mention": "<!chan&lt;nel&gt; vpn &amp;lt;!channel&amp;gt;",
    "markdown": "*vpn* _is_ `gone` ```<script>alert(1)</script>``` > quote",
    "sql": "vpn'; DROP TABLE support_requests; --",
    "zalgo": "v\u0341\u0348p\u0341n\u0348 \u200b\u200d",
}


def send(
    bot: Bot, secret: str | None, body: bytes, content_type: str = "application/json", **headers: str
) -> int:
    """POST ``body`` to /slack/events, signed when there is a secret; return the status."""
    signed = signed_headers(secret, body, int(time.time())) if secret else {}
    asked = urllib.request.Request(
        f"http://127.0.0.1:{bot.port}/slack/events",
        data=body,
        headers={"Content-Type": content_type, **signed, **headers},
    )
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            status, words = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, words = error.code, error.read()
    assert b"Traceback" not in words
    return int(status)


def message_event(text: str, ts: str) -> bytes:
    """A direct message as Slack sends it, whatever its text."""
    event = {
        "type": "message",
        "channel_type": "im",
        "channel": "D0RILEY",
        "user": "U0RILEY",
        "text": text,
        "ts": ts,
    }
    wrapper = {
        "type": "event_callback",
        "team_id": "T0PLAY",
        "api_app_id": "A0PLAY",
        "event_id": f"Ev{ts}",
        "event": event,
    }
    return json.dumps(wrapper).encode()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_text_is_answered_and_none_comes_alive(sqlite_desk: Desk, text: str) -> None:
    """The requester gets one answer; nothing the bot says about it notifies anybody but those it names itself."""
    check_text(sqlite_desk, text)


@pytest.mark.postgres
@pytest.mark.parametrize("name", ["NUL", "40,000 characters", "bidi controls", "lone surrogate", "sql"])
def test_texts_that_a_database_may_choke_on(desk: Desk, name: str) -> None:
    """What SQLite stores and PostgreSQL refuses, and the other way round, is answered on both."""
    check_text(desk, TEXTS[name])


def check_text(desk: Desk, text: str) -> None:
    """Send ``text`` as Riley's message and look at everything that is said about it."""
    said = desk.riley.dm("(its text is replaced on the way)")
    bot = desk.start_bot()
    if send(bot, desk.slack.signing_secret, message_event(text, said.ts)) == 400:
        assert "\ud83d" in text, "only what no database could hold is refused"
        return
    answer = desk.slack.eventually(lambda: next(iter(desk.riley.from_app()), None), what="an answer")
    if answer.buttons and "Ask a person" in answer.buttons:
        desk.riley.press(answer, "Ask a person")
    if "What can I help you with" not in answer.words:
        _agent, offer = desk.offer_to()
        assert set(offer.live_mentions) <= {"U0RILEY"}
    for message in desk.riley.from_app():
        assert not set(message.live_mentions) - {"U0RILEY"}


def test_a_click_by_somebody_else_is_refused_privately(sqlite_desk: Desk) -> None:
    """A forged click, correctly signed but by another person, changes nothing; only they are told."""
    bot = sqlite_desk.start_bot()
    sqlite_desk.riley.dm("vpn")
    card = sqlite_desk.sees(sqlite_desk.riley, "This may help")
    button = next(b for block in card.blocks if block["type"] == "actions" for b in block["elements"])
    payload = {
        "type": "block_actions",
        "team": {"id": "T0PLAY"},
        "user": {"id": "U0SAM", "team_id": "T0PLAY"},
        "api_app_id": "A0PLAY",
        "trigger_id": "1.2.forged",
        "response_url": sqlite_desk.slack.look(sams_response_url),
        "channel": {"id": "D0SAM"},
        "container": {"type": "message", "channel_id": "D0SAM", "message_ts": card.ts},
        "message": {"ts": card.ts},
        "actions": [{**button, "action_ts": "1.2"}],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert send(bot, sqlite_desk.slack.signing_secret, body, "application/x-www-form-urlencoded") == 200
    assert sqlite_desk.sees(sqlite_desk.sam, "Only the person who opened this request").ephemeral
    assert sqlite_desk.rows(Feedback) == []
    assert [row.state for row in sqlite_desk.rows(SupportRequest)] == ["suggested"]  # type: ignore[attr-defined]


def sams_response_url(playground: Playground) -> str:
    """Where an app answers a click of Sam's."""
    return response_url(playground, "U0SAM", playground.workspace.app_dm("U0SAM"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
slack_shaped = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["event_callback", "block_actions", "view_submission", "view_closed", "shortcut", "?"]
        )
    },
    optional={
        "team_id": json_values,
        "team": json_values,
        "event_id": json_values,
        "user": json_values,
        "event": json_values
        | st.fixed_dictionaries(
            {"type": st.sampled_from(["message", "app_home_opened"])},
            optional=dict.fromkeys(
                ("channel", "channel_type", "user", "text", "ts", "thread_ts", "tab"), json_values
            ),
        ),
        "actions": json_values
        | st.lists(
            st.fixed_dictionaries({"action_id": st.sampled_from(list(ActionId)), "value": json_values}),
            max_size=2,
        ),
        "view": json_values,
        "response_url": json_values,
    },
)


def test_any_body_gets_an_orderly_answer(sqlite_desk: Desk) -> None:
    """Signed or not, JSON, form or noise: one of six statuses, never a traceback, and the bot lives on."""
    bot = sqlite_desk.start_bot(firstline_max_attempts=1)
    secret = sqlite_desk.slack.signing_secret

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(
        body=st.binary(max_size=400) | slack_shaped.map(lambda value: json.dumps(value).encode()),
        form=st.booleans(),
    )
    def orderly(body: bytes, form: bool) -> None:
        if form:
            body = urlencode({"payload": body}).encode()
        content_type = "application/x-www-form-urlencoded" if form else "application/json"
        assert send(bot, None, body, content_type) == 401
        assert send(bot, secret, body, content_type) in ALLOWED

    orderly()
    sqlite_desk.sam.dm("vpn")
    sqlite_desk.sees(sqlite_desk.sam, "This may help", timeout_s=20)


def test_bodies_and_paths_of_odd_sizes(sqlite_desk: Desk) -> None:
    """Too large is 413, too deep is 400, elsewhere is 404."""
    bot = sqlite_desk.start_bot()
    secret = sqlite_desk.slack.signing_secret
    assert send(bot, secret, b"x" * 1_100_000) == 413
    assert send(bot, secret, b"[" * 100_000) == 400
    assert send(bot, secret, b"") == 400
    assert send(bot, None, b"") == 401
    with pytest.raises(urllib.error.HTTPError) as missing:
        urllib.request.urlopen(f"http://127.0.0.1:{bot.port}/etc/passwd", timeout=5)
    assert missing.value.code == 404
