"""Scheduled jobs on three replicas that die at any step: each tick's work is done once, late if need be.

Hours and days pass on a clock that the test moves. At full size (`make soak`) a thousand ticks, on both databases.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from random import Random
from zoneinfo import ZoneInfo

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text

from bot.errors import LeaseLost
from bot.jobs.schedule import LOOK_S, Schedule
from bot.jobs.slots import Run, claim_slot, lease_of, settle, slot_at
from bot.storage.database import Database, open_engine
from tests.serving import ROOT
from tests.sizes import at_full_size

SEED = 3
SLOTS = 1000 if at_full_size() else 10
KILLS = 20 if at_full_size() else 1
PERIOD_S = 300.0
LOOKS = round(PERIOD_S / LOOK_S)  # of each replica in a period
DEATH = 0.3  # of each replica in each period
DOWN_LOOKS = 3  # so long until it is started again
START = datetime(2026, 3, 2, tzinfo=UTC)


class Step(IntEnum):
    """Where in its look a replica dies."""

    BEFORE = 0
    CLAIMED = 1
    WRITTEN = 2
    COMMITTED = 3


class Died(BaseException):
    """As by kill -9: nothing catches it, and nothing is done after it."""


def write_and_settle(db: Database, run: Run, then: Callable[[], None] = lambda: None) -> None:
    """The job: one row of its tick, in the transaction that settles it; ``then`` is called before the commit."""
    with db.writing() as session:
        session.execute(text("INSERT INTO effects VALUES (:slot)"), {"slot": run.slot})
        settle(session, run)
        then()


@dataclass(slots=True)
class Replica:
    """One of the replicas, with an engine of its own; ``now`` is its clock."""

    db: Database
    now: datetime = START
    dies_at: Step | None = None
    down_looks: int = 0

    def look(self) -> None:
        """What the scheduler does at each tick; dies where it is to die."""
        if self.down_looks:
            self.down_looks -= 1
            return
        try:
            self._come_to(Step.BEFORE)
            Schedule(BackgroundScheduler(), self.db, lambda: self.now).tick_in_one(
                "count", PERIOD_S, self._job
            )
            if self.dies_at is not None:
                raise Died
        except Died:
            self.dies_at, self.down_looks = None, DOWN_LOOKS

    def _job(self, run: Run) -> None:
        self._come_to(Step.CLAIMED)
        write_and_settle(self.db, run, lambda: self._come_to(Step.WRITTEN))
        self._come_to(Step.COMMITTED)

    def _come_to(self, step: Step) -> None:
        if self.dies_at is step:
            raise Died


def with_effects(database_url: str) -> str:
    """The database, with a table in which the job's effects are counted."""
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE effects (slot BIGINT NOT NULL)"))
    engine.dispose()
    return database_url


@pytest.fixture
def replicas(database_url: str) -> Iterator[list[Replica]]:
    """Three replicas on one database."""
    with_effects(database_url)
    made = [Replica(Database(open_engine(database_url))) for _ in range(3)]
    yield made
    for replica in made:
        replica.db.dispose()


def effects(db: Database) -> Counter[int]:
    """How often the work of each tick was done."""
    with db.reading() as session:
        return Counter(session.scalars(text("SELECT slot FROM effects")))


def look_all(replicas: list[Replica], pool: ThreadPoolExecutor, now: datetime) -> None:
    """Everybody looks at the same moment."""
    for replica in replicas:
        replica.now = now
    list(pool.map(Replica.look, replicas))


@pytest.mark.timeout(900)
def test_each_tick_is_done_once_by_replicas_that_die(replicas: list[Replica]) -> None:
    """Three replicas, each killed with a probability of .3 in each period, at a random look and step of it."""
    dice, deaths = Random(SEED), 0
    with ThreadPoolExecutor(len(replicas)) as pool:
        for look in range((SLOTS + 2) * LOOKS):
            for replica in replicas if look < SLOTS * LOOKS else ():  # the last two periods are for finishing
                if not replica.down_looks and dice.random() < DEATH / LOOKS:
                    replica.dies_at, deaths = dice.choice(list(Step)), deaths + 1
            look_all(replicas, pool, START + look * timedelta(seconds=LOOK_S))
    first = slot_at(START, PERIOD_S)
    assert deaths > SLOTS / 2, f"seed {SEED}"
    assert effects(replicas[0].db) == Counter(range(first, first + SLOTS + 2)), f"seed {SEED}"


def test_after_two_hours_of_sleep_there_is_one_run(replicas: list[Replica]) -> None:
    """Also when a replica had died at work before: 24 ticks are made up for by the present one."""
    replicas[0].dies_at = Step.CLAIMED
    replicas[0].look()
    morning = START + timedelta(hours=2)
    with ThreadPoolExecutor(len(replicas)) as pool:
        for look in range(LOOKS):
            look_all(replicas, pool, morning + look * timedelta(seconds=LOOK_S))
    assert effects(replicas[0].db) == {slot_at(morning, PERIOD_S): 1}


