"""Deletes what is settled and old: deliveries hold people's words, and tables should not grow for ever."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Select, String, cast, delete, literal, select, tuple_, union_all
from sqlalchemy.orm import Session

from bot.ids import message_key
from bot.jobs.unheard import LOOK_BACK
from bot.lifecycle import RequestState
from bot.storage.database import Clock, Database
from bot.storage.forgotten import MARK
from bot.storage.tables import (
    Assignment,
    InboxRow,
    JobSlot,
    Lock,
    OutboxRow,
    PostedMessage,
    RoutingDecision,
    RowState,
    SupportRequest,
)

BATCH_ROWS = 1000  # to a transaction, so that nothing else waits long
SLOTS_KEPT = timedelta(days=1)  # a tick is claimed within seconds; only its own period matters
FINAL = (RowState.DONE, RowState.DEAD)
ENDED = (RequestState.CLOSED, RequestState.WITHDRAWN)

DeleteBatch = Callable[[Session], int]


def prune(
    db: Database, clock: Clock, keep_s: float, reopen_window_s: float, stopping: threading.Event
) -> int:
    """Delete inbox and outbox rows settled more than ``keep_s`` seconds ago, routing decisions of that age, and old job
    slots; return how many.

    Where messages stand in Slack is kept ``reopen_window_s`` seconds longer, and for cards and offers as long as
    their request is open: they may still change. Ends early, after a batch, once ``stopping`` is set.
    """
    now = clock()
    before = now - timedelta(seconds=keep_s)
    batches: list[DeleteBatch] = [
        lambda session: _delete_settled(session, InboxRow, before),
        lambda session: _delete_settled(session, OutboxRow, before),
        lambda session: _delete_posted(session, before - timedelta(seconds=reopen_window_s)),
        lambda session: _delete_decisions(session, before),
        lambda session: _delete_slots(session, now - SLOTS_KEPT),
        lambda session: _delete_marks(session, min(before, now - LOOK_BACK)),
    ]
    return sum(_repeat(db, delete_batch, stopping) for delete_batch in batches)


def _repeat(db: Database, delete_batch: DeleteBatch, stopping: threading.Event) -> int:
    deleted = 0
    while not stopping.is_set():
        with db.writing() as session:
            batch = delete_batch(session)
        deleted += batch
        if batch < BATCH_ROWS:
            break
    return deleted


def _delete_settled(session: Session, table: type[InboxRow] | type[OutboxRow], before: datetime) -> int:
    ids = session.scalars(
        select(table.id).where(table.state.in_(FINAL), table.done_at < before).limit(BATCH_ROWS)
    ).all()
    if ids:
        session.execute(delete(table).where(table.id.in_(ids)))
    return len(ids)


def _delete_posted(session: Session, before: datetime) -> int:
    place = tuple_(PostedMessage.team_id, PostedMessage.message_key)
    old = (
        select(PostedMessage.team_id, PostedMessage.message_key)
        .where(PostedMessage.posted_at < before, PostedMessage.message_key.not_in(_keys_in_use()))
        .limit(BATCH_ROWS)
    )
    return len(
        session.execute(
            delete(PostedMessage)
            .where(place.in_(old))
            .returning(PostedMessage.message_key)
            .execution_options(synchronize_session=False)
        ).all()
    )


def _keys_in_use() -> Select[str]:
    """The keys of the cards, offers and group openings of requests that have not ended."""
    open_ids = select(SupportRequest.id).where(SupportRequest.state.not_in(ENDED))
    of_open = select(Assignment.id).where(Assignment.request_id.in_(open_ids))
    keys = union_all(
        *(
            select((literal(message_key(kind, "")) + cast(ids.subquery().c.id, String)).label("key"))
            for kind, ids in (("card", open_ids), ("offer", of_open), ("group", of_open))
        )
    ).subquery()
    return select(keys.c.key)


def _delete_decisions(session: Session, before: datetime) -> int:
    # The assignments keep their reason and terms; gone is why it was nobody else.
    ids = session.scalars(
        select(RoutingDecision.id).where(RoutingDecision.at < before).limit(BATCH_ROWS)
    ).all()
    if ids:
        session.execute(delete(RoutingDecision).where(RoutingDecision.id.in_(ids)))
    return len(ids)


def _delete_marks(session: Session, before: datetime) -> int:
    """Marks of forgotten conversations; what was written before them is too old to be taken for missed by now."""
    old = delete(Lock).where(Lock.name.startswith(MARK, autoescape=True), Lock.taken_at < before)
    return len(session.execute(old.returning(Lock.name)).all())


def _delete_slots(session: Session, before: datetime) -> int:
    slots = session.execute(delete(JobSlot).where(JobSlot.claimed_at < before).returning(JobSlot.slot)).all()
    return len(slots)
