"""What was found in a DM and is not in the inbox: stored there, as if Slack had delivered it."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.jobs.reading import Message
from bot.jobs.stretch import OVERLAP
from bot.storage.database import Database
from bot.storage.forgotten import read_from
from bot.storage.inbox import Delivery, Prepare, store
from bot.storage.said import slack_ts
from bot.storage.tables import Conversation, InboxKind, InboxRow


def take_missed(
    db: Database, dm: Conversation, heard: Sequence[Message], now: datetime, until: datetime, prepare: Prepare
) -> int:
    """Store those of ``heard`` that never arrived, and that the DM was read ``until`` then; return how many."""
    # Looked up before the write transaction, which others wait for. What arrives in between is stored twice, and
    # the service that opens requests ignores a message it knows.
    known = _known(db, dm, heard)
    missed = [message for message in heard if message["ts"] not in known]
    with db.writing() as session:
        missed = _not_forgotten(session, dm, missed)  # here, as somebody may be forgotten at this moment
        if missed:
            store(session, [prepare(_as_event(dm, message)) for message in missed], now)
        session.execute(
            update(Conversation)
            .where(Conversation.team_id == dm.team_id, Conversation.members == dm.members)
            .values(last_event_ts=slack_ts(until), read_at=now)
        )
    return len(missed)


def _not_forgotten(session: Session, dm: Conversation, messages: Sequence[Message]) -> list[Message]:
    """Without what was written before its author was forgotten: it is in Slack still, and must not come back here."""
    since = read_from(session, dm.team_id, dm.channel_id)
    return [message for message in messages if since is None or message["ts"] > slack_ts(since)]


def _known(db: Database, dm: Conversation, heard: Sequence[Message]) -> set[str]:
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


def _as_event(dm: Conversation, message: Message) -> Delivery:
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
