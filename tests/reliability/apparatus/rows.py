"""Rows as the bot would have written them, with no more in them than they must have."""

from typing import Any

from bot.lifecycle import RequestState
from bot.storage.tables import InboxKind, OutboxKind, RowState
from tests.scenarios.conftest import utc_now


def inbox_row(key: str, state: RowState, at: Any) -> dict[str, Any]:
    """A delivery as the edge would have stored it."""
    return {
        "delivery_key": key, "team_id": "T1", "lane": f"T1:{key}", "kind": InboxKind.EVENT, "body": {},
        "state": state, "attempts": 1, "received_at": at, "due_at": at,
    }  # fmt: skip


def outbox_row(key: str, state: RowState, at: Any) -> dict[str, Any]:
    """Something to say."""
    return {
        "dedupe_key": key, "team_id": "T1", "lane": key, "kind": OutboxKind.POST, "payload": {},
        "state": state, "attempts": 1, "created_at": at, "due_at": at,
    }  # fmt: skip


def request_row(number: int, state: RequestState) -> dict[str, Any]:
    """A support request of its own thread."""
    return {
        "team_id": "T1", "requester_id": "U1", "channel_id": "D1", "thread_ts": str(number), "text": "",
        "state": state, "opened_at": utc_now(), "reopened_count": 0,
    }  # fmt: skip