def test_a_run_that_was_taken_over_leaves_no_trace(replicas: list[Replica]) -> None:
    """A replica that was only slow comes back after another has done its work."""
    slow, other, _ = replicas
    run = claim_slot(slow.db, "count", START, PERIOD_S)
    assert run is not None
    other.now = START + lease_of(PERIOD_S)
    other.look()
    with pytest.raises(LeaseLost):
        write_and_settle(slow.db, run)
    assert effects(slow.db) == {run.slot: 1}


def test_a_job_never_runs_twice_at_a_time(replicas: list[Replica]) -> None:
    """A run that outlasts its period is not overtaken by another replica's, while its lease lasts."""
    assert claim_slot(replicas[0].db, "count", START, 5) is not None
    assert claim_slot(replicas[1].db, "count", START + timedelta(seconds=6), 5) is None
    assert claim_slot(replicas[1].db, "count", START + timedelta(seconds=10), 5) is not None


def test_a_mark_from_the_future_holds_nothing_up(replicas: list[Replica]) -> None:
    """A replica whose clock was a day ahead died at work; the others go on."""
    assert claim_slot(replicas[0].db, "count", START + timedelta(days=1), PERIOD_S) is not None
    assert claim_slot(replicas[1].db, "count", START, PERIOD_S) is not None


CHANGES = {
    "Berlin, 23 hours": (datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Berlin")), 23),
    "Berlin, 25 hours": (datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")), 25),
    "New York, 23 hours": (datetime(2026, 3, 8, tzinfo=ZoneInfo("America/New_York")), 23),
    "New York, 25 hours": (datetime(2026, 11, 1, tzinfo=ZoneInfo("America/New_York")), 25),
}


@pytest.mark.parametrize(("midnight", "hours"), CHANGES.values(), ids=CHANGES.keys())
def test_a_change_of_the_clocks_neither_drops_nor_doubles_a_run(
    sqlite_url: str, midnight: datetime, hours: int
) -> None:
    """An hourly job runs 23 or 25 times on that day, a daily one once, on a clock that shows local time."""
    db, zone = Database(open_engine(sqlite_url)), midnight.tzinfo
    runs = Counter[str]()
    moment, end = midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)
    while moment < end:
        schedule = Schedule(BackgroundScheduler(), db, lambda at=moment: at.astimezone(zone))
        for job, every_s in (("hourly", 3600), ("daily", 86400)):
            runs[job] += schedule.tick(job, every_s, lambda: None)
        moment += timedelta(minutes=10)
    db.dispose()
    assert (end - midnight.astimezone(UTC)) == timedelta(hours=hours)
    assert runs["hourly"] == hours
    # Days are UTC's here: a day of 23 or 25 hours touches two of them, and each has its one run.
    assert runs["daily"] == len({slot_at(at, 86400) for at in (midnight, end - timedelta(minutes=10))})


WORKS = """
import sys, time
from datetime import datetime
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text
from bot.jobs.schedule import Schedule
from bot.jobs.slots import settle
from bot.storage.database import Database, open_engine
from tests.sizes import at_full_size

url, now, hangs = sys.argv[1], datetime.fromisoformat(sys.argv[2]), sys.argv[3] == "hangs"

def job(run):
    with db.writing() as session:
        session.execute(text("INSERT INTO effects VALUES (:slot)"), {"slot": run.slot})
        settle(session, run)
        if hangs:
            print("at work", flush=True)
            time.sleep(600)

db = Database(open_engine(url))
print("done" if Schedule(BackgroundScheduler(), db, lambda: now).tick_in_one("count", 300, job) else "nothing", flush=True)
"""


def work(url: str, now: datetime, how: str) -> "subprocess.Popen[str]":
    """A replica's process that looks once."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKS, url, now.isoformat(), how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def said(process: "subprocess.Popen[str]") -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def looked(url: str, now: datetime) -> str:
    """What a replica's process did that looked once, and ended."""
    with work(url, now, "works") as process:
        return said(process)


@pytest.mark.postgres
def test_killed_in_the_middle_of_its_transaction_the_work_is_done_once(postgres_database_url: str) -> None:
    """A real kill -9: the next replica that looks after the lease does the work, and none before."""
    url = with_effects(postgres_database_url)
    db = Database(open_engine(url))
    for number in range(KILLS):
        now = START + number * timedelta(seconds=PERIOD_S)
        with work(url, now, "hangs") as victim:
            assert said(victim) == "at work"
            victim.kill()
        later = now + lease_of(PERIOD_S)
        assert [looked(url, at) for at in (now, later)] == ["nothing", "done"]
    first = slot_at(START, PERIOD_S)
    assert effects(db) == Counter(range(first, first + KILLS))
    db.dispose()
