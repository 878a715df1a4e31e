"""What came in, what is to be said, and where it was said."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.columns import Base, RowId, choice


class InboxKind(StrEnum):
    """What Slack sent."""

    EVENT = "event"
    ACTION = "action"
    COMMAND = "command"


class RowState(StrEnum):
    """Where an inbox or outbox row stands."""

    READY = "ready"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"  # given up after the last attempt; `doctor` and the metrics show it


SETTLED = (RowState.DONE, RowState.DEAD)  # nothing is done with such a row any more


class Leased:
    """How far a row has been worked, and who holds it until when: what :mod:`bot.storage.claims` reads and writes."""

    state: Mapped[RowState] = mapped_column(choice(RowState), default=RowState.READY)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime]
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    fault: Mapped[str | None] = mapped_column(
        String(200)
    )  # the class of the last error, never people's words


class InboxRow(Leased, Base):
    """One verified delivery of Slack's, stored before it was acknowledged."""

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("delivery_key"),
        Index("ix_inbox_claimable", "state", "due_at"),
        Index("ix_inbox_lane", "lane", "state"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    delivery_key: Mapped[str] = mapped_column(String(128))
    team_id: Mapped[str] = mapped_column(String(32))
    lane: Mapped[str] = mapped_column(String(80))  # rows of one lane are worked in order, one at a time
    kind: Mapped[InboxKind] = mapped_column(choice(InboxKind))
    body: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]


class OutboxKind(StrEnum):
    """How a thing is said."""

    POST = "post"  # chat.postMessage
    UPDATE = "update"  # chat.update of a message we posted, found by its message_key
    RESPOND = "respond"  # to a response_url: private answers to clicks and commands
    PUBLISH_HOME = "publish_home"  # views.publish


# Nothing of these can be changed or looked for later: what they said is let go as soon as they are settled.
LET_GO = (OutboxKind.RESPOND, OutboxKind.PUBLISH_HOME)


class OutboxRow(Leased, Base):
    """One thing to say, written in the same transaction as what it tells about.

    ``delivery_key`` and ``arrived_at`` are of the delivery that caused it, None where a job did; ``request_id`` is the
    support request it is about, if it is about one.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedupe_key"),
        Index("ix_outbox_claimable", "state", "due_at"),
        Index("ix_outbox_lane", "lane", "state"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(128))
    team_id: Mapped[str] = mapped_column(String(32))
    lane: Mapped[str] = mapped_column(String(300))  # where it goes: said in order, about one a second
    kind: Mapped[OutboxKind] = mapped_column(choice(OutboxKind))
    message_key: Mapped[str | None] = mapped_column(String(128))
    payload: Mapped[dict[str, Any]]
    delivery_key: Mapped[str | None] = mapped_column(String(128))
    arrived_at: Mapped[datetime | None]
    request_id: Mapped[int | None] = mapped_column(BigInteger)  # no foreign key: it goes on its own way
    created_at: Mapped[datetime]


class PostedMessage(Base):
    """Where a message of ours stands in Slack, so that it can be updated later."""

    __tablename__ = "posted_messages"
    __table_args__ = (Index("ix_posted_messages_place", "team_id", "channel_id", "ts"),)

    team_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    message_key: Mapped[str] = mapped_column(String(128), primary_key=True)
    channel_id: Mapped[str] = mapped_column(String(32))
    ts: Mapped[str] = mapped_column(String(32))
    posted_at: Mapped[datetime]


class Conversation(Base):
    """A DM or group DM the bot has opened or been written to in, by its members (sorted, comma-separated)."""

    __tablename__ = "conversations"

    team_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    members: Mapped[str] = mapped_column(String(300), primary_key=True)
    channel_id: Mapped[str] = mapped_column(String(32))
    last_event_ts: Mapped[str | None] = mapped_column(String(32))  # the reconciler reads on from here
    read_at: Mapped[datetime | None]  # when it had its turn at being read; that may not have been all of it
