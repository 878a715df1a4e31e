"""Migrations: bring a database to this version's schema, and tell whether it is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from bot.errors import SchemaError
from bot.storage.database import open_engine
from bot.storage.tables import Base

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
POSTGRES_MIGRATION_LOCK = (
    0x46697273746C  # any fixed number: replicas that start together migrate one after another
)

NEWER = (
    "a newer version of Firstline has migrated it: start that version (going back needs a backup from before)"
)


def _reading(engine: Engine) -> Connection:
    """A connection that does not take SQLite's write lock: readiness is asked while everybody writes."""
    return engine.execution_options(firstline_read_only=True).connect()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """One transaction for all of it, which replicas that start together take one after another.

    SQLite alters a table by copying it and dropping the old one, which the rows that refer to it forbid; so foreign keys are
    off meanwhile (a switch that only works outside of a transaction) and looked over at the end. Raises SchemaError.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            with connection.begin():
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": POSTGRES_MIGRATION_LOCK}
                )
                yield connection
            return
        sqlite = connection.connection.cursor()
        sqlite.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                if connection.execute(text("PRAGMA foreign_key_check")).first() is not None:
                    raise SchemaError("a migration left rows that refer to nothing; nothing was changed")
        finally:
            sqlite.execute("PRAGMA foreign_keys=ON")
            sqlite.close()


def upgrade(engine: Engine, revision: str = "head") -> str:
    """Bring the database to ``revision`` and return what it is at now."""
    with _migrating(engine) as connection:
        command.upgrade(_config(connection), revision)
    return current(engine) or "empty"


def downgrade(engine: Engine, revision: str = "base") -> None:
    """Take the database back to ``revision``: data of later tables and columns is lost."""
    with _migrating(engine) as connection:
        command.downgrade(_config(connection), revision)


def current(engine: Engine) -> str | None:
    """The revision the database is at, None when it has none."""
    with _reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


@cache
def head() -> str:
    """The revision this version of the code needs."""
    revision = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if revision is None:
        raise SchemaError("there are no migrations beside the code")
    return revision


def differences(engine: Engine) -> list[str]:
    """What the tables in code and in the database differ in, in words; empty when they agree."""
    with _reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]


def require_head(engine: Engine) -> None:
    """Raise SchemaError unless the database is at this version's revision."""
    now, needed = current(engine), head()
    if now != needed:
        raise SchemaError(
            f"the database is at {now or 'no revision'}, this version needs {needed}: {what_to_do(engine)}"
        )


def what_to_do(engine: Engine) -> str:
    """About a database that is not at this version's revision: migrate it, or run the newer version that did."""
    now = current(engine)
    return "run `python -m bot migrate`" if now is None or now in _known() else NEWER


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions())


def check_from_scratch() -> list[str]:
    """Migrate a new SQLite file up, down and up, and return what differs from the tables in code."""
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/check.db")
        upgrade(engine)
        downgrade(engine)
        upgrade(engine)
        found = differences(engine)
        engine.dispose()
    return found
