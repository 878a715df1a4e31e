"""Stores deliveries, each once, and says how long the queues are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from bot.storage.tables import InboxKind, InboxRow, OutboxRow, RowState


@dataclass(frozen=True, slots=True)
class Delivery:
    """One verified thing that Slack sent. ``delivery_key`` is the same for each of Slack's retries of it."""

    kind: InboxKind
    delivery_key: str  # at most 128 characters
    team_id: str  # at most 32 characters
    lane: str  # at most 80 characters; deliveries of one lane are worked one after another
    body: dict[str, Any]  # JSON that both databases can hold: no NUL, no lone surrogates, finite numbers


Prepare = Callable[[Delivery], Delivery]  # what is stored of a delivery


def as_it_is(delivery: Delivery) -> Delivery:
    """All of it is stored."""
    return delivery


def store(session: Session, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Insert ``deliveries`` in their order; those that are known already change nothing."""
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgres_insert
    session.execute(
        insert(InboxRow).on_conflict_do_nothing(index_elements=["delivery_key"]),
        [
            {
                "delivery_key": delivery.delivery_key,
                "team_id": delivery.team_id,
                "lane": delivery.lane,
                "kind": delivery.kind,
                "body": delivery.body,
                "state": RowState.READY,
                "attempts": 0,
                "received_at": now,
                "due_at": now,
            }
            for delivery in deliveries
        ],
    )


def count_waiting(session: Session) -> int:
    """How many deliveries wait to be worked."""
    return session.scalar(select(func.count()).where(InboxRow.state == RowState.READY)) or 0


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a queue stands: rows by state, and when the oldest that is not final came in (None when there is none)."""

    counts: dict[RowState, int]
    oldest_at: datetime | None


def queue_state(session: Session, table: type[InboxRow] | type[OutboxRow]) -> QueueState:
    """How the inbox or the outbox stands."""
    counted = session.execute(select(table.state, func.count()).group_by(table.state)).all()
    came_at = InboxRow.received_at if table is InboxRow else OutboxRow.created_at
    oldest_at = session.scalar(
        select(func.min(came_at)).where(table.state.in_([RowState.READY, RowState.CLAIMED]))
    )
    counts = dict.fromkeys(RowState, 0)
    for state, count in counted:
        counts[state] = count
    return QueueState(counts, oldest_at)
