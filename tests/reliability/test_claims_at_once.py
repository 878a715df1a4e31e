"""Claims from many connections at once, threads and processes: everything is taken by exactly one."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update

from bot.errors import RefusedMove
from bot.jobs.slots import claim_slot
from bot.lifecycle import AssignmentState, RequestState
from bot.services import assignments, hedging, matching, pulling
from bot.settings import Settings
from bot.storage import claims
from bot.storage.database import Database, open_engine
from bot.storage.tables import Assignment, RowState, SupportRequest
from tests.reliability.apparatus.claimer import ABANDONS, LEASE_S, TABLES, take_all
from tests.reliability.apparatus.rows import inbox_row, outbox_row, request_row
from tests.serving import ROOT
from tests.sizes import at_full_size

# On two databases, and of two tables: at full size 101,000 claims in all, and some 2,500 here.
CLAIMERS = 4
ROWS = 21_500 if at_full_size() else 500  # of each table
SLOTS = 1_250 if at_full_size() else 50  # each is claimed by every claimer
PROCESSES = 2 if at_full_size() else 1
ROUNDS = 6 if at_full_size() else 1
REQUESTS = 140 if at_full_size() else 12  # a round; each is offered to three agents at once
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEAM = "T0ONE"
AGENTS = tuple(f"UAGENT{n}" for n in range(6))


@pytest.fixture
def replicas(database_url: str) -> Iterator[list[Database]]:
    """On PostgreSQL four, with connections of their own; on SQLite, which is for one process, four times the same one."""
    n_processes = 1 if database_url.startswith("sqlite") else CLAIMERS
    opened = [Database(open_engine(database_url)) for _ in range(n_processes)]
    yield opened * (CLAIMERS // n_processes)
    for each in opened:
        each.dispose()


def fill(database: Database, table: str) -> None:
    """Rows that are due, in a lane each."""
    row = inbox_row if table == "inbox" else outbox_row
    rows = [row(f"k{n}", RowState.READY, NOW) | {"attempts": 0} for n in range(ROWS)]
    with database.writing() as session:
        session.execute(insert(TABLES[table]), rows)


@contextmanager
def processes(url: str, table: str) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that wait for the word to claim; none on SQLite, which is for one process."""
    command = [sys.executable, "-m", "tests.reliability.apparatus.claimer", url, table, NOW.isoformat()]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    n_processes = 0 if url.startswith("sqlite") else PROCESSES
    waiting = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(n_processes)]
    try:
        for process in waiting:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield waiting
    finally:
        for process in waiting:
            process.kill()
            process.wait()


def let_claim(process: "subprocess.Popen[str]") -> list[Any]:
    """Give a process the word; what it claimed."""
    claimed, _ = process.communicate("go\n", timeout=600)
    assert process.returncode == 0
    return list(json.loads(claimed))


@pytest.mark.parametrize("table", ["inbox", "outbox"])
def test_every_row_is_claimed_by_one(replicas: list[Database], database_url: str, table: str) -> None:
    """By threads, and on PostgreSQL by processes as well, at once; what was abandoned is claimed again once its lease is over, by one."""
    fill(replicas[0], table)
    with processes(database_url, table) as waiting, ThreadPoolExecutor(CLAIMERS + len(waiting)) as pool:
        runs = [pool.submit(let_claim, process) for process in waiting]
        runs += [pool.submit(lambda db=db: [*take_all(db, table, NOW)]) for db in replicas]
        taken = [claim for run in runs for claim in run.result()]
    assert Counter(row for row, *_ in taken).most_common(1)[0][1] == 1
    assert len(taken) == ROWS
    abandoned = {row: lease for row, lease, is_settled in taken if not is_settled}
    assert len(abandoned) == ROWS // ABANDONS
    later = NOW + timedelta(seconds=LEASE_S + 1)
    with ThreadPoolExecutor(CLAIMERS) as pool:
        again = [c for each in pool.map(lambda db: [*take_all(db, table, later)], replicas) for c in each]
    assert sorted(row for row, *_ in again) == sorted(abandoned)
    with replicas[0].writing() as session:
        assert not any(claims.finish(session, TABLES[table], *claim, later) for claim in abandoned.items())
        left = session.scalars(select(TABLES[table].id).where(TABLES[table].state != RowState.DONE)).all()
    assert left == []


def test_every_tick_of_a_job_is_claimed_once(replicas: list[Database]) -> None:
    """Whichever replicas tick at the same moment."""

    def claim(database: Database) -> list[int]:
        ticks = range(SLOTS)
        return [n for n in ticks if claim_slot(database, f"job{n % 50}", NOW + timedelta(seconds=5 * n), 5)]

    with ThreadPoolExecutor(CLAIMERS) as pool:
        won = Counter(tick for ticks in pool.map(claim, replicas) for tick in ticks)
    assert set(won.values()) == {1}
    assert len(won) == SLOTS


