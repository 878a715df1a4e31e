"""The guard: who sent it, what it is, and whether it is sound."""

import contextlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edge.guard import BODY_LIMIT_BYTES, Answer, Arrival, Guard, Refusal, classify
from bot.edge.parsing import Malformed, parse_body, tidy
from bot.edge.shapes import EVENTS
from bot.heard import HEARD_EVENTS
from bot.storage.tables import InboxKind

Sign = Callable[..., dict[str, str]]
SECRET = "a test's signing secret"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def judge(clock, sign: Sign) -> Callable[..., Any]:
    """Judges a body that is signed well."""

    def run(body: bytes | dict[str, Any], content_type: str = "application/json") -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Guard(SECRET, clock).judge(sign(raw, clock(), content_type), raw)

    return run


def form(payload: dict[str, Any]) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


def click(action_id: str = "close_with_suggestion:1", **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "trigger_id": "123.456.abc",
        "actions": [{"action_id": action_id, "value": "1"}],
    } | more


def submission(**view: Any) -> dict[str, Any]:
    """A form that is handed in; ``view`` replaces parts of its view."""
    values = {"zone": {"zone": {"type": "plain_text_input", "value": None}}}
    whole = {"id": "V1", "type": "modal", "callback_id": "agent_form", "state": {"values": values}}
    return {
        "type": "view_submission",
        "team": {"id": "T1"},
        "user": {"id": "U1", "team_id": "T1"},
        "view": whole | view,
    }


def command(**more: Any) -> dict[str, Any]:
    return {"command": "/firstline", "text": "on", "team_id": "T1", "user_id": "U1"} | more


def test_a_signed_message_becomes_a_delivery_of_its_person(judge, make_event) -> None:
    """The key is the event's, the lane is the person's."""
    arrival = judge(make_event())
    assert isinstance(arrival, Arrival)
    assert arrival.delivery.kind is InboxKind.EVENT
    assert arrival.delivery.delivery_key == "T1:Ev1"
    assert (arrival.delivery.team_id, arrival.delivery.lane) == ("T1", "T1:U1")
    assert arrival.delivery.body["event"]["text"] == "hi"
    assert not arrival.is_urgent


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": "v0=abc"},
        {"x-slack-request-timestamp": "now", "x-slack-signature": "v0=abc"},
        {"x-slack-request-timestamp": "9" * 400, "x-slack-signature": "v0=abc"},
        {"x-slack-request-timestamp": "9" * 5000, "x-slack-signature": "v0=abc"},
        {"x-slack-request-timestamp": "1772442000", "x-slack-signature": "v0=ünsigned"},
        {"x-slack-request-timestamp": "1772442000", "x-slack-signature": ""},
        {"x-slack-request-timestamp": "\udcff", "x-slack-signature": "v0=\udcff"},
    ],
)
def test_what_slack_did_not_sign_is_refused(clock, headers: dict[str, str]) -> None:
    """A missing, wrong or nonsensical signature is a 401 and never an exception."""
    verdict = Guard(SECRET, clock).judge(headers, b"{}")
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401


def test_a_changed_body_is_refused(clock, sign: Sign) -> None:
    """The signature covers every byte."""
    verdict = Guard(SECRET, clock).judge(sign(b'{"a": 1}', clock()), b'{"a": 2}')
    assert isinstance(verdict, Refusal)
    assert verdict.status == 401


def test_a_recorded_request_cannot_be_played_again_later(clock, sign: Sign, make_event) -> None:
    """Five minutes after it was signed a request is stale."""
    raw = json.dumps(make_event()).encode()
    headers = sign(raw, clock())
    guard = Guard(SECRET, clock)
    clock.forward(299)
    assert isinstance(guard.judge(headers, raw), Arrival)
    clock.forward(2)
    assert guard.judge(headers, raw) == Refusal(401, "not signed by Slack, or too long ago")


