"""What a database's error means, told by errors that real databases gave."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.storage.database import Database, open_engine
from bot.storage.trouble import AWAY, BUSY, CROWDED, FULL, READ_ONLY, DatabaseTrouble, trouble_of
from bot.storage.turns import Turns


def error_of(database: Database, *statements: str) -> SQLAlchemyError:
    """What the last of these statements raises."""
    with pytest.raises(SQLAlchemyError) as caught:
        execute(database, *statements)
    return caught.value


def execute(database: Database, *statements: str) -> None:
    """Run them in one transaction."""
    with database.writing() as session:
        for statement in statements:
            session.execute(text(statement))


def test_a_full_disk_is_told(sqlite_database: Database) -> None:
    """SQLite says so when it may have no more pages, as when the disk has none."""
    fill = "INSERT INTO locks (name, taken_at) SELECT hex(randomblob(40)), '2026-01-01' FROM sqlite_master a, sqlite_master b"
    assert trouble_of(error_of(sqlite_database, "PRAGMA max_page_count=1", fill)) is FULL


def test_a_lock_of_another_process_is_told(sqlite_database: Database) -> None:
    """Whoever holds the write lock for too long is named as the cause."""
    path = str(sqlite_database.engine.url.database)
    with sqlite_database.alone() as connection:
        connection.execute("PRAGMA busy_timeout=10")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert trouble_of(error_of(sqlite_database, "DELETE FROM locks")) is BUSY
    other.close()


def test_a_database_that_takes_no_writes_is_told(database: Database) -> None:
    """A read-only file, and a standby."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    make_so = "PRAGMA query_only=ON" if is_sqlite else "SET TRANSACTION READ ONLY"
    assert trouble_of(error_of(database, make_so, "DELETE FROM locks")) is READ_ONLY


@pytest.mark.parametrize("url", ["sqlite:///{folder}", "postgresql+psycopg://127.0.0.1:9/nothing"])
def test_a_database_that_is_not_there_is_told(url: str, tmp_path: Path) -> None:
    """No file can be opened (a folder is none), no server answers."""
    engine = open_engine(url.format(folder=tmp_path))
    with pytest.raises(SQLAlchemyError) as caught:
        engine.connect()
    assert trouble_of(caught.value) is AWAY


def test_a_turn_that_never_comes_is_told() -> None:
    """Everybody waits for somebody who writes and writes."""
    turns = Turns()
    with turns.turn(1), pytest.raises(SQLAlchemyError) as caught, turns.turn(0.01):
        pass
    assert trouble_of(caught.value) is CROWDED


@pytest.mark.parametrize("statement", ["DELETE FROM no_such_table", "INSERT INTO inbox (id) VALUES (1)"])
def test_a_statement_that_is_refused_is_no_trouble_of_the_database(
    database: Database, statement: str
) -> None:
    """It works; what it was asked is wrong, and trying again changes nothing."""
    found: DatabaseTrouble | None = trouble_of(error_of(database, statement))
    assert found is None
    assert trouble_of(ValueError("ours")) is None
