"""Takes up direct messages that never arrived: reads the DMs' histories and stores what the inbox does not know.

Slack gives a delivery up after an hour; after a longer outage this is how people are heard all the same. What it
cannot find: replies in threads (a DM's history shows only what is at the top), clicks, and DMs it has never heard of:
one is known once a message, or the news that a person has opened the bot's App Home, has arrived from it, or the bot
has written there. Who does all of that for the first time while the bot is away has to write again.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from sqlalchemy import select, update

from bot.delivery.faults import FaultKind, fault_of
from bot.delivery.slack import Slack
from bot.services.erasure import erased_mark
from bot.storage.database import Clock, Database
from bot.storage.inbox import Delivery, Prepare, as_it_is, store
from bot.storage.said import slack_ts
from bot.storage.tables import Conversation, InboxKind, InboxRow, Lock

log = logging.getLogger(__name__)

RUN_AT_MOST = timedelta(seconds=60)  # what is not read by then is the first to be read in the next run
DMS_A_RUN = 40  # conversations.history allows about 50 calls a minute; the longest unread come first
ON_THE_WAY = timedelta(seconds=60)  # what is younger may still arrive by itself
OVERLAP = timedelta(minutes=10)  # read again, as our clock and Slack's may differ
PAGE_MESSAGES = 200
PAGES = 5
HEARD_SUBTYPES = (None, "file_share")


class _RunEnds(Exception):
    """The run's time is up, or the bot stops; the DM being read counts as unread."""


def reconcile(
    db: Database,
    clock: Clock,
    slack: Slack,
    wake: threading.Event,
    stopping: threading.Event,
    prepare: Prepare = as_it_is,
) -> int:
    """Store missed messages of the DMs that were not read for longest; return how many. Raises SlackAway.

    Ends early, after a call to Slack, once ``stopping`` is set. ``prepare`` makes of each what is stored of it.
    """
    began_at = clock()
    until = began_at - ON_THE_WAY

    def check_time() -> None:
        if stopping.is_set() or clock() - began_at >= RUN_AT_MOST:
            raise _RunEnds

    bot_id = slack.identity().user_id
    missed = 0
    for dm in _longest_unread(db, until):
        try:
            messages = _read(slack.client, dm, until, check_time)
        except _RunEnds:
            break
        except Exception as error:
            fault = fault_of(error)
            if fault is None:
                raise
            if fault.kind is not FaultKind.PERMANENT:
                log.warning("reading direct messages stopped: %s", fault.code)
                break
            messages = []  # a person who has left: go on with the others
        heard = [message for message in messages if _is_from_person(message, bot_id)]
        heard = _not_erased(db, dm, heard)
        missed += _take(db, dm, heard, clock(), until, prepare)
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


def _read(
    client: WebClient, dm: Conversation, until: datetime, check_time: Callable[[], None]
) -> list[dict[str, Any]]:
    """The DM's messages since it was read last, oldest first. ``check_time`` may raise before each call."""
    since = float(dm.last_event_ts) if dm.last_event_ts else until.timestamp()
    messages: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(PAGES):
        check_time()
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


def _not_erased(db: Database, dm: Conversation, heard: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what was written before its author was forgotten: it is in Slack still, and must not come back here."""
    with db.reading() as session:
        mark = session.get(Lock, erased_mark(dm.team_id, dm.channel_id))
    return [message for message in heard if mark is None or message["ts"] > slack_ts(mark.taken_at)]


def _take(
    db: Database,
    dm: Conversation,
    heard: Sequence[dict[str, Any]],
    now: datetime,
    until: datetime,
    prepare: Prepare,
) -> int:
    # Looked up before the write transaction, which others wait for. What arrives in between is stored twice, and
    # the service that opens requests ignores a message it knows.
    known = _known(db, dm, heard)
    missed = [message for message in heard if message["ts"] not in known]
    with db.writing() as session:
        if missed:
            store(session, [prepare(_as_event(dm, message)) for message in missed], now)
        session.execute(
            update(Conversation)
            .where(Conversation.team_id == dm.team_id, Conversation.members == dm.members)
            .values(last_event_ts=slack_ts(until))
        )
    return len(missed)


def _known(db: Database, dm: Conversation, heard: Sequence[dict[str, Any]]) -> set[str]:
    """The ts of those messages that the inbox has had, whatever became of them."""
    if not heard:
        return set()
    lanes = {f"{dm.team_id}:{message['user']}" for message in heard}
    oldest = datetime.fromtimestamp(min(float(message["ts"]) for message in heard), UTC)
    with db.reading() as session:
        return set(
            session.scalars(
                select(InboxRow.body["event", "ts"].as_string()).where(
                    InboxRow.lane.in_(lanes),
                    InboxRow.kind == InboxKind.EVENT,
                    InboxRow.received_at >= oldest - OVERLAP,
                    InboxRow.body["event", "channel"].as_string() == dm.channel_id,
                )
            )
        )


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
