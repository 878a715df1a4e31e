"""A request comes back: by Undo, or by a reply in its thread, within the reopen window. It always goes to a person.

After the window it is closed for good; a close by suggestion then counts as deflected for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import RefusedMove
from bot.ids import EventKind
from bot.lifecycle import REOPENABLE_STATES, RequestState
from bot.services.moves import move
from bot.services.views import RequestView
from bot.settings import Settings
from bot.storage.tables import SupportRequest

BATCH = 500  # requests closed for good in one unit of work


@dataclass(frozen=True, slots=True)
class ClosedForGood:
    """A request that can no longer be reopened; ``was_resolved`` by a person, else closed with a suggestion."""

    request: RequestView
    was_resolved: bool
    event_id: int


def may_reopen(request: SupportRequest, now: datetime, settings: Settings) -> bool:
    """Whether ``request`` is closed or resolved, and the window (seconds after that) has not passed."""
    if request.state not in REOPENABLE_STATES or request.closed_at is None:
        return False
    return now <= request.closed_at + timedelta(seconds=settings.firstline_reopen_window_s)


def reopen(
    session: Session, now: datetime, request: SupportRequest, actor_id: str, settings: Settings
) -> int:
    """Put ``request`` back in the line, with a new deadline; return the event's id."""
    return move(
        session,
        now,
        request,
        RequestState.WAITING,
        kind=EventKind.REOPENED,
        actor_id=actor_id,
        waiting_since=now,
        deadline_at=now + timedelta(seconds=settings.firstline_deadline_s),
        accepted_at=None,
        closed_at=None,
        agent_id=None,
        reopened_count=request.reopened_count + 1,
    )


def close_for_good(session: Session, now: datetime, settings: Settings) -> tuple[ClosedForGood, ...]:
    """Close what was closed or resolved longer ago than the reopen window, in all workspaces."""
    before = now - timedelta(seconds=settings.firstline_reopen_window_s)
    old = session.scalars(
        select(SupportRequest)
        .where(SupportRequest.state.in_(REOPENABLE_STATES), SupportRequest.closed_at < before)
        .order_by(SupportRequest.id)
        .limit(BATCH)
    ).all()
    closed = []
    for request in old:
        was_resolved = request.state is RequestState.RESOLVED
        try:
            event_id = move(session, now, request, RequestState.CLOSED, kind=EventKind.CLOSED)
        except RefusedMove:
            continue  # reopened while we were looking
        closed.append(ClosedForGood(RequestView.of(request), was_resolved, event_id))
    return tuple(closed)
