"""Scheduled jobs run once whoever is alive."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import func, select, update

from bot.jobs.prune import prune
from bot.jobs.schedule import Schedule
from bot.jobs.slots import claim_slot
from bot.jobs.slots import end as end_run
from bot.lifecycle import AssignmentState, RequestState
from bot.storage.database import Database
from bot.storage.forgotten import erased_mark
from bot.storage.tables import (
    Assignment,
    InboxKind,
    InboxRow,
    JobSlot,
    Lock,
    OutboxKind,
    OutboxRow,
    PostedMessage,
    RowState,
    SupportRequest,
)


def test_a_tick_belongs_to_one_of_many_replicas(database, clock) -> None:
    """Eight replicas that tick at the same moment: one runs the job; at the next tick one runs it again."""
    claimed: list[bool] = []
    guard = threading.Lock()

    def tick() -> None:
        run = claim_slot(database, "offers", clock(), 5)
        with guard:
            claimed.append(run is not None)
        if run is not None:
            end_run(database, run)

    for expected in (1, 2):
        threads = [threading.Thread(target=tick) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(claimed) == expected
        clock.forward(5)


def test_jobs_do_not_take_each_others_ticks(database, clock) -> None:
    """A slot is of one job."""
    assert claim_slot(database, "offers", clock(), 5)
    assert claim_slot(database, "prune", clock(), 5)
    assert not claim_slot(database, "prune", clock(), 5)


def test_a_job_that_fails_is_logged_and_runs_again_at_the_next_tick(sqlite_database, clock, caplog) -> None:
    """A failing job neither stops the scheduler nor spills people's words."""
    schedule = Schedule(BackgroundScheduler(), sqlite_database, clock)
    runs = []

    def job() -> None:
        runs.append(1)
        raise RuntimeError("secret words")

    assert not schedule.tick("offers", 5, job)
    assert not schedule.tick("offers", 5, job)
    assert len(runs) == 1
    clock.forward(5)
    schedule.tick("offers", 5, job)
    assert len(runs) == 2
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_a_scheduled_job_really_runs_once_for_two_schedulers(sqlite_database, real_clock) -> None:
    """Two replicas' schedulers tick every second for a while; no second has two runs."""
    runs: list[int] = []
    schedulers = [BackgroundScheduler(), BackgroundScheduler()]
    for scheduler in schedulers:
        schedule = Schedule(scheduler, sqlite_database, real_clock)
        schedule.every("tick", 1, lambda: runs.append(int(real_clock().timestamp())))
        scheduler.start()
    end = time.monotonic() + 10
    while len(runs) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    for scheduler in schedulers:
        scheduler.shutdown(wait=True)
    with sqlite_database.reading() as session:
        slots = session.scalar(select(func.count()).select_from(JobSlot))
    assert len(runs) == slots >= 2


@pytest.fixture
def fill(database, clock):
    """Rows in each state, all settled (or received) now."""

    def run() -> None:
        with database.writing() as session:
            for number, state in enumerate(RowState):
                settled = clock() if state in (RowState.DONE, RowState.DEAD) else None
                session.add(
                    InboxRow(
                        delivery_key=f"k{number}",
                        team_id="T1",
                        lane="x",
                        kind=InboxKind.EVENT,
                        body={},
                        state=state,
                        received_at=clock(),
                        due_at=clock(),
                        done_at=settled,
                    )
                )
                session.add(
                    OutboxRow(
                        dedupe_key=f"k{number}",
                        team_id="T1",
                        lane="x",
                        kind=OutboxKind.POST,
                        payload={},
                        state=state,
                        created_at=clock(),
                        due_at=clock(),
                        done_at=settled,
                    )
                )

    return run


def test_only_what_is_settled_and_old_is_deleted(database, clock, fill) -> None:
    """Rows that wait stay however old they are; the others go when their time has passed."""
    fill()
    claim_slot(database, "offers", clock(), 5)
    clock.forward(3600)
    assert prune(database, clock, 3601, 0, threading.Event()) == 0
    clock.forward(timedelta(days=1).total_seconds())
    assert prune(database, clock, 3601, 0, threading.Event()) == 5
    with database.reading() as session:
        for table in (InboxRow, OutboxRow):
            left = set(session.scalars(select(table.state)))
            assert left == {RowState.READY, RowState.CLAIMED}
        assert session.scalar(select(func.count()).select_from(JobSlot)) == 0


def test_a_stopping_bot_deletes_nothing_more(database, clock, fill) -> None:
    """The next run goes on where this one ended."""
    fill()
    clock.forward(10)
    stopping = threading.Event()
    stopping.set()
    assert prune(database, clock, 5, 0, stopping) == 0
    stopping.clear()
    assert prune(database, clock, 5, 0, stopping) == 4