def test_a_body_that_is_not_utf8_is_refused(judge) -> None:
    """Slack signs text, so what is no text cannot be verified."""
    assert judge(b'{"type": "\xff\xfe"}').status == 401


def test_a_body_over_the_limit_is_refused_before_it_is_verified(clock) -> None:
    """Nobody makes us compute a signature over a flood."""
    verdict = Guard(SECRET, clock).judge({}, b"x" * (BODY_LIMIT_BYTES + 1))
    assert isinstance(verdict, Refusal)
    assert verdict.status == 413


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'"text"', "application/json"),
        (b"{}", "application/json"),
        (b'{"type": 7}', "application/json"),
        (b'{"type": {"a": 1}}', "application/json"),
        (b'{"type": ["event_callback"]}', "application/json"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "application/json"),
        (b'{"a":' * 90 + b"1" + b"}" * 90, "application/json"),
        (b'{"type": "event_callback", "a": NaN}', "application/json"),
        (b'{"type": "event_callback", "a": 1e999}', "application/json"),
        (b'{"type": "event_callback", "a": ' + b"9" * 5000 + b"}", "application/json"),
        (b'{"type": "event_callback", "team_id": "T1"}', "application/json"),
        (b'{"type": "event_callback", "team_id": "T1", "event": []}', "application/json"),
        (b'{"type": "event_callback", "team_id": "T1", "event": {}}', "application/json"),
        (b'{"type": "event_callback", "event": {"type": "message"}}', "application/json"),
        (
            b'{"type": "event_callback", "team_id": "' + b"T" * 40 + b'", "event": {"type": "m"}}',
            "application/json",
        ),
        (
            b'{"type": "event_callback", "team_id": "T1", "event": {"type": "message", "text": "\\ud800"}}',
            "application/json",
        ),
        (b'{"type": "event_callback", "\\udfff": 1}', "application/json"),
        (b'{"type": "url_verification"}', "application/json"),
        (b"payload=%7B", FORM),
        (b"payload=", FORM),
        (b"payload=%5B%5D", FORM),
        (b"payload=%FF%FE", FORM),
        (b"text=hello", FORM),
        (b"command=%2Ffirstline", FORM),
        (b"&".join(b"a%d=1" % n for n in range(2000)), FORM),
        (form({"type": "block_actions", "team": {"id": "T1"}}), FORM),
        (form({"type": "block_actions", "team": {"id": "T1"}, "actions": []}), FORM),
        (form({"type": "block_actions", "team": {"id": "T1"}, "actions": ["x"]}), FORM),
        (form({"type": "block_actions", "team": {"id": "T1"}, "actions": {"0": 1}}), FORM),
        (form({"type": "view_submission"}), FORM),
    ],
)
def test_a_signed_body_that_makes_no_sense_is_refused_as_such(judge, body: bytes, content_type: str) -> None:
    """Malformed JSON, forms, nesting, numbers, characters and kinds are a 400 and never an exception."""
    verdict = judge(body, content_type)
    assert isinstance(verdict, Refusal)
    assert verdict.status == 400


@pytest.mark.parametrize(
    "unheard",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed", "message": {"bot_id": "B1"}},
        {"subtype": "message_changed", "message": {"user": "U7"}},
        {"subtype": "message_deleted", "user": None},
        {"subtype": ["file_share"]},
        {"user": None},
        {"user": "USLACKBOT"},
        {"channel_type": "channel"},
        {"type": "reaction_added"},
        {"type": "app_home_opened", "bot_id": "B1"},
    ],
)
def test_what_nobody_listens_for_is_acknowledged_and_not_stored(
    judge, make_event, unheard: dict[str, Any]
) -> None:
    """Each card of ours comes back as an event, as does each edit and deletion of anybody's."""
    assert judge(json.dumps(make_event(**unheard)).encode()) == Answer()


