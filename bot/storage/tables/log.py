"""The append-only log of what happened."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.ids import EventKind
from bot.storage.tables.columns import Base, RowId, choice


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
