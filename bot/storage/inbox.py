"""Stores deliveries, each once, and says how long the queues are: of deliveries, of what is to be said, of people waiting."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.lifecycle import RequestState
from bot.storage.claims import came_at
from bot.storage.statements import insert_into
from bot.storage.tables import InboxKind, InboxRow, OutboxRow, RowState, SupportRequest


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
    session.execute(
        insert_into(session, InboxRow).on_conflict_do_nothing(index_elements=["delivery_key"]),
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
    """How a queue stands: rows by state (done ones are not counted), and when the oldest unsettled one came in, if any."""

    counts: dict[RowState, int]
    oldest_at: datetime | None


def queue_state(session: Session, table: type[InboxRow] | type[OutboxRow]) -> QueueState:
    """How the inbox or the outbox stands; one statement, which reads no row that is done."""
    rows = session.execute(
        select(table.state, func.count(), func.min(came_at(table)))
        .where(table.state.in_([RowState.READY, RowState.CLAIMED, RowState.DEAD]))
        .group_by(table.state)
    ).all()
    counts = dict.fromkeys((RowState.READY, RowState.CLAIMED, RowState.DEAD), 0)
    counts |= {state: count for state, count, _ in rows}
    unsettled = [oldest_at for state, _, oldest_at in rows if state is not RowState.DEAD]
    return QueueState(counts, min(unsettled, default=None))


@dataclass(frozen=True, slots=True)
class WaitingState:
    """Requests with people, by state; of those without an agent since when the oldest waits, and how many are late."""

    counts: dict[RequestState, int]
    oldest_at: datetime | None
    overdue: int


def waiting_state(session: Session, now: datetime) -> WaitingState:
    """How the requests stand that are with people; one statement, of every workspace."""
    request, states = SupportRequest, (RequestState.WAITING, RequestState.OFFERED, RequestState.IN_PROGRESS)
    is_late = case((request.deadline_at < now, 1), else_=0)
    rows = session.execute(
        select(request.state, func.count(), func.min(request.waiting_since), func.sum(is_late))
        .where(request.state.in_(states))
        .group_by(request.state)
    ).all()
    without = [row for row in rows if row[0] is not RequestState.IN_PROGRESS]
    return WaitingState(
        counts=dict.fromkeys(states, 0) | {state: count for state, count, _, _ in rows},
        oldest_at=min((since for _, _, since, _ in without if since is not None), default=None),
        overdue=sum(int(late) for _, _, _, late in without),
    )
