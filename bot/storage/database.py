"""Engines and sessions for SQLite (one host) and PostgreSQL (as many replicas as you like)."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

from bot.errors import DatabaseMissing
from bot.storage.turns import Turns

Clock = Callable[[], datetime]

MAKE_IT = "run `python -m bot migrate` to make it, or correct the path if there was one before"
WRITE_WITHIN_S = 15.0  # how long a thread waits for its turn to write to SQLite

# Without hide_parameters an error's message holds the values of the statement that failed: people's words. Last in first
# out, so that connections of a busy hour rest afterwards instead of being kept warm in turn.
POOL: dict[str, Any] = {"pool_size": 16, "max_overflow": 8, "hide_parameters": True, "pool_use_lifo": True}

# A server that is silent must not hold a thread for ever: connecting, and waiting for it to take what was sent, ends
# after seconds. (While it works on a statement it may be silent for long, and keeps the connection alive.)
POSTGRES = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

# A replica that is frozen in the middle of a transaction (a paused machine, a stopped process) holds its locks, a
# workspace's matching among them, for as long as its connection lives: so the server ends a transaction that asks for
# nothing so long. Ours do nothing between two statements but reckon, for milliseconds. There is no lock_timeout beside
# it: whoever waits for a lock is in a queue that moves, and would only come again, one try the poorer.
FROZEN_AFTER_S = 15.0
_END_FROZEN = (
    "SELECT set_config('idle_in_transaction_session_timeout', %s, false)"
    " WHERE current_setting('idle_in_transaction_session_timeout') = '0'"
)

# Each connection keeps statements ready, tens of KB each: as many as are asked again and again, and not every length of
# every list.
SQLITE = {"check_same_thread": False, "cached_statements": 64}
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",  # an acknowledged message must survive a power cut
    "PRAGMA busy_timeout=5000",
    "PRAGMA cache_size=-512",  # KiB for each connection, of which there are many; the system keeps the file in memory anyway
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",  # what is deleted or changed is overwritten, not only forgotten
)


def open_engine(url: str, *, frozen_after_s: float = FROZEN_AFTER_S) -> Engine:
    """An engine for ``url``; an SQLite file that is missing is made, as is its folder, readable by its owner only.

    On PostgreSQL a transaction that is silent for ``frozen_after_s`` is ended: 0 is never, and a limit that the operator
    has set, for the server, the role or in the URL, is kept. Raises DatabaseMissing when the file cannot be made.
    """
    file = _sqlite_file(url)
    if file is not None:
        _make(file)
    return _engine(url, frozen_after_s)


def open_existing(url: str, *, frozen_after_s: float = FROZEN_AFTER_S) -> Engine:
    """As `open_engine`, but makes nothing: with a slip in its path the bot would begin anew, and remember nobody.

    Raises DatabaseMissing when ``url`` names an SQLite file that is not there.
    """
    file = _sqlite_file(url)
    # Not Path.exists: that raises where a folder may not be looked into.
    if file is not None and not os.path.exists(file):
        raise DatabaseMissing(f"there is no database at DATABASE_URL: {MAKE_IT}")
    return _engine(url, frozen_after_s)


def _engine(url: str, frozen_after_s: float) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        engine = create_engine(url, **POOL, pool_pre_ping=True, connect_args=POSTGRES)
        event.listen(engine, "connect", partial(_prepare_postgres, frozen_after_s))
        return engine
    engine = create_engine(url, **POOL, connect_args=SQLITE)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _sqlite_file(url: str) -> Path | None:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))


def _make(file: Path) -> None:
    """Its folder too, but no folder above that: var/ of a fresh clone is welcome, a whole path is a slip."""
    try:
        file.parent.mkdir(exist_ok=True)
        file.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise DatabaseMissing(
            f"the file in DATABASE_URL cannot be made or written ({error.strerror}): see to its folder, or correct the path"
        ) from None


def _prepare_postgres(frozen_after_s: float, dbapi_connection: Any, _record: Any) -> None:
    # Not by the connection's options: a pooler such as PgBouncer may refuse a connection that has any.
    dbapi_connection.execute(_END_FROZEN, [f"{frozen_after_s * 1000:.0f}ms"])
    dbapi_connection.commit()  # a rollback would undo it


def _prepare_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # The driver's own implicit BEGIN is deferred: two readers that then write would fail with SQLITE_BUSY
    # at once, busy_timeout or not. So it is switched off, and `_begin_sqlite` says how each transaction starts.
    dbapi_connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        dbapi_connection.execute(pragma)


def _begin_sqlite(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("firstline_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


class Database:
    """Opens units of work. Each is one transaction of its own on a connection of its own."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._write = sessionmaker(engine, expire_on_commit=False)
        self._read = sessionmaker(
            engine.execution_options(firstline_read_only=True), expire_on_commit=False, autoflush=False
        )
        self._turns = Turns() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def writing(self, *, first: bool = False) -> Iterator[Session]:
        """A transaction that is committed at the end, or rolled back when anything is raised.

        ``first``: ahead of the threads that wait for their turn to write to SQLite; for one short transaction at a time.
        """
        turn = self._turns.turn(WRITE_WITHIN_S, first=first) if self._turns else nullcontext()
        with turn, self._write.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that never takes SQLite's write lock and is thrown away."""
        with self._read() as session:
            yield session

    @contextmanager
    def alone(self) -> Iterator[Any]:
        """SQLite's own connection, outside any transaction, while no thread of this process writes."""
        turn = self._turns.turn(WRITE_WITHIN_S) if self._turns else nullcontext()
        connection = self.engine.raw_connection()
        try:
            with turn:
                yield connection
        finally:
            connection.close()

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