@pytest.mark.parametrize(
    "heard",
    [
        {},
        {"subtype": "file_share"},
        {"subtype": "thread_broadcast", "thread_ts": "1.0"},
        {"subtype": "me_message"},
        {"type": "app_home_opened", "channel_type": None},
        {"type": "app_uninstalled", "user": None, "channel_type": None},
        {"type": "tokens_revoked", "user": None, "channel_type": None},
    ],
)
def test_what_somebody_listens_for_is_stored(judge, make_event, heard: dict[str, Any]) -> None:
    """A person's message, their files, their reply to a thread and its channel; and what concerns the app itself."""
    assert isinstance(judge(json.dumps(make_event(**heard)).encode()), Arrival)


ODD_IDS = (None, "", 5, [], {}, "U" * 33)
ODD_EVENTS: list[dict[str, Any]] = [
    *({"user": odd} for odd in (5, [], {"id": "U1"}, "U" * 33)),
    *({"channel": odd} for odd in ODD_IDS),
    *({"ts": odd} for odd in (None, "", 1772442000.0001, "nan", "abc", "1" * 200 + ".1", "١.١")),
    *({"text": odd} for odd in (17, ["a"], {"a": 1})),
    *({"thread_ts": odd} for odd in ("", 17.5, "1" * 200, [])),
    *({"parent_user_id": odd} for odd in (5, "U" * 33)),
    *({"files": odd} for odd in ("x", ["x"], {"name": "a.png"}, 5)),
    {"team": 5},
    *({"type": "app_home_opened", "user": odd} for odd in (*ODD_IDS, {"id": "U1"})),
    {"type": "app_home_opened", "channel": "D" * 33},
    *({"type": "tokens_revoked", "tokens": odd} for odd in (["bot"], "bot", 5)),
    {"type": "app_uninstalled", "user": "U" * 33},
]


@pytest.mark.parametrize("odd", ODD_EVENTS, ids=str)
def test_an_event_that_its_listener_cannot_read_is_refused(judge, make_event, odd: dict[str, Any]) -> None:
    """Stored, it would be tried again and again, and nobody would ever be answered."""
    verdict = judge(make_event(**odd))
    assert isinstance(verdict, Refusal)
    assert verdict.status == 400


@pytest.mark.parametrize(
    "odd",
    [
        *({"authorizations": odd} for odd in (5, [5, None], {"a": 1}, [{"team_id": 5}], [{"enterprise": 5}])),
        {"team_id": 5, "enterprise_id": "E1"},
        {"enterprise_id": ["E1"]},
        {"enterprise": 5},
        {"user": 5},
        {"enterprise_id": "E" * 33},
        {"command": "/firstline"},
    ],
    ids=str,
)
def test_an_envelope_that_bolt_cannot_read_is_refused(judge, make_event, odd: dict[str, Any]) -> None:
    """Bolt looks for ids in more places than any listener does."""
    assert judge(make_event() | odd).status == 400


def test_what_is_unknown_does_no_harm(judge, make_event) -> None:
    """Slack adds fields as it likes, and leaves out what is empty."""
    more: dict[str, Any] = {"metadata": [5], "assistant_thread": {"x": 1}, "is_enterprise_install": "odd"}
    assert isinstance(judge(make_event(text=None, files=[{"name": 5}, {}], thread_ts=None, **more)), Arrival)
    assert isinstance(judge(make_event() | more | {"authorizations": []}), Arrival)
    assert isinstance(judge(form(click(channel=None, message=None, **more)), FORM), Arrival)
    assert isinstance(judge(form(submission(hash=5) | more), FORM), Arrival)
    assert isinstance(judge(urlencode(command(text="", enterprise_id="", new="")).encode(), FORM), Arrival)


