"""What the bot has said and where: posted messages by their key, and the conversations it can say things in."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.storage.statements import insert_into
from bot.storage.tables import Conversation, OutboxKind, OutboxRow, PostedMessage, RowState


def slack_ts(at: datetime) -> str:
    """A moment as Slack writes it: seconds with six decimals."""
    return f"{at.timestamp():.6f}"


def members_key(user_ids: Sequence[str]) -> str:
    """The members of a conversation as `conversations` knows them."""
    return ",".join(sorted(user_ids))


def find_channel(session: Session, team_id: str, user_ids: Sequence[str]) -> str | None:
    """The DM or group DM with these people, None when none was opened yet."""
    found = session.get(Conversation, (team_id, members_key(user_ids)))
    return found.channel_id if found else None


def is_conversation(session: Session, team_id: str, channel_id: str) -> bool:
    """Whether this channel is a known DM or group DM."""
    return (
        session.scalar(
            select(Conversation.members)
            .where(Conversation.team_id == team_id, Conversation.channel_id == channel_id)
            .limit(1)
        )
        is not None
    )


def remember_channel(
    session: Session, team_id: str, user_ids: Sequence[str], channel_id: str, *, read_on_from: str
) -> None:
    """Remember a conversation, unless it is known; the reconciler reads on from the ts ``read_on_from``."""
    session.execute(
        insert_into(session, Conversation)
        .values(
            team_id=team_id,
            members=members_key(user_ids),
            channel_id=channel_id,
            last_event_ts=read_on_from,
        )
        .on_conflict_do_nothing(index_elements=["team_id", "members"])
    )


def find_posted(session: Session, team_id: str, message_key: str) -> PostedMessage | None:
    """Where a message stands in Slack, None when it was not posted."""
    return session.get(PostedMessage, (team_id, message_key))


def to_be_posted_at(session: Session, team_id: str, message_key: str) -> datetime | None:
    """When the message that the outbox holds under this key is tried next; None when it holds none."""
    return session.scalar(
        select(OutboxRow.due_at).where(
            OutboxRow.team_id == team_id,
            OutboxRow.message_key == message_key,
            OutboxRow.kind == OutboxKind.POST,
            OutboxRow.state.in_([RowState.READY, RowState.CLAIMED]),
        )
    )


def remember_posted(session: Session, posted: Sequence[PostedMessage]) -> None:
    """Remember where messages stand, so that they can be updated; in one statement."""
    if not posted:
        return
    insert = insert_into(session, PostedMessage)
    known = {name: insert.excluded[name] for name in ("channel_id", "ts", "posted_at")}
    session.execute(
        insert.on_conflict_do_update(index_elements=["team_id", "message_key"], set_=known),
        [
            {
                "team_id": message.team_id,
                "message_key": message.message_key,
                "channel_id": message.channel_id,
                "ts": message.ts,
                "posted_at": message.posted_at,
            }
            for message in posted
        ],
    )
