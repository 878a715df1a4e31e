"""Real databases for the bot's tests: SQLite in a temporary folder, and PostgreSQL where one can be had."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from bot.settings import Settings
from bot.storage.database import Database, open_engine
from bot.storage.tables import Base
from bot.storage.work import Wake

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> datetime:
        """Move on by ``seconds`` and return the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands at a Monday morning until it is moved."""
    return FakeClock()


def utc_now() -> datetime:
    """The real time, for tests that speak to a real server."""
    return datetime.now(UTC)


@pytest.fixture
def real_clock() -> Callable[[], datetime]:
    """The real clock, for tests that speak to a real server."""
    return utc_now


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An engine on an empty database with every table, once on SQLite and once on PostgreSQL (a schema of its own)."""
    url = (
        f"sqlite:///{tmp_path}/test.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_schema_url")
    )
    made = open_engine(url)
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def database(engine: Engine) -> Database:
    """The database under test, on both engines."""
    return Database(engine)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite database with every table, for tests that have nothing to learn from a second engine."""
    made = open_engine(f"sqlite:///{tmp_path}/only.db")
    Base.metadata.create_all(made)
    yield Database(made)
    made.dispose()


@pytest.fixture
def wake() -> Wake:
    """Fresh flags."""
    return Wake()


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    """Settings for a test: nothing is read from the environment or a file, everything can be given."""

    def make(**given: object) -> Settings:
        defaults = {
            "slack_bot_token": "xoxb-test",
            "slack_signing_secret": "a test's signing secret",
            "slack_api_url": "http://127.0.0.1:9/api/",  # nobody listens there
            "firstline_poll_s": 0.05,
            "firstline_retry_base_s": 0.05,
        }
        return Settings(_env_file=None, **(defaults | given))  # type: ignore[call-arg, arg-type]

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """Settings with a test's defaults."""
    return make_settings()
