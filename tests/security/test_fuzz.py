"""The front door under whatever is thrown at it. tests/bot/edge and tests/scenarios/test_bad_input.py hold the plain cases."""

import copy
import json
import logging
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.edge.guard import BODY_LIMIT_BYTES
from bot.ids import ActionId, CallbackId
from bot.storage.tables import InboxRow, RequestMessage, RowState
from playground.signing import signed_headers
from tests.scenarios.conftest import Desk
from tests.security.conftest import FORM, FrontDoor
from tests.sizes import at_full_size

EXAMPLES = 4_000 if at_full_size() else 300
SIGNED = {200, 400, 413}
UNSIGNED = {401, 413}
STALE_S = 301

MESSAGE = {
    "type": "event_callback",
    "team_id": "T0PLAY",
    "event_id": "Ev0",
    "event": {
        "type": "message",
        "channel_type": "im",
        "channel": "D0RILEY",
        "user": "U0RILEY",
        "text": "vpn",
        "ts": "1.000001",
        "thread_ts": "1.000000",
        "parent_user_id": "U0RILEY",
        "files": [{"name": "a.png"}],
    },
    "authorizations": [{"enterprise_id": None, "team_id": "T0PLAY", "is_enterprise_install": False}],
}
CLICK = {
    "type": "block_actions",
    "team": {"id": "T0PLAY"},
    "user": {"id": "U0RILEY", "team_id": "T0PLAY"},
    "trigger_id": "1.2.3",
    "response_url": "http://127.0.0.1:9/x",
    "actions": [{"type": "button", "action_id": "ask_person", "value": "1", "action_ts": "1.0"}],
}
FORM_HANDED_IN = {
    "type": "view_submission",
    "team": {"id": "T0PLAY"},
    "user": {"id": "U0ANA", "team_id": "T0PLAY"},
    "trigger_id": "1.2.3",
    "view": {
        "id": "V1",
        "type": "modal",
        "callback_id": str(CallbackId.AGENT_FORM),
        "state": {
            "values": {
                "capacity": {"capacity": {"value": "1"}},
                "skill:vpn": {"skill:vpn": {"selected_option": {"value": "good"}}},
                "languages": {"languages": {"selected_options": [{"value": "en"}]}},
            }
        },
    },
}
COMMENT = FORM_HANDED_IN | {
    "view": {
        "id": "V2",
        "type": "modal",
        "callback_id": str(CallbackId.COMMENT_FORM),
        "private_metadata": "1",
        "state": {"values": {"comment": {"comment": {"value": "fine"}}}},
    }
}
COMMAND = {
    "command": "/firstline",
    "text": "on",
    "team_id": "T0PLAY",
    "user_id": "U0ANA",
    "trigger_id": "1.2.3",
    "response_url": "http://127.0.0.1:9/x",
}
HOME = {
    "type": "event_callback",
    "team_id": "T0PLAY",
    "event_id": "Ev0",
    "event": {"type": "app_home_opened", "user": "U0ANA", "tab": "home", "channel": "D0ANA"},
}
TRUE_ONES = (MESSAGE, CLICK, FORM_HANDED_IN, COMMENT, COMMAND, HOME)
ODD = (
    *(
        None,
        True,
        0,
        -1,
        1e300,
        2**70,
        "",
        " ",
        "x" * 5_000,
        "\x00",
        "\ud83d",
        "🎉" * 3_000,
        "<!channel>",
        "1:2",
        "../../x",
    ),
    *([], {}, [[]], {"id": None}, {"id": {"id": 1}}, ["a"] * 300, {"type": "message"}, "T0OTHER", "U0MORGAN"),
    *(*ActionId, *CallbackId),
)
junk = st.sampled_from(ODD) | st.text(max_size=30) | st.integers() | st.floats()


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a payload."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in items for place in [(*path, key), *paths(value, (*path, key))]]


@st.composite
def spoiled(draw: Callable[..., Any]) -> dict[str, Any]:
    """A delivery as Slack sends it, with up to four places taken out or filled with something odd."""
    body = copy.deepcopy(draw(st.sampled_from(TRUE_ONES)))
    for _ in range(draw(st.integers(0, 4))):
        *way, last = draw(st.sampled_from(paths(body)))
        node = body
        try:
            for step in way:
                node = node[step]
            if draw(st.booleans()):
                node[last] = copy.deepcopy(draw(junk))
            else:
                del node[last]
        except (KeyError, IndexError, TypeError):
            continue  # that place has gone with another
        if not body:
            break
    return body