ODD_CLICKS: list[dict[str, Any]] = [
    *({"user": odd} for odd in (None, "U1", 5, ["U1"], {}, *({"id": odd} for odd in ODD_IDS))),
    {"user": {"id": "U1", "team_id": 5}},
    *({"team": odd} for odd in (5, "T1", {"id": 5}, {"id": "T" * 33})),
    {"team": None, "enterprise": {"id": "E1"}},
    {"trigger_id": 5},
    *({"response_url": odd} for odd in ("", 5, "file:///etc/passwd", {"a": 1})),
    {"channel": {"id": 5}},
    {"channel": 5},
    {"command": "/firstline"},
    *(
        {"actions": [odd]}
        for odd in (
            {"value": "1"},
            *({"action_id": odd, "value": "1"} for odd in (None, 5, {"a": 1}, ["edit_me"])),
            *({"action_id": "ask_person", "value": odd} for odd in (1, [1], {"a": 1}, True)),
            {"action_id": "ask_person", "action_ts": 5},
        )
    ),
    {"actions": [{"action_id": "ask_person"}, 5]},
]


@pytest.mark.parametrize("odd", ODD_CLICKS, ids=str)
def test_a_click_that_its_listener_cannot_read_is_refused(judge, odd: dict[str, Any]) -> None:
    """Whoever pressed could never be told what came of it."""
    assert judge(form(click(**odd)), FORM).status == 400


def test_a_click_in_an_organisation_names_its_persons_workspace(judge) -> None:
    """Where an app is installed for a whole organisation, the click itself may name no workspace."""
    whole = click(team=None, enterprise={"id": "E1"}, user={"id": "U1", "team_id": "T1"})
    assert isinstance(judge(form(whole), FORM), Arrival)


def _inputs(state: Any) -> dict[str, Any]:
    return {"state": {"values": {"b": {"zone": state}}}}


ODD_VIEWS: list[dict[str, Any]] = [
    *({"id": odd} for odd in (None, 5)),
    *({"type": odd} for odd in (None, 5)),
    *({"callback_id": odd} for odd in (None, 5, ["agent_form"])),
    {"app_installed_team_id": 5},
    *(
        {"state": odd}
        for odd in (None, [], "x", {}, {"values": None}, {"values": []}, {"values": {"b": "5"}})
    ),
    *(_inputs(odd) for odd in (None, "5", {"value": 5}, {"selected_option": 5}, {"selected_option": ["x"]})),
    *(_inputs({"selected_option": odd}) for odd in ({"text": "x"}, {"value": 5})),
    *(_inputs({"selected_options": odd}) for odd in (5, {"value": "x"}, ["x"], [{"text": "x"}])),
]


@pytest.mark.parametrize("odd", ODD_VIEWS, ids=str)
def test_a_form_that_its_listener_cannot_read_is_refused(judge, odd: dict[str, Any]) -> None:
    """A 503 would say that trying again may help."""
    assert judge(form(submission(**odd)), FORM).status == 400


@pytest.mark.parametrize("view", [None, "x", [], 5])
def test_a_form_without_a_view_is_refused(judge, view: Any) -> None:
    """There is nothing in it."""
    assert judge(form(submission() | {"view": view}), FORM).status == 400


@pytest.mark.parametrize(
    "odd",
    [
        *({"user_id": odd} for odd in ODD_IDS),
        {"team_id": None, "enterprise_id": "E1"},
        {"text": 5},
        {"trigger_id": {"id": "7"}},
        {"response_url": 5},
        {"channel_id": 5},
        {"type": "block_actions"},
    ],
    ids=str,
)
def test_a_command_that_its_listener_cannot_read_is_refused(judge, odd: dict[str, Any]) -> None:
    """As JSON too: over Socket Mode it is never a form."""
    assert judge(command(**odd)).status == 400


def test_each_event_that_is_heard_has_a_shape() -> None:
    """Whoever listens for another says what must be in it."""
    assert set(EVENTS) == set(HEARD_EVENTS)


def test_the_handshake_is_answered_with_its_challenge(judge) -> None:
    """Slack checks a request URL by having a word sent back."""
    assert judge({"type": "url_verification", "challenge": "c-1"}) == Answer("c-1")


def test_a_certificate_check_is_answered(judge) -> None:
    """Slack now and then checks that the URL can be reached at all."""
    assert judge(b"ssl_check=1&token=x", FORM) == Answer()


