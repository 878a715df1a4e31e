"""Agents, and where requesters sit."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.columns import Base, HandWritten


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
        HandWritten, default=dict
    )  # category -> level in [0, 1]; empty: all
    languages: Mapped[list[str]] = mapped_column(HandWritten, default=list)  # empty: any
    sites: Mapped[list[str] | None] = mapped_column(HandWritten(none_as_null=True))  # None or empty: any
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
