"""Writes what is to be said, in the transaction that changes what it tells about.

Nothing here talks to Slack: :mod:`bot.delivery.sender` does, row by row, after the commit. A row's ``dedupe_key`` names
the thing said, so writing it twice (a replayed delivery, a second click) says it once.
Each row names the delivery that the unit of work was opened for, and the support request it is about (``request_id``), so
that the log can be followed from a message to what came of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block
from sqlalchemy.orm import Session

from bot.ids import digest
from bot.storage.statements import insert_into
from bot.storage.tables import OutboxKind, OutboxRow, RowState
from bot.storage.work import CAUSE, Claim


@dataclass(frozen=True, slots=True)
class Address:
    """Where to say it: a known channel (and thread), or people (one: their DM; several: a group DM with the bot)."""

    team_id: str
    channel_id: str | None = None
    user_ids: tuple[str, ...] = ()
    thread_ts: str | None = None

    def __post_init__(self) -> None:
        if (self.channel_id is None) == (not self.user_ids):
            raise ValueError("an address is either a channel or people")

    @property
    def lane(self) -> str:
        """Rows of one lane are said in order and not faster than Slack allows for one channel."""
        return f"{self.team_id}:{self.channel_id or ','.join(sorted(self.user_ids))}"


def post(
    session: Session,
    now: datetime,
    to: Address,
    *,
    key: str,
    text: str,
    blocks: Sequence[Block] = (),
    request_id: int | None = None,
) -> None:
    """Say something new, once: ``key`` (see :func:`bot.ids.message_key`) names it and lets `update` find it."""
    _write(
        session, now, OutboxKind.POST, to.team_id, to.lane, key, key, _message(to, text, blocks), request_id
    )


def update(
    session: Session,
    now: datetime,
    to: Address,
    *,
    key: str,
    version: str,
    text: str,
    blocks: Sequence[Block] = (),
    request_id: int | None = None,
) -> None:
    """Change what was posted under ``key``; ``version`` names this change. Always sends text and blocks together."""
    _write(
        session,
        now,
        OutboxKind.UPDATE,
        to.team_id,
        to.lane,
        f"{key}@{version}",
        key,
        _message(to, text, blocks),
        request_id,
    )


def respond(
    session: Session,
    now: datetime,
    *,
    team_id: str,
    response_url: str,
    version: str,
    text: str,
    blocks: Sequence[Block] = (),
    replace_original: bool = False,
) -> None:
    """Answer a click or a command privately, through its ``response_url`` (5 uses within 30 minutes)."""
    payload = {
        "response_url": response_url,
        "text": text,
        "blocks": [block.to_dict() for block in blocks],
        "replace_original": replace_original,
        "response_type": "ephemeral",
    }
    lane = f"{team_id}:{digest(response_url)}"
    _write(session, now, OutboxKind.RESPOND, team_id, lane, f"respond:{version}", None, payload)


def publish_home(
    session: Session, now: datetime, *, team_id: str, user_id: str, version: str, blocks: Sequence[Block]
) -> None:
    """Show a person's App Home."""
    view = {"type": "home", "blocks": [block.to_dict() for block in blocks]}
    _write(
        session,
        now,
        OutboxKind.PUBLISH_HOME,
        team_id,
        f"{team_id}:home:{user_id}",
        f"home:{user_id}:{version}",
        None,
        {"user_id": user_id, "view": view},
    )


def _message(to: Address, text: str, blocks: Sequence[Block]) -> dict[str, Any]:
    return {
        "channel_id": to.channel_id,
        "user_ids": list(to.user_ids),
        "thread_ts": to.thread_ts,
        "text": text,
        "blocks": [block.to_dict() for block in blocks],
    }


def _write(
    session: Session,
    now: datetime,
    kind: OutboxKind,
    team_id: str,
    lane: str,
    dedupe_key: str,
    message_key: str | None,
    payload: dict[str, Any],
    request_id: int | None = None,
) -> None:
    cause: Claim | None = session.info.get(CAUSE)
    row = {
        "kind": kind,
        "team_id": team_id,
        "lane": lane,
        "dedupe_key": f"{team_id}:{dedupe_key}"[:128],
        "message_key": message_key,
        "payload": payload,
        "delivery_key": cause.delivery_key if cause else None,
        "arrived_at": cause.arrived_at if cause else None,
        "request_id": request_id,
        "state": RowState.READY,
        "attempts": 0,
        "created_at": now,
        "due_at": now,
    }
    session.execute(
        insert_into(session, OutboxRow).on_conflict_do_nothing(index_elements=["dedupe_key"]), [row]
    )
