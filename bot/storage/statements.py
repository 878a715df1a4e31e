"""Statements on tables for the busy way of a message: without the ORM's bookkeeping, which took longer than the database."""

from typing import cast

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from bot.storage.tables import Base


def table_of(kind: type[Base]) -> Table:
    """The table that rows of ``kind`` are in."""
    return cast(Table, kind.__table__)


def insert_into(session: Session, kind: type[Base]) -> Insert:
    """An INSERT of ``kind`` in the database of ``session``, which may say what is to happen on a conflict.

    Both databases have ON CONFLICT; SQLAlchemy has it once for each, of no common class.
    """
    if session.get_bind().dialect.name == "sqlite":
        return sqlite_insert(table_of(kind))
    return cast(Insert, postgres_insert(table_of(kind)))