def test_spoiled_deliveries_break_nothing(
    sqlite_desk: Desk, open_door: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Almost what Slack sends, signed and not: taken or refused, never given up later, and the bot works on."""
    caplog.set_level(logging.DEBUG)
    door = open_door(sqlite_desk, firstline_max_attempts=1)

    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(spoiled(), st.booleans())
    def throw(body: dict[str, Any], as_form: bool) -> None:
        raw, content_type = _written(body, as_form)
        status, answer = door.post(raw, content_type)
        assert status in SIGNED
        assert b"Traceback" not in answer
        status, answer = door.post(raw, content_type, headers={})
        assert status in UNSIGNED

    throw()
    door.settle()
    assert [row.fault for row in sqlite_desk.rows(InboxRow) if row.state == RowState.DEAD] == []  # type: ignore[attr-defined]
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]
    sqlite_desk.sam.dm("vpn")
    sqlite_desk.sees(sqlite_desk.sam, "This may help", timeout_s=20)


POISON: dict[str, dict[str, Any]] = {
    "a person that is a word": CLICK | {"user": "U0RILEY"},
    "a person that is a list": CLICK | {"user": ["U0RILEY"]},
    "a person without an id": CLICK | {"user": {"id": None}, "actions": [{"action_id": "ask_person"}]},
    "a person's id without end": CLICK | {"user": {"id": "U" * 5_000, "team_id": "T0PLAY"}},
    "a channel without end": MESSAGE | {"event": MESSAGE["event"] | {"channel": "D" * 5_000}},  # type: ignore[operator]
    "a moment without end": MESSAGE | {"event": MESSAGE["event"] | {"ts": "1" * 5_000}},  # type: ignore[operator]
    "a thread that is a number": MESSAGE | {"event": MESSAGE["event"] | {"thread_ts": 7}},  # type: ignore[operator]
    "an author without end": MESSAGE | {"event": MESSAGE["event"] | {"user": "U" * 5_000}},  # type: ignore[operator]
    "a home without end": HOME | {"event": HOME["event"] | {"user": "U" * 5_000}},  # type: ignore[operator]
}


@pytest.mark.parametrize("what", POISON)
def test_what_cannot_be_worked_is_not_taken(desk: Desk, open_door: Any, what: str) -> None:
    """On both databases: it is a 400 and leaves no row, and the next person is answered."""
    door = open_door(desk, firstline_max_attempts=1, firstline_lease_s=30)
    status, _ = door.post(*_written(copy.deepcopy(POISON[what]), as_form=False))
    assert status == 400
    assert desk.rows(InboxRow) == []
    door.settle()
    desk.sam.dm("vpn")
    desk.sees(desk.sam, "This may help")


def _written(body: dict[str, Any], as_form: bool) -> tuple[bytes, str]:
    if "command" in body:
        return urlencode(
            {key: str(value).encode("utf-8", "replace") for key, value in body.items()}
        ).encode(), FORM
    if as_form:
        return urlencode({"payload": json.dumps(body)}).encode(), FORM
    return json.dumps(body).encode(), "application/json"


def signatures(secret: str, body: bytes) -> dict[str, dict[str, str]]:
    """Ways to sign that are none."""
    now_s = int(time.time())
    good = signed_headers(secret, body, now_s)
    name, stamp = "X-Slack-Signature", "X-Slack-Request-Timestamp"
    return {
        "none": {},
        "wrong secret": signed_headers(secret + "x", body, now_s),
        "another body": signed_headers(secret, body + b" ", now_s),
        "truncated": good | {name: good[name][:-1]},
        "only a prefix": good | {name: "v0="},
        "longer": good | {name: good[name] + "0"},
        "upper case": good | {name: good[name].upper()},
        "another version": good | {name: "v1" + good[name][2:]},
        "not ASCII": good | {name: "v0=ünsigned"},
        "stale": signed_headers(secret, body, now_s - STALE_S),
        "from the future": signed_headers(secret, body, now_s + STALE_S + 5),
        "a time that was not signed": good | {stamp: str(now_s - 1)},
        "a time that is none": good | {stamp: "now"},
        "a fraction": good | {stamp: f"{now_s}.5"},
        "a huge time": good | {stamp: "9" * 4_000},
        "a negative time": good | {stamp: f"-{now_s}"},
        "empty": {name: "", stamp: ""},
    }


def test_no_signature_but_the_right_one_is_taken(sqlite_desk: Desk, open_door: Any) -> None:
    """Wrong, cut, stale or odd ones are a 401 and leave no row; the right one, as fresh, is taken."""
    door = open_door(sqlite_desk)
    body = json.dumps(MESSAGE).encode()
    statuses = {
        what: door.post(body, headers=headers)[0]
        for what, headers in signatures(sqlite_desk.slack.signing_secret, body).items()
    }
    assert statuses == dict.fromkeys(statuses, 401)
    assert sqlite_desk.rows(InboxRow) == []
    almost = signed_headers(sqlite_desk.slack.signing_secret, body, int(time.time()) - STALE_S + 10)
    assert door.post(body, headers=almost)[0] == 200
    assert len(sqlite_desk.rows(InboxRow)) == 1


def test_a_replayed_delivery_has_one_effect(sqlite_desk: Desk, open_door: Any) -> None:
    """The very same bytes, again and again while their signature is fresh: taken with 200, worked once."""
    door = open_door(sqlite_desk)
    body = json.dumps(MESSAGE).encode()
    headers = signed_headers(sqlite_desk.slack.signing_secret, body, int(time.time()))
    assert [door.post(body, headers=headers)[0] for _ in range(5)] == [200] * 5
    door.settle()
    assert len(sqlite_desk.rows(InboxRow)) == len(sqlite_desk.rows(RequestMessage)) == 1


def sized(size: int) -> bytes:
    """A message event of so many bytes."""
    empty = json.dumps(MESSAGE).replace('"vpn"', '""')
    return empty.replace('"text": ""', f'"text": "{"v" * (size - len(empty))}"').encode()


@pytest.mark.parametrize(
    ("size", "expected"), [(BODY_LIMIT_BYTES, 200), (BODY_LIMIT_BYTES + 1, 413), (30_000_000, 413)]
)
def test_bodies_of_any_size_are_answered(sqlite_desk: Desk, open_door: Any, size: int, expected: int) -> None:
    """At the limit it is taken; over it, by one byte or by 29 MB, it is 413, whether signed or not."""
    door = open_door(sqlite_desk)
    body = sized(size)
    assert len(body) == size
    assert door.post(body)[0] == expected
    assert door.post(body, headers={})[0] == (401 if expected == 200 else 413)
    door.settle()
    sqlite_desk.sam.dm("vpn")
    sqlite_desk.sees(sqlite_desk.sam, "This may help")


DEEP = 100_000
DEEP_BODIES = {
    "lists": b"[" * DEEP + b"]" * DEEP,
    "objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "an event": json.dumps(MESSAGE).replace('"vpn"', "[" * DEEP + "]" * DEEP).encode(),
    "a form": urlencode({"payload": json.dumps(CLICK).replace('"1"', "[" * DEEP + "]" * DEEP)}).encode(),
    "never closed": b"[{" * DEEP,
}


@pytest.mark.parametrize("what", DEEP_BODIES)
def test_nesting_ends_in_a_400(sqlite_desk: Desk, open_door: Any, what: str) -> None:
    """A hundred thousand levels exhaust nothing."""
    door = open_door(sqlite_desk)
    content_type = FORM if what == "a form" else "application/json"
    assert door.post(DEEP_BODIES[what], content_type)[0] == 400
    assert door.post(DEEP_BODIES[what], content_type, headers={})[0] == 401


def test_fifty_thousand_emoji_are_a_message(sqlite_desk: Desk, open_door: Any) -> None:
    """What is only pictures is asked about; with words among them it is answered."""
    door = open_door(sqlite_desk)
    assert door.message("U0RILEY", "🎉" * 50_000)[0] == 200
    assert door.message("U0SAM", "vpn " + "🎉" * 50_000)[0] == 200
    door.settle()
    kept = {row.requester_id: row.state for row in _requests(sqlite_desk)}
    assert kept == {"U0RILEY": "new", "U0SAM": "suggested"}


def _requests(desk: Desk) -> list[Any]:
    from bot.storage.tables import SupportRequest

    return desk.rows(SupportRequest)


RAW = (
    b"GARBAGE\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Slack-Signature: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"POST /slack/events HTTP/9.9\r\n\r\n",
    b"POST /slack/%2e%2e/events?x=" + b"y" * 8_000 + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
)


@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_bytes_that_are_no_http_are_no_failure(
    sqlite_desk: Desk, open_door: Any, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused with a 4xx or cut off, no 500 and no traceback; the next one is served."""
    door: FrontDoor = open_door(sqlite_desk)
    with socket.create_connection(("127.0.0.1", door.bot.port), timeout=5) as client:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4"))
    assert "Traceback" not in caplog.text
    assert door.post(json.dumps(MESSAGE).encode())[0] == 200
    with door.bot.deps.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(InboxRow)) == 1