class Desk:
    """Requests that are offered to three agents each, all of whom accept at the same moment."""

    def __init__(self, replicas: list[Database], settings: Settings) -> None:
        self.replicas, self.settings, self.now = replicas, settings, NOW
        self._numbers = count(1)

    def open_round(self) -> None:
        """New requests wait, are offered, and twice hedged; the matchers of all replicas run side by side."""
        waits = {"team_id": TEAM, "waiting_since": self.now, "deadline_at": self.now + timedelta(hours=4)}
        numbers = [next(self._numbers) for _ in range(REQUESTS)]
        rows = [request_row(n, RequestState.WAITING) | {"requester_id": f"UREQ{n}"} | waits for n in numbers]
        with self.replicas[0].writing() as session:
            session.execute(insert(SupportRequest), rows)
        self.everywhere(matching.offer_waiting)
        for _ in range(2):
            self.now += timedelta(seconds=31)
            self.everywhere(hedging.hedge)

    def everywhere(self, service: Callable[..., Any]) -> None:
        """Run a service on every replica at once."""

        def run(database: Database) -> None:
            with database.writing() as session:
                service(session, self.now, TEAM, self.settings)

        with ThreadPoolExecutor(CLAIMERS) as pool:
            list(pool.map(run, self.replicas))

    def accept_everything(self, random: Random) -> Counter[bool]:
        """Every agent accepts every offer, and asks for more now and then; how often that was heard and refused."""
        with self.replicas[0].reading() as session:
            open_ = select(Assignment.agent_id, Assignment.id).where(
                Assignment.state.in_([AssignmentState.OFFERED, AssignmentState.HEDGED])
            )
            offers = session.execute(open_.order_by(Assignment.id)).all()

        def work(number: int) -> Counter[bool]:
            agent, database, heard = AGENTS[number], self.replicas[number % CLAIMERS], Counter[bool]()
            ready.wait(60)
            for id_ in [id_ for who, id_ in offers if who == agent]:
                heard[self._accept(database, agent, id_)] += 1
            self._pull(database, agent)
            return heard

        ready, total = threading.Barrier(len(AGENTS)), Counter[bool]()
        with ThreadPoolExecutor(len(AGENTS)) as pool:
            for heard in pool.map(work, range(len(AGENTS))):
                total += heard
        return total

    def _accept(self, database: Database, agent: str, id_: int) -> bool:
        try:
            with database.writing() as session:
                assignments.accept(session, self.now, team_id=TEAM, user_id=agent, assignment_id=id_)
        except RefusedMove:
            return False
        return True

    def _pull(self, database: Database, agent: str) -> None:
        with database.writing() as session:
            pulling.pull(session, self.now, team_id=TEAM, user_id=agent, settings=self.settings)

    def end_round(self) -> None:
        """Everything is done, in one stroke."""
        with self.replicas[0].writing() as session:
            session.execute(
                update(Assignment)
                .where(Assignment.state == AssignmentState.ACCEPTED)
                .values(state=AssignmentState.RESOLVED, ended_at=self.now)
            )
            session.execute(update(SupportRequest).values(state="closed"))
        self.now += timedelta(minutes=10)


DOUBLE = text("""
    SELECT request_id, count(*) FROM assignments WHERE state IN ('offered', 'accepted')
    GROUP BY request_id HAVING count(*) > 1
    """)
OVER = text("""
    SELECT agent_id, count(*) FROM assignments WHERE state IN ('offered', 'hedged', 'accepted')
    GROUP BY agent_id HAVING count(*) > :capacity
    """)
HELD = text("SELECT count(DISTINCT request_id), count(*) FROM assignments WHERE state = 'accepted'")


def test_no_request_has_two_agents_and_no_agent_too_many(
    replicas: list[Database], make_settings: Callable[..., Settings]
) -> None:
    """Three agents accept each of many requests at once while others ask for work: one gets it, nobody more than they can take."""
    capacity = 3 * REQUESTS // len(AGENTS)
    desk = Desk(replicas, make_settings(firstline_agents=AGENTS, firstline_agent_capacity=capacity))
    heard = Counter[bool]()
    for number in range(ROUNDS):
        desk.open_round()
        with replicas[0].reading() as session:
            assert session.execute(DOUBLE).all() == []
            assert session.execute(OVER, {"capacity": capacity}).all() == []
        heard += desk.accept_everything(Random(number))
        with replicas[0].reading() as session:
            assert session.execute(DOUBLE).all() == []
            assert session.execute(OVER, {"capacity": capacity}).all() == []
            assert session.execute(HELD).one() == (REQUESTS, REQUESTS)
        desk.end_round()
    assert heard[True] == ROUNDS * REQUESTS
    assert heard[False] > ROUNDS * REQUESTS  # hedged to two more each, but for a few
