"""What the database is asked about itself."""

import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from bot.storage import schema
from bot.storage.database import Database, open_engine


def test_readiness_does_not_wait_for_a_writer(tmp_path) -> None:
    """The revision is read while a transaction is being written, whoever holds SQLite's write lock."""
    engine = open_engine(f"sqlite:///{tmp_path}/busy.db")
    schema.upgrade(engine)
    db = Database(engine)
    with db.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        began_s = time.monotonic()
        schema.require_head(engine)
        assert schema.differences(engine) == []
        assert time.monotonic() - began_s < 4  # a writer would wait for five seconds, and fail
        session.rollback()
    engine.dispose()


def test_a_database_error_does_not_tell_what_people_wrote(engine) -> None:
    """Whoever logs the error or lets it go up prints the statement alone."""
    with pytest.raises(SQLAlchemyError) as raised, engine.begin() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:words)"), {"words": "my secret words"})
    assert "secret" not in str(raised.value)