@pytest.mark.parametrize("kind", ["app_rate_limited", "shortcut", "message_action", "view_closed", "new"])
def test_a_kind_that_nobody_waits_for_is_acknowledged(judge, kind: str) -> None:
    """What no listener is for is neither stored nor sent to us three more times."""
    assert judge({"type": kind, "team": {"id": "T1"}, "user": {"id": "U1"}}) == Answer()


@pytest.mark.parametrize("trigger", [None, ""])
def test_a_command_without_a_trigger_is_known_by_all_of_it(judge, trigger: Any) -> None:
    """The same one is the same when it comes again, and no other is taken for it."""
    keys = [
        judge(
            {"command": "/firstline", "text": text, "team_id": "T1", "user_id": "U1", "trigger_id": trigger}
        ).delivery.delivery_key
        for text in ("on", "on", "away")
    ]
    assert keys[0] == keys[1] != keys[2]
    assert all(len(key) == len("T1:") + 32 for key in keys)


def test_a_click_is_known_by_its_trigger(judge) -> None:
    """A click has no event id; its trigger is as unique."""
    arrival = judge(form(click()), FORM)
    assert arrival.delivery.kind is InboxKind.ACTION
    assert arrival.delivery.delivery_key == "T1:123.456.abc"
    assert arrival.delivery.lane == "T1:U1"
    assert arrival.delivery.body["actions"][0]["action_id"] == "close_with_suggestion:1"
    assert not arrival.is_urgent


def test_a_click_without_trigger_is_known_by_what_it_says(judge) -> None:
    """The same click again has the same key, another one does not."""
    once = judge(form(click(trigger_id=None)), FORM).delivery.delivery_key
    again = judge(form(click(trigger_id=None)), FORM).delivery.delivery_key
    other = judge(form(click(trigger_id=None, action_ts="2")), FORM).delivery.delivery_key
    assert once == again != other


def test_a_command_is_delivered_as_its_fields(judge) -> None:
    """Slash commands are flat forms."""
    body = urlencode(
        {
            "command": "/firstline",
            "text": "stats 7d",
            "team_id": "T1",
            "user_id": "U9",
            "channel_id": "C1",
            "trigger_id": "t.1",
            "response_url": "https://hooks.example/x",
        }
    ).encode()
    arrival = judge(body, FORM)
    assert arrival.delivery.kind is InboxKind.COMMAND
    assert (arrival.delivery.delivery_key, arrival.delivery.lane) == ("T1:t.1", "T1:U9")
    assert arrival.delivery.body["text"] == "stats 7d"


def test_what_slack_waits_for_is_urgent(judge) -> None:
    """A modal that is handed in waits for its answer, so it cannot take the way over the inbox."""
    assert judge(form(submission()), FORM).is_urgent


@pytest.mark.parametrize(
    ("text", "is_urgent"), [("me", True), (" ME now", True), ("", False), ("next", False), ("meet me", False)]
)
def test_a_command_that_opens_a_modal_is_urgent(judge, text: str, is_urgent: bool) -> None:
    """Its trigger lives three seconds; every other command is stored first."""
    fields = {"command": "/firstline", "text": text, "team_id": "T1", "user_id": "U1", "trigger_id": "1.2.x"}
    assert judge(urlencode(fields).encode(), FORM).is_urgent is is_urgent


def test_a_click_that_opens_a_modal_is_urgent(judge) -> None:
    """The same holds for the button on App Home."""
    assert judge(form(click("edit_me")), FORM).is_urgent
    assert not judge(form(click("edit_me_not")), FORM).is_urgent


def test_characters_that_a_database_refuses_are_taken_out(judge, make_event) -> None:
    """NUL in words, keys and lists is gone, everything else stays as it was."""
    body = make_event(text="a\x00b ünï 🙂 \u202eright to left", blocks=[{"\x00k": ["\x00"]}])
    event = judge(body).delivery.body["event"]
    assert event["text"] == "ab ünï 🙂 \u202eright to left"
    assert event["blocks"] == [{"k": [""]}]


