"""Makes what was deleted unreadable: a deleted row's bytes stay in a database's files until something is written there.

SQLite: VACUUM writes the file anew from what is live, and a checkpoint that truncates empties the write-ahead log.
PostgreSQL: VACUUM FULL writes the tables anew, once nobody can see any more what was deleted; its own log and your backups
run out by your own rules.
Whoever deletes for good calls `request_scrub` in the same transaction, so that a crash in between forgets nothing.
"""

import sqlite3
import time
from datetime import datetime

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from bot.errors import BotError
from bot.storage.database import Database
from bot.storage.tables import Base, Lock

SCRUB = "scrub"  # the row of `locks` that says: something deleted is still in the files
LOCK_TIMEOUT_S = 5
ENDED_WITHIN_S = 5.0  # transactions of ours last milliseconds; a dump, or a standby's reader, may take hours
LOOK_EVERY_S = 0.05
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


def scrub(db: Database, *, ended_within_s: float = ENDED_WITHIN_S) -> None:
    """Write the files anew, without what was deleted. Raises BotError while another reader keeps that from happening;
    on PostgreSQL those that still see it are waited for so long."""
    if db.engine.dialect.name == "sqlite":
        _scrub_sqlite(db)
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _await_readers(connection, ended_within_s)
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'"))
        try:
            for table in Base.metadata.sorted_tables:
                connection.execute(text(f"VACUUM (FULL) {table.name}"))
        except OperationalError:
            raise BotError(STILL_READ) from None
        finally:
            connection.execute(text("SET lock_timeout = DEFAULT"))


# VACUUM FULL copies along what a transaction can still see that began before it was deleted: one that runs, one that is
# read by a standby (hot_standby_feedback), a replication slot's, one that was prepared. Whatever began after this moment
# sees nothing of it, so once all that is older has ended, nothing of it is copied.
_NOW = text("SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)")
_IS_SEEN = text(
    """
    SELECT pg_snapshot_xmin(pg_current_snapshot()) < CAST(:began AS xid8)
        OR EXISTS (
            SELECT FROM pg_stat_activity
            WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
                AND age(backend_xmin) > age(CAST(CAST(:began AS xid8) AS xid)))
        OR EXISTS (
            SELECT FROM pg_replication_slots
            WHERE age(xmin) > age(CAST(CAST(:began AS xid8) AS xid)))
    """
)


def _await_readers(connection: Connection, within_s: float) -> None:
    """Wait until what was deleted before is seen by nobody; raises BotError when that takes long.

    Of other roles' transactions PostgreSQL shows those that only read to a member of pg_read_all_stats alone.
    """
    began = connection.scalar(_NOW)
    end_s = time.monotonic() + within_s
    while connection.scalar(_IS_SEEN, {"began": began}):
        if time.monotonic() > end_s:
            raise BotError(STILL_READ)
        time.sleep(LOOK_EVERY_S)
