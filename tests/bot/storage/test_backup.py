"""A copy of SQLite is of one moment, whoever writes meanwhile."""

import sqlite3
import threading
from pathlib import Path

from bot.storage.backup import PAGES_A_STEP, back_up
from bot.storage.database import Database, open_engine

STEPS = 10
WITHIN_S = 60.0


def write_without_pause(file: Path, done: threading.Event) -> None:
    """Commit one row after another, as another process does."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous=OFF")
    while not done.is_set():
        connection.execute("INSERT INTO filling (words) VALUES ('more')")
    connection.close()


def test_writers_do_not_make_a_copy_begin_anew(tmp_path: Path) -> None:
    """A copy that takes many steps ends while somebody commits between any two of them."""
    file, done = tmp_path / "bot.db", threading.Event()
    engine = open_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE filling (words TEXT)")
        page = "INSERT INTO filling (words) VALUES (hex(randomblob(1900)))"
        for _ in range(STEPS * PAGES_A_STEP):
            connection.exec_driver_sql(page)
    copying = threading.Thread(target=back_up, args=(Database(engine), tmp_path / "copy.db"), daemon=True)
    writing = threading.Thread(target=write_without_pause, args=(file, done), daemon=True)
    writing.start()
    copying.start()
    try:
        copying.join(WITHIN_S)
        has_ended = not copying.is_alive()
    finally:
        done.set()
        writing.join(WITHIN_S)
        copying.join(WITHIN_S)
        engine.dispose()
    assert has_ended
