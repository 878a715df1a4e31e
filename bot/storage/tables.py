"""Every table. The schema changes only by a migration in ``migrations/``; ``alembic check`` compares the two.

Every row of people's data carries its Slack workspace (``team_id``), and every query names it: data of two
workspaces never meet.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.ids import EventKind
from bot.lifecycle import AssignmentState, RequestState


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on both databases; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def choice(kind: type[StrEnum]) -> Enum:
    """A column that holds a StrEnum by its value, as plain text, so that a new choice needs no migration."""
    return Enum(
        kind, native_enum=False, length=32, values_callable=lambda members: [m.value for m in members]
    )


class HandWritten(TypeDecorator[Any]):
    """JSON. Any shell can write to an SQLite, so a text that is none comes out as that text: whoever reads it checks it."""

    impl = JSON
    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: Any) -> Any:
        read = super().result_processor(dialect, coltype)

        def process(value: Any) -> Any:
            try:
                return read(value) if read else value
            except ValueError:
                return value

        return process


RowId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only INTEGER PRIMARY KEY


class Base(DeclarativeBase):
    """Tables of the bot."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class InboxKind(StrEnum):
    """What Slack sent."""

    EVENT = "event"
    ACTION = "action"
    COMMAND = "command"


class RowState(StrEnum):
    """Where an inbox or outbox row stands. Only DONE and DEAD are final."""

    READY = "ready"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"  # given up after the last attempt; `doctor` and the metrics show it


class InboxRow(Base):
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
    state: Mapped[RowState] = mapped_column(choice(RowState), default=RowState.READY)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    received_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    fault: Mapped[str | None] = mapped_column(
        String(200)
    )  # the class of the last error, never people's words


class OutboxKind(StrEnum):
    """How a thing is said."""

    POST = "post"  # chat.postMessage
    UPDATE = "update"  # chat.update of a message we posted, found by its message_key
    RESPOND = "respond"  # to a response_url: private answers to clicks and commands
    PUBLISH_HOME = "publish_home"  # views.publish


class OutboxRow(Base):
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
    state: Mapped[RowState] = mapped_column(choice(RowState), default=RowState.READY)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    fault: Mapped[str | None] = mapped_column(String(200))


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


class Agent(Base):
    """A person who takes support requests."""

    __tablename__ = "agents"

    team_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    is_on: Mapped[bool] = mapped_column(Boolean, default=True)
    is_active: Mapped[bool] = mapped_column(
        Boolean, default=True
    )  # false: no longer an agent, kept for history
    capacity: Mapped[int | None] = mapped_column(Integer)  # None: FIRSTLINE_AGENT_CAPACITY, as it is now
    skills: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict
    )  # category -> level in [0, 1]; empty: all
    languages: Mapped[list[str]] = mapped_column(JSON, default=list)  # empty: any
    sites: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))  # None or empty: any
    hours: Mapped[dict[str, Any] | None] = mapped_column(
        HandWritten(none_as_null=True)
    )  # see bot.services.working_hours; None: whenever they are on
    created_at: Mapped[datetime]


class Requester(Base):
    """What a person who may write requests has said about themselves."""

    __tablename__ = "requesters"

    team_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    site: Mapped[str] = mapped_column(String(40))  # in lower case, as agents' sites are


class SupportRequest(Base):
    """A person's request, from the first message to its end."""

    __tablename__ = "support_requests"
    __table_args__ = (
        UniqueConstraint("team_id", "channel_id", "thread_ts"),
        Index("ix_support_requests_requester", "team_id", "requester_id", "state"),
        Index("ix_support_requests_state", "team_id", "state"),
        Index("ix_support_requests_opened", "team_id", "opened_at"),
        # Everything that statistics count by, first what they group by: they read this and never the rows.
        Index(
            "ix_support_requests_counted",
            "team_id",
            "category",
            "no_suggestion",
            "language",
            "opened_at",
            "state",
            "agent_id",
            "reopened_count",
            "answered_at",
            "waiting_since",
            "accepted_at",
            "closed_at",
        ),
        Index(
            "ix_support_requests_waits", "state", "waiting_since"
        ),  # whose, does not matter: metrics, the matcher
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    requester_id: Mapped[str] = mapped_column(String(32))
    channel_id: Mapped[str] = mapped_column(String(32))
    thread_ts: Mapped[str] = mapped_column(
        String(32)
    )  # the message that opened it; its thread is the request's
    text: Mapped[str] = mapped_column(Text)  # the first user message, cleaned: the one that decides
    state: Mapped[RequestState] = mapped_column(choice(RequestState), default=RequestState.NEW)
    category: Mapped[str | None] = mapped_column(
        String(80)
    )  # the most probable one, or what an agent corrected
    confidence: Mapped[float | None] = mapped_column(Float)
    language: Mapped[str | None] = mapped_column(String(8))
    model_id: Mapped[str | None] = mapped_column(String(80))
    rule: Mapped[str | None] = mapped_column(String(300))  # why this many suggestions were shown, in words
    no_suggestion: Mapped[str | None] = mapped_column(
        String(32)
    )  # an AbstainReason, "no_decision" or "no_answer"; set with every answer that is no suggestion
    opened_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]  # when suggestions, or "a person will come", were decided
    waiting_since: Mapped[datetime | None]  # kept when an offer is declined: age is not lost
    deadline_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]  # by suggestion, resolution or withdrawal; cleared on reopening
    reopened_count: Mapped[int] = mapped_column(Integer, default=0)
    agent_id: Mapped[str | None] = mapped_column(String(32))


