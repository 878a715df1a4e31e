"""The calls to Slack behind each kind of outbox row. They raise what slack_sdk raises, or NotDelivered."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from bot.delivery.faults import Fault, FaultKind, NotDelivered, fault_of_answer
from bot.storage.said import slack_ts

METADATA_TYPE = "firstline"  # of the metadata on each message; people never see it
CLOCKS_APART = timedelta(minutes=10)  # how far our clock may be from Slack's when looking for a message
PAGE_MESSAGES = 200
PAGES = 10


@dataclass(frozen=True, slots=True)
class Said:
    """Where a message stands."""

    channel_id: str
    ts: str


def open_conversation(client: WebClient, user_ids: list[str]) -> str:
    """The channel of the DM (one person) or group DM (several) with the bot."""
    opened: dict[str, Any] = client.conversations_open(users=user_ids)["channel"]
    return str(opened["id"])


def post_message(client: WebClient, channel_id: str, payload: dict[str, Any], dedupe_key: str) -> Said:
    """chat.postMessage, marked with its dedupe key, links not unfolded."""
    answered = client.chat_postMessage(
        channel=channel_id,
        thread_ts=payload.get("thread_ts"),
        text=payload["text"],
        blocks=payload["blocks"] or None,
        metadata={"event_type": METADATA_TYPE, "event_payload": {"dedupe_key": dedupe_key}},
        unfurl_links=False,
        unfurl_media=False,
    )
    return Said(answered["channel"], answered["ts"])


def find_message(
    client: WebClient,
    channel_id: str,
    thread_ts: str | None,
    dedupe_key: str,
    *,
    since: datetime,
    before_page: Callable[[], None],
) -> Said | None:
    """The message that carries ``dedupe_key``, if it was posted after all. ``before_page`` may raise to end the look."""
    for message in _history(client, channel_id, thread_ts, slack_ts(since - CLOCKS_APART), before_page):
        metadata = message.get("metadata") or {}
        if (
            metadata.get("event_type") == METADATA_TYPE
            and (metadata.get("event_payload") or {}).get("dedupe_key") == dedupe_key
        ):
            return Said(channel_id, message["ts"])
    return None


def _history(
    client: WebClient, channel_id: str, thread_ts: str | None, oldest: str, before_page: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    for _ in range(PAGES):
        before_page()
        asked: dict[str, Any] = {
            "channel": channel_id,
            "oldest": oldest,
            "limit": PAGE_MESSAGES,
            "cursor": cursor,
            "include_all_metadata": True,
        }
        answered = (
            client.conversations_replies(ts=thread_ts, **asked)
            if thread_ts
            else client.conversations_history(**asked)
        )
        yield from answered["messages"]
        cursor = (answered.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
    # Not seen in so many messages is not "not there".
    raise NotDelivered(Fault(FaultKind.PERMANENT, "too_many_messages_to_look_through"))


def update_message(client: WebClient, said: Said, payload: dict[str, Any]) -> None:
    """chat.update with text and blocks: left out, either would keep what it was."""
    client.chat_update(channel=said.channel_id, ts=said.ts, text=payload["text"], blocks=payload["blocks"])


def publish_home(client: WebClient, payload: dict[str, Any]) -> None:
    """views.publish."""
    client.views_publish(user_id=payload["user_id"], view=payload["view"])


def respond(webhook: WebhookClient, payload: dict[str, Any]) -> None:
    """Answer through a response_url; raises NotDelivered when it was not taken."""
    body = {name: value for name, value in payload.items() if name != "response_url" and value != []}
    answered = webhook.send_dict(body)
    word = _word(answered.body or "")
    if answered.status_code != 200 or word is not None:
        raise NotDelivered(fault_of_answer(answered.status_code, word, answered.headers))


def _word(body: str) -> str | None:
    """Slack's error word: response_urls answer "ok", a bare word, or JSON."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return None if body.strip() in ("", "ok") else body.strip()
    if not isinstance(parsed, dict) or parsed.get("ok") is not False:
        return None
    return str(parsed.get("error", "unknown_error"))
