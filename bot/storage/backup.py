"""Copies a database that is in use: everything that was committed before the copy began is in it, and it is checked."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from bot.errors import BotError
from bot.storage.database import Database

PG_DUMP = "PostgreSQL is backed up by its own tool: pg_dump --format=custom --file=FILE DATABASE_URL"
PAGES_A_STEP = 1000  # a few megabytes under a shared lock; in between writers go on


def back_up(db: Database, file: Path) -> int:
    """Write a copy of ``db`` to ``file``, readable by its owner only; return its bytes.

    It gets its name once it is whole, checked and on the disk. Raises BotError: on PostgreSQL, when the file is there
    already, and when the copy is not sound.
    """
    if db.engine.dialect.name != "sqlite":
        raise BotError(PG_DUMP)
    if file.exists():
        raise BotError(f"{file} is there already: choose another name, or move it away")
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        _copy(db, part)
        _sync(part)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    _sync(file.parent)
    return file.stat().st_size


def _copy(db: Database, part: Path) -> None:
    source: Any = db.engine.raw_connection()
    copy = sqlite3.connect(part)
    try:
        # A reading transaction: the copy is of one moment, and a writer does not make it begin anew. It begins with the
        # first thing read; without one each step would have a transaction of its own.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.driver_connection.backup(copy, pages=PAGES_A_STEP)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        faults = [row[0] for row in copy.execute("PRAGMA integrity_check") if row[0] != "ok"]
        strays = copy.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        copy.close()
        source.rollback()
        source.close()
    if faults or strays:
        raise BotError(f"the copy is not sound ({len(faults)} faults, {len(strays)} rows without their own)")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