def test_an_event_belongs_to_the_lane_of_its_author(judge, make_event) -> None:
    """What concerns the app itself has a lane of its own."""
    named, uninstalled = judge(make_event(user="U7")), judge(make_event(type="app_uninstalled", user=None))
    assert [a.delivery.lane for a in (named, uninstalled)] == ["T1:U7", "T1:-"]


def test_an_organisation_wide_event_finds_its_workspace(judge, make_event) -> None:
    """Where no workspace is named at the top, the authorisation names it, or the organisation stands for it."""
    body = make_event() | {"team_id": None}
    assert judge(body | {"authorizations": [{"team_id": "T5"}]}).delivery.team_id == "T5"
    assert judge(body | {"enterprise_id": "E5"}).delivery.team_id == "E5"
    assert judge(body | {"authorizations": "odd"}).status == 400


def test_a_delivery_without_an_id_is_known_by_what_it_holds(judge, make_event) -> None:
    """Said again, in whatever order, it is the same one; with another word in it, it is another."""
    body = make_event(event_id="")
    key = judge(body).delivery.delivery_key
    assert judge(dict(reversed(body.items()))).delivery.delivery_key == key
    assert judge(make_event("other words", event_id="")).delivery.delivery_key != key


def test_a_workspace_is_never_shortened(judge, make_event) -> None:
    """Its id fits its column or the delivery is refused: shortened, it could be another's."""
    assert judge(make_event() | {"team_id": "T" * 32}).delivery.team_id == "T" * 32
    assert judge(make_event() | {"team_id": "T" * 33}).status == 400


def test_a_key_that_is_too_long_for_its_column_is_shortened_to_a_fingerprint(judge, make_event) -> None:
    """Nothing that Slack sends makes an insert fail for its length."""
    arrival = judge(make_event(event_id="E" * 500))
    assert len(arrival.delivery.delivery_key) <= 128
    fits = "E" * (128 - len("T1:"))
    assert judge(make_event(event_id=fits)).delivery.delivery_key == f"T1:{fits}"
    assert len(judge(make_event(event_id=f"{fits}E")).delivery.delivery_key) < 128


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
known_names = st.sampled_from(
    [
        *("type", "event", "event_id", "team_id", "team", "user", "user_id", "channel", "actions"),
        *("trigger_id", "command", "authorizations", "enterprise", "challenge", "message", "ssl_check"),
    ]
)
known_kinds = st.sampled_from(
    ["event_callback", "block_actions", "view_submission", "url_verification", "shortcut", "x"]
)
near_misses = st.dictionaries(
    known_names, json_values | st.dictionaries(known_names, json_values), max_size=8
).flatmap(lambda body: known_kinds.map(lambda kind: body | {"type": kind}))


@given(near_misses)
def test_whatever_has_the_shape_of_a_delivery_is_judged_without_raising(body: dict[str, Any]) -> None:
    """Any object is an arrival that fits the database's columns, is answered, or is malformed."""
    try:
        verdict = classify(tidy(body))
    except Malformed:
        return
    if isinstance(verdict, Arrival):
        assert len(verdict.delivery.delivery_key) <= 128
        assert len(verdict.delivery.lane) <= 80
        assert len(verdict.delivery.team_id) <= 32
        assert "\\u0000" not in json.dumps(verdict.delivery.body)
        json.dumps(verdict.delivery.body, allow_nan=False).encode()


@given(st.binary(max_size=300), st.sampled_from(["application/json", FORM, "text/plain", ""]))
def test_no_bytes_make_the_parser_raise_anything_but_malformed(body: bytes, content_type: str) -> None:
    """Bytes that happen to be signed are an object or malformed."""
    with contextlib.suppress(Malformed):
        assert isinstance(parse_body(content_type, body), dict)
