"""A support request: what was written, what was suggested, what came of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.lifecycle import RequestState
from bot.storage.tables.columns import Base, RowId, choice


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
