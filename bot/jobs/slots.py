"""A tick of a job is a row: whoever inserts it runs the job, so it runs once however many replicas are alive.

Beside it a mark stands for as long as the job runs. A replica that dies leaves its mark behind, and when that is old
another takes the run over. Ticks of a time when nobody was alive are made up for by one run: that of the present tick.

(Replicas that share a job store of APScheduler's ran every tick twice: it has no lock across processes.)
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from bot.errors import LeaseLost
from bot.storage.database import Database
from bot.storage.statements import insert_into
from bot.storage.tables import JobSlot, Lock

LEASE_S = (10.0, 120.0)  # at least and at most; in between two periods
SPARE_S = 10.0  # what a run that ends in time may still need after its time is up


@dataclass(frozen=True, slots=True)
class Run:
    """A job at work for one of its ticks. ``taken_at`` tells it from a run that took it over."""

    job: str
    slot: int
    taken_at: datetime

    @property
    def mark(self) -> str:
        """The name of the mark that stands while the job runs, whatever the tick: it never runs twice at a time."""
        return f"job:{self.job}"


def slot_at(now: datetime, every_s: float) -> int:
    """The number of the tick that ``now`` belongs to."""
    return int(now.timestamp() // every_s)


def lease_of(every_s: float, lasts_s: float = 0.0) -> timedelta:
    """How long a run is its replica's, for a job of this period whose runs may last ``lasts_s`` seconds."""
    shortest_s, longest_s = LEASE_S
    return timedelta(seconds=max(min(longest_s, max(shortest_s, 2 * every_s)), lasts_s + SPARE_S))


def claim_slot(db: Database, job: str, now: datetime, every_s: float, lasts_s: float = 0.0) -> Run | None:
    """The run that is ours to do now; for each tick of ``job`` one at a time, and none once it is settled."""
    now = now.astimezone(UTC)  # the arithmetic of other zones goes by the clock on the wall
    run = Run(job, slot_at(now, every_s), now)
    with db.reading() as session:  # most looks find nothing to do, and need not wait for their turn to write
        mark, newest = session.get(Lock, run.mark), _newest(session, job)
    if mark is None:
        return None if newest == run.slot else _begin(db, run)
    # One from the future was made by a clock that went wrong.
    if abs(now - mark.taken_at) < lease_of(every_s, lasts_s):
        return None
    return _take_over(db, run, mark.taken_at, newest)


def settle(session: Session, run: Run) -> None:
    """End ``run``, in the transaction that holds what it did. Raises LeaseLost when it was taken over."""
    if not _remove_mark(session, run):
        raise LeaseLost(f"the run of {run.job} for tick {run.slot} was taken over")


def end(db: Database, run: Run) -> None:
    """End ``run`` if it is not settled yet, nor taken over."""
    with db.writing() as session:
        _remove_mark(session, run)


def _begin(db: Database, run: Run) -> Run | None:
    with db.writing() as session:
        if not _insert(session, Lock, name=run.mark, taken_at=run.taken_at):
            return None
        if _insert(session, JobSlot, job=run.job, slot=run.slot, claimed_at=run.taken_at):
            return run
        _remove_mark(session, run)  # another has begun and ended since we looked
        return None


def _take_over(db: Database, run: Run, seen_at: datetime, newest: int | None) -> Run | None:
    """Do what a dead replica has begun; what is older than the tick before this one the present tick makes up for."""
    with db.writing() as session:
        taken = session.execute(
            update(Lock)
            .where(Lock.name == run.mark, Lock.taken_at == seen_at)
            .values(taken_at=run.taken_at)
            .returning(Lock.name)
            .execution_options(synchronize_session=False)
        ).first()
        if taken is None:
            return None
        if newest is not None and newest >= run.slot - 1:
            return Run(run.job, newest, run.taken_at)
        _insert(session, JobSlot, job=run.job, slot=run.slot, claimed_at=run.taken_at)
        return run


def _newest(session: Session, job: str) -> int | None:
    return session.scalar(select(func.max(JobSlot.slot)).where(JobSlot.job == job))


def _insert(session: Session, table: type[Lock] | type[JobSlot], **values: Any) -> bool:
    """Whether the row is new."""
    column = Lock.name if table is Lock else JobSlot.slot
    return (
        session.execute(
            insert_into(session, table).values(**values).on_conflict_do_nothing().returning(column)
        ).first()
        is not None
    )


def _remove_mark(session: Session, run: Run) -> bool:
    mine = delete(Lock).where(Lock.name == run.mark, Lock.taken_at == run.taken_at).returning(Lock.name)
    return session.execute(mine.execution_options(synchronize_session=False)).first() is not None
