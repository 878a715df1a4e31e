"""Ticks of scheduled jobs, and marks that are taken once."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.columns import Base


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
