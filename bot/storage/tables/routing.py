"""Who was asked, and why."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.lifecycle import AssignmentState
from bot.storage.tables.columns import Base, RowId, choice


class Assignment(Base):
    """A request given to an agent, with the reason as it was at that moment."""

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_agent", "team_id", "agent_id", "state"),
        Index("ix_assignments_state", "state", "team_id"),  # the open ones, among all there ever were
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
