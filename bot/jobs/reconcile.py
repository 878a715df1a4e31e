"""Takes up direct messages that never arrived: reads the DMs' histories and stores what the inbox does not know.

Slack gives a delivery up after an hour; after a longer outage this is how people are heard all the same. What it
cannot find: replies in threads (a DM's history shows only what is at the top) and clicks.
"""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.delivery.faults import FaultKind, fault_of
from bot.delivery.slack import Slack
from bot.storage.database import Clock, Database
from bot.storage.inbox import Delivery, store
from bot.storage.said import slack_ts
from bot.storage.tables import Conversation, InboxKind, InboxRow

log = logging.getLogger(__name__)

DMS_A_RUN = 40  # conversations.history allows about 50 calls a minute; the longest unread come first
ON_THE_WAY = timedelta(seconds=60)  # what is younger may still arrive by itself
OVERLAP = timedelta(minutes=10)  # read again, as our clock and Slack's may differ
PAGE_MESSAGES = 200
PAGES = 5
HEARD_SUBTYPES = (None, "file_share")


def reconcile(db: Database, clock: Clock, slack: Slack, wake: threading.Event) -> int:
    """Store missed messages of the DMs that were not read for longest; return how many. Raises SlackAway."""
    bot_id = slack.identity().user_id
    until = clock() - ON_THE_WAY
    missed = 0
    for dm in _longest_unread(db, until):
        try:
            messages = _read(slack.client(dm.team_id), dm, until)
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            if fault.kind is not FaultKind.PERMANENT:
                log.warning("reading direct messages stopped: %s", fault.code)
                break
            messages = []  # a person who has left: go on with the others
        heard = [message for message in messages if _is_from_person(message, bot_id)]
        with db.writing() as session:
            missed += _take(session, dm, heard, clock(), until)
    if missed:
        log.warning("%d direct messages had not arrived and were taken up", missed)
        wake.set()
    return missed


def _longest_unread(db: Database, until: datetime) -> Sequence[Conversation]:
    with db.reading() as session:
        return session.scalars(
            select(Conversation)
            .where(
                Conversation.channel_id.startswith("D"),
                Conversation.last_event_ts.is_(None) | (Conversation.last_event_ts < slack_ts(until)),
            )
            .order_by(Conversation.last_event_ts)
            .limit(DMS_A_RUN)
        ).all()


def _read(client: WebClient, dm: Conversation, until: datetime) -> list[dict[str, Any]]:
    """The DM's messages since it was read last, oldest first."""
    since = float(dm.last_event_ts) if dm.last_event_ts else until.timestamp()
    messages: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(PAGES):
        answered = client.conversations_history(
            channel=dm.channel_id,
            oldest=f"{since - OVERLAP.total_seconds():.6f}",
            latest=slack_ts(until),
            limit=PAGE_MESSAGES,
            cursor=cursor,
        )
        messages += answered["messages"]
        cursor = (answered.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
    return sorted(messages, key=lambda message: float(message["ts"]))


def _is_from_person(message: dict[str, Any], bot_id: str) -> bool:
    return (
        message.get("type") == "message"
        and message.get("subtype") in HEARD_SUBTYPES
        and bool(message.get("user"))
        and message["user"] != bot_id
        and not message.get("bot_id")
    )


def _take(
    session: Session, dm: Conversation, heard: Sequence[dict[str, Any]], now: datetime, until: datetime
) -> int:
    known = _known(session, dm, heard)
    missed = [message for message in heard if message["ts"] not in known]
    if missed:
        store(session, [_as_event(dm, message) for message in missed], now)
    session.execute(
        update(Conversation)
        .where(Conversation.team_id == dm.team_id, Conversation.members == dm.members)
        .values(last_event_ts=slack_ts(until))
    )
    return len(missed)


def _known(session: Session, dm: Conversation, heard: Sequence[dict[str, Any]]) -> set[str]:
    """The ts of those messages that the inbox has had, whatever became of them."""
    if not heard:
        return set()
    lanes = {f"{dm.team_id}:{message['user']}" for message in heard}
    bodies = session.scalars(
        select(InboxRow.body).where(InboxRow.lane.in_(lanes), InboxRow.kind == InboxKind.EVENT)
    )
    return {str(body["event"].get("ts")) for body in bodies if body["event"].get("channel") == dm.channel_id}


def _as_event(dm: Conversation, message: dict[str, Any]) -> Delivery:
    event_id = f"missed:{dm.channel_id}:{message['ts']}"
    return Delivery(
        kind=InboxKind.EVENT,
        delivery_key=f"{dm.team_id}:{event_id}",
        team_id=dm.team_id,
        lane=f"{dm.team_id}:{message['user']}",
        body={
            "type": "event_callback",
            "team_id": dm.team_id,
            "event_id": event_id,
            "event": {**message, "channel": dm.channel_id, "channel_type": "im", "event_ts": message["ts"]},
        },
    )
