"""A tick of a job is a row: whoever inserts it runs the job, so it runs once however many replicas are alive.

(Replicas that share a job store of APScheduler's ran every tick twice: it has no lock across processes.)
"""

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from bot.storage.database import Database
from bot.storage.tables import JobSlot


def slot_at(now: datetime, every_s: float) -> int:
    """The number of the tick that ``now`` belongs to."""
    return int(now.timestamp() // every_s)


def claim_slot(db: Database, job: str, now: datetime, every_s: float) -> bool:
    """Whether this tick of ``job`` is ours to run; True at most once for each tick."""
    with db.writing() as session:
        insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
        claimed = session.execute(
            insert(JobSlot)
            .values(job=job, slot=slot_at(now, every_s), claimed_at=now)
            .on_conflict_do_nothing(index_elements=["job", "slot"])
            .returning(JobSlot.slot)
        ).first()
    return claimed is not None
