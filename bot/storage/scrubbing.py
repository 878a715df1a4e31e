"""Makes what was deleted unreadable: a deleted row's bytes stay in a database's files until something is written there.

SQLite: VACUUM writes the file anew from what is live, and a checkpoint that truncates empties the write-ahead log.
PostgreSQL: VACUUM FULL writes the tables anew; its own log and your backups run out by your own rules.
Whoever deletes for good calls `request_scrub` in the same transaction, so that a crash in between forgets nothing.
"""

import sqlite3
from datetime import datetime

from sqlalchemy import delete, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.errors import BotError
from bot.storage.database import Database
from bot.storage.tables import Base, Lock

SCRUB = "scrub"  # the row of `locks` that says: something deleted is still in the files
LOCK_TIMEOUT_S = 5
STILL_READ = "what was deleted is still in the database's files, as somebody reads it: it is tried again"


def request_scrub(session: Session, now: datetime) -> None:
    """Ask for a scrub after this transaction."""
    session.merge(Lock(name=SCRUB, taken_at=now))


def scrub_if_due(db: Database) -> bool:
    """Scrub if something was deleted for good since the last time; whether there was. Raises BotError as `scrub` does."""
    with db.reading() as session:
        asked_at = session.scalar(select(Lock.taken_at).where(Lock.name == SCRUB))
    if asked_at is None:
        return False
    scrub(db)
    with db.writing() as session:  # what was asked for in the meantime is for the next time
        session.execute(delete(Lock).where(Lock.name == SCRUB, Lock.taken_at == asked_at))
    return True


def _scrub_sqlite(db: Database) -> None:
    try:
        with db.alone() as connection:
            connection.execute("VACUUM")
            (is_busy, *_rest) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError:  # another process writes
        raise BotError(STILL_READ) from None
    if is_busy:
        raise BotError(STILL_READ)


def truncate_log(db: Database) -> None:
    """Empty SQLite's write-ahead log, which holds what was just deleted; left for the next time while somebody reads."""
    if db.engine.dialect.name == "sqlite":
        with db.alone() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def scrub(db: Database) -> None:
    """Write the files anew, without what was deleted. Raises BotError while another reader keeps that from happening."""
    if db.engine.dialect.name == "sqlite":
        _scrub_sqlite(db)
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'"))
        try:
            for table in Base.metadata.sorted_tables:
                connection.execute(text(f"VACUUM (FULL) {table.name}"))
        except OperationalError:
            raise BotError(STILL_READ) from None
        finally:
            connection.execute(text("SET lock_timeout = DEFAULT"))
