"""Looks at the bytes of a request before anybody else does: who sent them, what they are, and whether they are sound.

Pure but for the clock. Bolt parses before it verifies and answers most malformed requests with a traceback;
behind this guard it only ever sees JSON objects of the kinds below, from Slack, of the shapes in `bot.edge.shapes`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from bot.edge import shapes
from bot.edge.parsing import Malformed, parse_body
from bot.heard import is_heard
from bot.ids import OPENING_ACTIONS, OPENING_WORDS, digest
from bot.storage.database import Clock
from bot.storage.inbox import Delivery
from bot.storage.tables import ID_LENGTH, InboxKind

BODY_LIMIT_BYTES = 1_000_000  # Slack's own bodies stay far below: a message has at most 40,000 characters
CLICK = "block_actions"
SUBMISSION = "view_submission"  # Slack waits for the listener's answer to a modal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Not for us: answered with ``status``; ``reason`` is for the log and holds nothing of the body."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answered here and now with 200 and ``text``: a handshake, or a kind that nobody waits for."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A delivery; ``is_urgent`` when Slack waits for what the listener answers, or for the modal it opens."""

    delivery: Delivery
    is_urgent: bool


Verdict = Refusal | Answer | Arrival


@dataclass(frozen=True, slots=True)
class _SignatureClock(SignatureClock):
    clock: Clock

    def now(self) -> float:
        return self.clock().timestamp()


class Guard:
    """Judges requests signed with ``signing_secret``."""

    def __init__(self, signing_secret: str, clock: Clock) -> None:
        self._verifier = SignatureVerifier(signing_secret, _SignatureClock(clock))

    def judge(self, headers: Mapping[str, str], body: bytes) -> Verdict:
        """What to do with a request; never raises. ``headers`` have lower-case names."""
        if len(body) > BODY_LIMIT_BYTES:
            return Refusal(413, "too large")
        if not self._is_signed(headers, body):
            return Refusal(401, "not signed by Slack, or too long ago")
        try:
            return classify(parse_body(headers.get("content-type", ""), body))
        except Malformed as error:
            return Refusal(400, str(error))

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp, signature = headers.get("x-slack-request-timestamp"), headers.get("x-slack-signature")
        try:
            return self._verifier.is_valid(body, timestamp, signature)
        except (ValueError, TypeError, OverflowError):
            # What the verifier makes of a timestamp that is no number or a huge one, a signature that is not ASCII,
            # and a body that is not UTF-8 (which Slack never signs).
            return False


def classify(body: dict[str, Any]) -> Verdict:
    """What a verified body is; raises Malformed. Shared by HTTP and Socket Mode."""
    kind = body.get("type")
    if kind == "url_verification":
        return Answer(_text(body, "challenge"))
    if "ssl_check" in body:
        return Answer()
    if kind == "event_callback":
        return _event(body)
    if isinstance(body.get("command"), str):
        return _command(body)
    if not isinstance(kind, str):
        raise Malformed("neither an event, nor an interaction, nor a command")
    if kind in (CLICK, SUBMISSION):
        return _interaction(body, kind)
    # Signed and sound, and of a kind that nobody here waits for, such as app_rate_limited or shortcut.
    return Answer()


def _event(body: dict[str, Any]) -> Arrival | Answer:
    event = body.get("event")
    if not isinstance(event, dict):
        raise Malformed("an event without an event")
    _text(event, "type")
    team_id = _team_id(body)
    if not is_heard(event):
        # Mostly our own card coming back to us: half of all deliveries are such echoes.
        return Answer()
    shapes.require(body, shapes.EVENTS[event["type"]])
    author = event.get("user")  # none where the app was uninstalled
    event_id = body.get("event_id")
    key = event_id if isinstance(event_id, str) and event_id else _fingerprint(body)
    return _arrival(InboxKind.EVENT, key, team_id, author, body, is_urgent=False)


def _command(body: dict[str, Any]) -> Arrival:
    team_id = _team_id(body)
    shapes.require(body, shapes.COMMAND)
    opens_modal = _word(body.get("text") or "") in OPENING_WORDS
    return _arrival(InboxKind.COMMAND, _trigger(body), team_id, body["user_id"], body, is_urgent=opens_modal)


def _interaction(body: dict[str, Any], kind: str) -> Arrival:
    team_id = _team_id(body)
    shapes.require(body, shapes.CLICK if kind == CLICK else shapes.SUBMISSION)
    author, team = body["user"], body.get("team") or {}
    if not (team.get("id") or author.get("team_id")):
        raise Malformed("no team of its person")
    is_urgent = kind == SUBMISSION or body["actions"][0]["action_id"] in OPENING_ACTIONS
    return _arrival(InboxKind.ACTION, _trigger(body), team_id, author["id"], body, is_urgent=is_urgent)


def _word(text: str) -> str:
    """The first word of a command's text, in lower case."""
    return text.strip().partition(" ")[0].lower()


def _arrival(
    kind: InboxKind, key: str, team_id: str, author: str | None, body: dict[str, Any], *, is_urgent: bool
) -> Arrival:
    return Arrival(
        Delivery(
            kind=kind,
            delivery_key=_fit(f"{team_id}:{key}", 128),
            team_id=team_id,
            lane=f"{team_id}:{author or '-'}",
            body=body,
        ),
        is_urgent,
    )


def _team_id(body: dict[str, Any]) -> str:
    """The workspace; for an app installed in a whole organisation, the organisation where no workspace is named."""
    authorised = body.get("authorizations")
    first = (
        authorised[0]
        if isinstance(authorised, list) and authorised and isinstance(authorised[0], dict)
        else {}
    )
    for candidate in (
        body.get("team_id"),
        body.get("team"),
        first.get("team_id"),
        body.get("enterprise_id"),
        body.get("enterprise"),
    ):
        if (found := _id(candidate)) is not None:
            if len(found) > ID_LENGTH:
                raise Malformed("the team's id is too long")
            return found
    raise Malformed("no team")


def _trigger(body: dict[str, Any]) -> str:
    return body.get("trigger_id") or _fingerprint(body)


def _id(value: Any) -> str | None:
    """An id that Slack gives either as a string or as an object with an ``id``."""
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) and value else None


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise Malformed(f"no {name}")
    return value


def _fingerprint(body: dict[str, Any]) -> str:
    return digest(json.dumps(body, sort_keys=True))


def _fit(name: str, length: int) -> str:
    return name if len(name) <= length else digest(name)
