"""INSERT ... ON CONFLICT: both databases have it, SQLAlchemy has it once for each."""

from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from bot.storage.tables import Base


def insert_into(session: Session, table: type[Base]) -> Insert:
    """An INSERT into ``table`` in the database of ``session``, to say of it what is to happen on a conflict."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite_insert(table)
    return postgres_insert(table)  # type: ignore[return-value]  # the same methods, of no common class
