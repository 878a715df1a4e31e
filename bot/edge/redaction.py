"""FIRSTLINE_REDACT=on: addresses, numbers, passwords and the like are replaced before a delivery is stored.

What is found, and by what it is replaced, is `classifier.personal_data`'s business: the model reads its messages through
the same function, so it sees what it would have seen anyway. Agents see the placeholders, too.
"""

from dataclasses import replace
from typing import Any

from bot.blocks.text import escape, plain
from bot.storage.inbox import Delivery
from bot.storage.tables import InboxKind
from classifier.personal_data import redact

MAX_CHARACTERS = 40_000  # of a message in Slack
KEPT = (
    "type",
    "subtype",
    "user",
    "channel",
    "channel_type",
    "ts",
    "thread_ts",
    "parent_user_id",
    "event_ts",
    "tab",
)
KEPT_TOO = ("team", "user_team", "bot_id", "hidden", "deleted_ts", "tokens")


def redacted(delivery: Delivery) -> Delivery:
    """The delivery as it is stored: of an event's words only its text and the names of its files, both redacted."""
    if delivery.kind is not InboxKind.EVENT:
        return delivery  # clicks and commands hold ids and our own words
    event = delivery.body["event"]
    kept: dict[str, Any] = {name: event[name] for name in (*KEPT, *KEPT_TOO) if name in event}
    if isinstance(event.get("text"), str):
        kept["text"] = _words(event["text"])
    if isinstance(event.get("files"), list):
        files = [file for file in event["files"] if isinstance(file, dict)]
        kept["files"] = [{"name": redact(str(file.get("name") or "file"))} for file in files]
    return replace(delivery, body=delivery.body | {"event": kept})


def _words(mrkdwn: str) -> str:
    """Plain words without personal data, escaped as Slack sends them."""
    return escape(redact(plain(mrkdwn)), 5 * MAX_CHARACTERS)