class RequestMessage(Base):
    """A message of the requester's that belongs to a request; the key makes a second delivery harmless."""

    __tablename__ = "request_messages"
    __table_args__ = (
        UniqueConstraint("team_id", "channel_id", "ts"),
        Index("ix_request_messages_request", "request_id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    request_id: Mapped[int] = mapped_column(ForeignKey("support_requests.id"))
    channel_id: Mapped[str] = mapped_column(String(32))
    ts: Mapped[str] = mapped_column(String(32))
    text: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]


class Suggestion(Base):
    """An answer that was shown for a request."""

    __tablename__ = "suggestions"
    __table_args__ = (UniqueConstraint("request_id", "position"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("support_requests.id"))
    position: Mapped[int] = mapped_column(Integer)  # 1 or 2
    category: Mapped[str] = mapped_column(String(80))
    probability: Mapped[float] = mapped_column(Float)
    close_label: Mapped[str] = mapped_column(String(75))  # the wording shown: counted per variant
    shown_at: Mapped[datetime]


class FeedbackKind(StrEnum):
    """What a click said."""

    CLOSED = "closed"
    UNDONE = "undone"
    ASKED_PERSON = "asked_person"
    NOT_WHAT_I_ASKED = "not_what_i_asked"
    DID_NOT_WORK = "did_not_work"


class Feedback(Base):
    """One click of the requester's. Append-only: the last one wins."""

    __tablename__ = "feedback"
    __table_args__ = (Index("ix_feedback_request", "request_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    request_id: Mapped[int] = mapped_column(ForeignKey("support_requests.id"))
    suggestion_id: Mapped[int | None] = mapped_column(ForeignKey("suggestions.id"))
    kind: Mapped[FeedbackKind] = mapped_column(choice(FeedbackKind))
    user_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]


class Assignment(Base):
    """A request given to an agent, with the reason as it was at that moment."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_agent", "team_id", "agent_id", "state"),
        Index("ix_assignments_request", "request_id"),
        Index("ix_assignments_ended", "team_id", "ended_at"),
        Index(
            "uq_assignments_one_open",
            "request_id",
            unique=True,
            sqlite_where=text("state IN ('offered', 'accepted')"),
            postgresql_where=text("state IN ('offered', 'accepted')"),
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    request_id: Mapped[int] = mapped_column(ForeignKey("support_requests.id"))
    agent_id: Mapped[str] = mapped_column(String(32))
    state: Mapped[AssignmentState] = mapped_column(choice(AssignmentState))
    cost: Mapped[float] = mapped_column(Float)
    reason: Mapped[str] = mapped_column(Text)  # routing's sentence, as the offer card showed it
    terms: Mapped[dict[str, Any]]  # name -> value; they add up to the cost
    offered_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    routing_decision_id: Mapped[int | None] = mapped_column(
        BigInteger
    )  # no foreign key: the decision is pruned earlier


class Satisfaction(StrEnum):
    """What a requester says of the help they got."""

    GOOD = "good"
    SO_SO = "so_so"
    BAD = "bad"


class SatisfactionQuestion(Base):
    """The question how the help was, asked once of a request that an agent resolved. The last click wins; the log has all."""

    __tablename__ = "satisfaction_questions"
    __table_args__ = (
        UniqueConstraint("request_id"),
        Index("ix_satisfaction_questions_answer", "team_id", "answer"),  # counted by
        Index("ix_satisfaction_questions_answered", "team_id", "answered_at"),  # the newest first
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    request_id: Mapped[int] = mapped_column(ForeignKey("support_requests.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))  # whose help the answer is about
    asked_at: Mapped[datetime]
    answer: Mapped[Satisfaction | None] = mapped_column(choice(Satisfaction))
    answered_at: Mapped[datetime | None]
    comment: Mapped[str | None] = mapped_column(Text)  # people's words: they go when the request's own go


class DecisionReason(StrEnum):
    """Why a matching was made."""

    OFFER = "offer"  # something waits and somebody may be free
    ASKED_AGAIN = "asked_again"  # nobody else can be asked: those who were silent are asked again
    PULL = "pull"  # an agent asked for work
    HEDGE = "hedge"  # an offer is unanswered: one more agent is asked


class RoutingDecision(Base):
    """One matching that offered something: tasks, agents, params, outcome. Append-only until it is pruned."""

    __tablename__ = "routing_decisions"
    __table_args__ = (Index("ix_routing_decisions_at", "at"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    reason: Mapped[DecisionReason] = mapped_column(choice(DecisionReason))
    record: Mapped[dict[str, Any]]  # see routing.explaining; ids and numbers, never people's words


class Event(Base):
    """The append-only log: everything that happened, never changed."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_request", "request_id"), Index("ix_events_at", "team_id", "at"))

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    team_id: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    kind: Mapped[EventKind] = mapped_column(choice(EventKind))
    request_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_id: Mapped[str | None] = mapped_column(String(32))  # None: the bot itself
    data: Mapped[dict[str, Any]]  # numbers and names, never people's words


class JobSlot(Base):
    """A tick of a scheduled job: whoever inserts the row runs it, so it runs once whoever is alive."""

    __tablename__ = "job_slots"

    job: Mapped[str] = mapped_column(String(64), primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # the tick's time divided by its period
    claimed_at: Mapped[datetime]


class Lock(Base):
    """A row to update first when only one at a time may go on, such as the matcher of a workspace."""

    __tablename__ = "locks"

    name: Mapped[str] = mapped_column(String(96), primary_key=True)
    taken_at: Mapped[datetime]
