"""Deletes what is settled and old: deliveries hold people's words, and tables should not grow for ever."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    cast,
    delete,
    exists,
    inspect,
    literal,
    select,
    true,
    tuple_,
    union_all,
)

from bot.ids import message_key
from bot.jobs.unheard import LOOK_BACK
from bot.lifecycle import ENDED_STATES, IDLE_STATES, OPEN_STATES, REOPENABLE_STATES
from bot.storage.database import Clock, Database
from bot.storage.forgotten import MARK
from bot.storage.tables import (
    SETTLED,
    Assignment,
    Base,
    InboxRow,
    JobSlot,
    Lock,
    OutboxRow,
    PostedMessage,
    RoutingDecision,
    SupportRequest,
)

BATCH_ROWS = 1000  # to a transaction, so that nothing else waits long
SLOTS_KEPT = timedelta(days=1)  # a tick is claimed within seconds; only its own period matters
# In these a request may be that the fallback was told of.
TOLD_OF = (OPEN_STATES | REOPENABLE_STATES) - IDLE_STATES


@dataclass(frozen=True, slots=True)
class _Old:
    """Rows of ``table`` that are to go: past their time, and needed by nothing, which takes longer to find out."""

    table: type[Base]
    is_old: ColumnElement[bool]
    is_unneeded: ColumnElement[bool] = field(default_factory=true)

    @property
    def key(self) -> tuple[ColumnElement[Any], ...]:
        """The columns of the primary key."""
        return inspect(self.table).primary_key


def prune(
    db: Database, clock: Clock, keep_s: float, reopen_window_s: float, stopping: threading.Event
) -> int:
    """Delete inbox and outbox rows settled more than ``keep_s`` seconds ago, routing decisions of that age, and old job
    slots; return how many.

    Where messages stand in Slack is kept ``reopen_window_s`` seconds longer, and for cards (those of the fallback,
    too) and offers as long as their request is open: they may still change. Ends early, after a batch, once ``stopping`` is set.
    """
    now = clock()
    before = now - timedelta(seconds=keep_s)
    posted_before = before - timedelta(seconds=reopen_window_s)
    marked_before = min(before, now - LOOK_BACK)  # older messages are not taken for missed any more
    olds = (
        *(
            _Old(table, table.state.in_(SETTLED) & (table.done_at < before))
            for table in (InboxRow, OutboxRow)
        ),
        _Old(PostedMessage, PostedMessage.posted_at < posted_before, _changes_no_more()),
        # The assignments keep the reason and terms; gone is why it was nobody else.
        _Old(RoutingDecision, RoutingDecision.at < before),
        _Old(JobSlot, JobSlot.claimed_at < now - SLOTS_KEPT),
        _Old(Lock, Lock.name.startswith(MARK, autoescape=True) & (Lock.taken_at < marked_before)),
    )
    return sum(_delete(db, old, stopping) for old in olds)


def _delete(db: Database, old: _Old, stopping: threading.Event) -> int:
    deleted = 0
    while not stopping.is_set():
        with db.reading() as session:  # a look takes a while, and mostly finds nothing: no write waits for it
            look = select(*old.key).where(old.is_old, old.is_unneeded).limit(BATCH_ROWS)
            found = [tuple(row) for row in session.execute(look)]
        if found:
            deleted += _delete_these(db, old, found)
        if len(found) < BATCH_ROWS:
            break
    return deleted


def _delete_these(db: Database, old: _Old, found: Sequence[tuple[Any, ...]]) -> int:
    """Delete those that were found, unless they have become young again meanwhile."""
    these = tuple_(*old.key).in_(found) if len(old.key) > 1 else old.key[0].in_([key for (key,) in found])
    gone = delete(old.table).where(these, old.is_old).returning(*old.key)
    with db.writing() as session:
        return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def _changes_no_more() -> ColumnElement[bool]:
    """Whether a message of ours is no card of a request that has not ended: those are still updated."""
    return PostedMessage.message_key.not_in(_keys_in_use()) & ~_tells_of_open()


def _tells_of_open() -> ColumnElement[bool]:
    """Whether it is a card of the fallback's, whose key begins with its request's: while that is open it has a button."""
    of_request = literal(message_key("nobody", "")) + cast(SupportRequest.id, String) + ":%"
    is_open = SupportRequest.state.in_(TOLD_OF)
    tells = exists().where(is_open, PostedMessage.message_key.like(of_request))
    return PostedMessage.message_key.startswith(message_key("nobody", "")) & tells


def _keys_in_use() -> Select[str]:
    """The keys of the cards, offers and group openings of requests that have not ended."""
    open_ids = select(SupportRequest.id).where(SupportRequest.state.not_in(ENDED_STATES))
    of_open = select(Assignment.id).where(Assignment.request_id.in_(open_ids))
    keys = union_all(
        *(
            select((literal(message_key(kind, "")) + cast(ids.subquery().c.id, String)).label("key"))
            for kind, ids in (("card", open_ids), ("offer", of_open), ("group", of_open))
        )
    ).subquery()
    return select(keys.c.key)
