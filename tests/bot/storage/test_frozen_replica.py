"""A replica that is frozen in the middle of a transaction (a paused machine, a stopped process) holds up nobody for long."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import uuid4

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from bot.__main__ import opened as database_at_hand
from bot.services import matching
from bot.storage import schema
from bot.storage.database import FROZEN_AFTER_S, Database, open_engine
from bot.storage.tables import Base, Lock
from bot.storage.trouble import AWAY, trouble_of

pytestmark = pytest.mark.postgres

Clock = Callable[[], datetime]
TIMEOUT = "SELECT current_setting('idle_in_transaction_session_timeout')"


@pytest.fixture
def opened(postgres_schema_url: str) -> Iterator[Callable[..., Engine]]:
    """Engines on one schema, as replicas have them."""
    made: list[Engine] = []

    def make(options: str = "", **given: float) -> Engine:
        made.append(open_engine(postgres_schema_url + options, **given))
        return made[-1]

    Base.metadata.create_all(make())
    yield make
    for engine in made:
        engine.dispose()


def test_another_replica_goes_on_where_one_is_frozen_in_a_matching(
    opened: Callable[..., Engine], clock: Clock
) -> None:
    """The lock is let go after a while; what the frozen one wakes up to commit is refused, and it works on afterwards."""
    frozen, other = (Database(opened(frozen_after_s=0.5)) for _ in range(2))
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(DBAPIError) as refused:
            _match(frozen, clock, lambda: pool.submit(_match, other, clock).result(timeout=60))
        assert trouble_of(refused.value) is AWAY
        _match(frozen, clock)
    with other.reading() as session:
        assert session.scalar(select(func.count()).select_from(Lock)) == 3


def _match(db: Database, clock: Clock, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Hold the lock of a workspace, write something, and be silent ``meanwhile``."""
    with db.writing() as session:
        matching.lock(session, clock(), "T0ONE")
        session.add(Lock(name=uuid4().hex, taken_at=clock()))
        session.flush()
        meanwhile()


def test_work_that_takes_its_time_is_no_frozen_replica(opened: Callable[..., Engine]) -> None:
    """What counts is the silence between two statements, not how long a statement or a transaction takes."""
    with opened(frozen_after_s=0.5).begin() as connection:
        for _ in range(2):
            connection.execute(text("SELECT pg_sleep(0.7)"))


def test_every_connection_has_the_limit_unless_the_operator_set_one(opened: Callable[..., Engine]) -> None:
    """It outlives a rollback; one in DATABASE_URL, or of the role, or of the server is kept."""
    with opened().connect() as connection:
        assert connection.scalar(text(TIMEOUT)) == f"{FROZEN_AFTER_S:.0f}s"
        connection.rollback()
        assert connection.scalar(text(TIMEOUT)) == f"{FROZEN_AFTER_S:.0f}s"
    with opened("%20-cidle_in_transaction_session_timeout%3D7min").connect() as connection:
        assert connection.scalar(text(TIMEOUT)) == "7min"
    with opened(frozen_after_s=0).connect() as connection:
        assert connection.scalar(text(TIMEOUT)) == "0"


@pytest.mark.parametrize(("is_patient", "limit"), [(True, "0"), (False, f"{FROZEN_AFTER_S:.0f}s")])
def test_an_export_may_stand_still_on_a_screen(
    postgres_schema_url: str, monkeypatch: pytest.MonkeyPatch, is_patient: bool, limit: str
) -> None:
    """Whoever pages through it is no frozen replica; the commands that write are as others."""
    engine = open_engine(postgres_schema_url)
    schema.upgrade(engine)
    engine.dispose()
    monkeypatch.setenv("DATABASE_URL", postgres_schema_url)
    with database_at_hand(is_patient=is_patient) as (database, _), database.reading() as session:
        assert session.scalar(text(TIMEOUT)) == limit
