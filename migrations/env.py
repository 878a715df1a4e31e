"""Runs the migrations on DATABASE_URL, or on the connection that `bot.storage.schema` hands over."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, Enum

from bot.settings import StorageSettings, load_settings
from bot.storage.database import open_engine
from bot.storage.tables import Base, UtcDateTime


def render(kind: str, thing: Any, _context: Any) -> str | bool:
    """Write our column types into new migrations as plain ones, so that a migration never changes with the code."""
    if kind == "type" and isinstance(thing, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, Enum):
        return f"sa.String(length={thing.length})"
    return False


def run(connection: Connection) -> None:
    """Upgrade or compare on an open connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_item=render,
        render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by copying it
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = open_engine(load_settings(StorageSettings).database_url)
    with engine.begin() as connection:
        run(connection)
    engine.dispose()
