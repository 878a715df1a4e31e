"""What a message and the statistics may ask of the database, counted and timed with a desk's years of history.

Quick: 4,000 rows. Full (`make soak`): 1,000,000 rows, which is 125,000 requests with their messages, suggestions, clicks,
assignments and events, and 375,000 more of cards, deliveries and messages sent: 170 requests on each of 750 working days.
"""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from bot.services import agents
from bot.services.assignments import is_any_over
from bot.services.line import teams_waiting
from bot.services.matching import look_only
from bot.services.periods import Period
from bot.services.stats import gather
from bot.storage.database import Database, open_engine
from bot.storage.queries import whereabouts
from playground.model import TEAM_ID
from tests.reliability.apparatus.filling import HISTORY, ROWS_A_REQUEST, fill
from tests.reliability.apparatus.statements import Listener, listening, plan_of, whole_tables
from tests.scenarios.conftest import Desk
from tests.sizes import at_full_size

ROWS = 1_000_000 if at_full_size() else 4_000
DM_STATEMENTS, STATS_STATEMENTS = 8, 6
STATS_MS = 500
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BIG = (*HISTORY, "inbox", "outbox", "posted_messages")


@pytest.fixture
def years(desk: Desk) -> Iterator[Desk]:
    """A desk with years of history, on each of the two databases."""
    engine = open_engine(desk.database_url)
    assert fill(engine, NOW, ROWS // ROWS_A_REQUEST) >= ROWS
    engine.dispose()
    return desk


def test_a_message_takes_few_statements(desk: Desk) -> None:
    """From the statement that claims the delivery to the commit of what it changed: at most eight, whatever the answer."""
    bot = desk.start_bot()
    desk.riley.dm("the vpn and my password")  # the first one also meets the DM
    desk.slack.eventually(lambda: desk.cards(desk.riley), 20)
    with listening(bot.deps.db.engine) as listener:
        desk.riley.dm("vpn and password once more")
        desk.riley.dm("the printer has feelings")
        desk.slack.eventually(lambda: len(desk.cards(desk.riley)) == 3, 20)
    claims = [each for each in listener.transactions if any(_claims_delivery(s) for s in each)]
    works = [each for each in listener.transactions if any("INSERT INTO support_requests" in s for s in each)]
    assert len(works) == 2
    for work in works:
        assert 1 + len(work) <= DM_STATEMENTS, "\n".join(work)
    assert claims
    for claim in claims:
        # For all its rows together: PostgreSQL's turn, what is left to settle, the sweep, the claim.
        assert len(claim) <= 4, "\n".join(claim)


def test_a_message_is_looked_up_and_not_looked_for(sqlite_desk: Desk) -> None:
    """Whether it is here already is found by indexes, each to its end: not among all requests of the workspace."""
    engine = open_engine(sqlite_desk.database_url)
    fill(engine, NOW, 4_000 // ROWS_A_REQUEST)
    with listening(engine) as listener, Database(engine).reading() as session:
        assert not whereabouts(session, TEAM_ID, "D0RILEY", "U0RILEY", "1.0", "1.0").is_known
    with engine.connect() as connection:
        (plan,) = [plan_of(connection, *asked) for asked in listener.asked.items()]
    assert "MULTI-INDEX OR" in plan
    assert not [line for line in plan if line.endswith("(team_id=?)")]
    engine.dispose()


def _claims_delivery(statement: str) -> bool:
    return "UPDATE inbox SET" in statement and "chosen" in statement


@pytest.mark.parametrize("period", list(Period))
def test_statistics_of_years(years: Desk, period: Period) -> None:
    """At most six statements and half a second, whichever the period, and no table is read from end to end."""
    engine = open_engine(years.database_url)
    db, settings = Database(engine), years.settings()
    with listening(engine) as listener:
        took = [_timed(lambda: _gather(db, settings, period)) for _ in range(5 if at_full_size() else 1)]
    assert len(listener.asked) <= STATS_STATEMENTS
    _refuse_whole_tables(engine, listener)
    engine.dispose()
    print(f"stats {period.value}, {ROWS} rows, {engine.dialect.name}: {min(took):.0f} ms")
    if at_full_size():
        assert min(took) < STATS_MS


def test_what_the_matcher_asks_every_few_seconds_of_years(years: Desk) -> None:
    """However much has ended: what is open, who has room and what ran out is found without reading all there ever was."""
    engine = open_engine(years.database_url)
    db, settings = Database(engine), years.settings()
    with listening(engine) as listener, db.reading() as session:
        is_any_over(session, NOW)
        agents.has_room(session, NOW, TEAM_ID, settings)
        teams_waiting(session)
        look_only(session, NOW, TEAM_ID, settings)
    assert len(listener.asked) >= 4
    _refuse_whole_tables(engine, listener)
    engine.dispose()


def _refuse_whole_tables(engine: Engine, listener: Listener) -> None:
    with engine.connect() as connection:
        for statement, parameters in listener.asked.items():
            plan = plan_of(connection, statement, parameters)
            assert not whole_tables(plan, BIG), f"{statement}\n{plan}"


def _gather(db: Database, settings: Any, period: Period) -> None:
    with db.reading() as session:
        assert gather(session, NOW, TEAM_ID, period, settings).total.opened


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds that ``work`` took."""
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * 1000
