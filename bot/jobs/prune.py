"""Deletes what is settled and old: deliveries hold people's words, and tables should not grow for ever."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.storage.database import Clock, Database
from bot.storage.tables import InboxRow, JobSlot, OutboxRow, RowState

BATCH_ROWS = 1000  # to a transaction, so that nothing else waits long
SLOTS_KEPT = timedelta(days=1)  # a tick is claimed within seconds; only its own period matters
FINAL = (RowState.DONE, RowState.DEAD)


def prune(db: Database, clock: Clock, keep_s: float) -> int:
    """Delete inbox and outbox rows settled more than ``keep_s`` seconds ago, and old job slots; return how many."""
    now = clock()
    before = now - timedelta(seconds=keep_s)
    deleted = 0
    for table in (InboxRow, OutboxRow):
        while (batch := _prune_batch(db, table, before)) > 0:
            deleted += batch
    with db.writing() as session:
        slots = session.execute(
            delete(JobSlot).where(JobSlot.claimed_at < now - SLOTS_KEPT).returning(JobSlot.slot)
        ).all()
    return deleted + len(slots)


def _prune_batch(db: Database, table: type[InboxRow] | type[OutboxRow], before: datetime) -> int:
    with db.writing() as session:
        return _delete_settled(session, table, before)


def _delete_settled(session: Session, table: type[InboxRow] | type[OutboxRow], before: datetime) -> int:
    ids = session.scalars(
        select(table.id).where(table.state.in_(FINAL), table.done_at < before).limit(BATCH_ROWS)
    ).all()
    if ids:
        session.execute(delete(table).where(table.id.in_(ids)))
    return len(ids)
