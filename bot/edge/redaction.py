"""FIRSTLINE_REDACT=on: addresses, numbers, passwords and the like are replaced before a delivery is stored.

What is found, and by what it is replaced, is `classifier.personal_data`'s business: the model reads its messages through
the same function, so it sees what it would have seen anyway. Agents see the placeholders, too.
"""

import re
from dataclasses import replace
from typing import Any

from bot.blocks.text import escape, plain
from bot.storage.inbox import Delivery
from bot.storage.tables import InboxKind
from classifier.personal_data import redact

MAX_CHARACTERS = 40_000  # of a message in Slack
KEPT = (  # of an event, beside its words
    "type",
    "subtype",
    "user",
    "user_team",
    "team",
    "bot_id",
    "channel",
    "channel_type",
    "ts",
    "thread_ts",
    "parent_user_id",
    "event_ts",
    "deleted_ts",
    "hidden",
    "tab",
    "tokens",
)
# A command's word, and a request's number, a link to a message or a person: what these mean would be lost in `plain`.
_PERSON = r"(?:@?[UW][A-Z0-9]+|<@[UW][A-Z0-9]+(?:\|[^<>]*)?>)"
_REQUEST = r"(?:#?\d{1,9}|<?https?://[^\s<>/]+/archives/[^\s<>]+>?)"
WORD_AND_IDS = re.compile(rf"[a-z]*(?:\s+{_REQUEST})?(?:\s+{_PERSON})?", re.IGNORECASE)


def redacted(delivery: Delivery) -> Delivery:
    """The delivery as it is stored, what people typed redacted. A click holds ids and our own words, and stays as it is."""
    match delivery.kind:
        case InboxKind.EVENT:
            return _redacted_event(delivery)
        case InboxKind.COMMAND:
            return _redacted_command(delivery)
        case InboxKind.ACTION:
            return delivery


def _redacted_command(delivery: Delivery) -> Delivery:
    text = str(delivery.body.get("text") or "").strip()
    if WORD_AND_IDS.fullmatch(text):
        return delivery
    return replace(delivery, body=delivery.body | {"text": _words(text)})


def _redacted_event(delivery: Delivery) -> Delivery:
    """Of an event's words only its text and the names of its files."""
    event = delivery.body["event"]
    kept: dict[str, Any] = {name: event[name] for name in KEPT if name in event}
    if isinstance(event.get("text"), str):
        kept["text"] = _words(event["text"])
    if isinstance(event.get("files"), list):
        files = [file for file in event["files"] if isinstance(file, dict)]
        kept["files"] = [{"name": redact(str(file.get("name") or "file"))} for file in files]
    return replace(delivery, body=delivery.body | {"event": kept})


def _words(mrkdwn: str) -> str:
    """Plain words without personal data, escaped as Slack sends them."""
    return escape(redact(plain(mrkdwn)), 5 * MAX_CHARACTERS)