def open_request(session, clock, state: RequestState, number: int) -> SupportRequest:
    request = SupportRequest(
        team_id="T1",
        requester_id="U1",
        channel_id="D1",
        thread_ts=str(number),
        text="words",
        state=state,
        opened_at=clock(),
    )
    session.add(request)
    session.flush()
    return request


def test_places_of_messages_go_when_nothing_can_change_them_any_more(database, clock) -> None:
    """After keeping time and reopening window; cards and offers of requests that are still open stay."""
    with database.writing() as session:
        ended, waiting = (
            open_request(session, clock, state, number)
            for number, state in enumerate([RequestState.CLOSED, RequestState.WAITING])
        )
        offer = Assignment(
            team_id="T1",
            request_id=waiting.id,
            agent_id="U2",
            state=AssignmentState.OFFERED,
            cost=0,
            reason="first",
            terms={},
            offered_at=clock(),
        )
        session.add(offer)
        session.flush()
        told = {f"nobody:{waiting.id}:{wait}:{place}" for wait in (1, 2) for place in ("C0IT", "U1")}
        kept = {f"card:{waiting.id}", f"offer:{offer.id}"} | told
        gone = {f"card:{ended.id}", "offer:999", "line:1:x", f"nobody:{ended.id}:1:C0IT", "nobody:999:1:C0IT"}
        for key in kept | gone:
            at = {"channel_id": "D1", "ts": "1.0", "posted_at": clock()}
            session.add(PostedMessage(team_id="T1", message_key=key, **at))
    clock.forward(99)
    assert prune(database, clock, 60, 40, threading.Event()) == 0
    clock.forward(2)
    assert prune(database, clock, 60, 40, threading.Event()) == len(gone)
    with database.reading() as session:
        assert set(session.scalars(select(PostedMessage.message_key))) == kept


def test_where_there_is_nothing_to_delete_nobody_who_writes_waits(sqlite_database, clock) -> None:
    """The look itself needs no turn at writing, and with many rows it takes a while."""
    done = threading.Event()

    def look() -> None:
        prune(sqlite_database, clock, 60, 40, threading.Event())
        done.set()

    with sqlite_database.writing():
        threading.Thread(target=look, daemon=True).start()
        assert done.wait(5)


class Renewed(Database):
    """A database where a message is posted anew, and a person forgotten anew, after every look."""

    def __init__(self, engine, clock) -> None:
        super().__init__(engine)
        self._clock = clock

    @contextmanager
    def reading(self):
        """As ever, but for what happens just after it."""
        with super().reading() as session:
            yield session
        with super().writing() as session:
            session.execute(update(PostedMessage).values(posted_at=self._clock()))
            session.execute(update(Lock).values(taken_at=self._clock()))


def test_what_became_young_again_since_it_was_looked_at_stays(sqlite_database, clock) -> None:
    """The deletion itself holds each row against its time."""
    with sqlite_database.writing() as session:
        at = {"channel_id": "D1", "ts": "1.0", "posted_at": clock()}
        session.add(PostedMessage(team_id="T1", message_key="line:1:x", **at))
        session.add(Lock(name=erased_mark("T1", "D1"), taken_at=clock()))
    clock.forward(30 * 86400)
    assert prune(Renewed(sqlite_database.engine, clock), clock, 60, 40, threading.Event()) == 0


STUCK = """
import sys, threading, time
from datetime import UTC, datetime
from apscheduler.schedulers.background import BackgroundScheduler
from bot.jobs.schedule import Schedule
from bot.storage.database import Database, open_engine

scheduler, runs = BackgroundScheduler(), threading.Event()
schedule = Schedule(scheduler, Database(open_engine(sys.argv[1])), lambda: datetime.now(UTC))
schedule.every("stuck", 1, lambda: (runs.set(), time.sleep(60)))
scheduler.start()
assert runs.wait(20)
scheduler.shutdown(wait=False)
print("ends", flush=True)
"""


def test_a_job_does_not_hold_up_the_end_of_the_process(sqlite_database) -> None:
    """A job that waits for Slack for as long as it likes is left behind when the process ends."""
    url = str(sqlite_database.engine.url)
    with subprocess.Popen([sys.executable, "-c", STUCK, url], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ends\n"
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_more_than_a_batch_is_deleted_in_one_run(database, clock, monkeypatch) -> None:
    """Batches keep transactions short, not runs incomplete."""
    monkeypatch.setattr("bot.jobs.prune.BATCH_ROWS", 3)
    with database.writing() as session:
        session.add_all(
            InboxRow(
                delivery_key=f"k{number}",
                team_id="T1",
                lane="x",
                kind=InboxKind.EVENT,
                body={},
                state=RowState.DONE,
                received_at=clock(),
                due_at=clock(),
                done_at=clock(),
            )
            for number in range(10)
        )
    clock.forward(10)
    assert prune(database, clock, 5, 0, threading.Event()) == 10
