"""Hedged offers of a request: others who were asked while the first has not answered. The first Accept wins.

One assignment of a request is OFFERED or ACCEPTED at a time: the database allows no second. Those asked beside it are
HEDGED; one of them can take its place when it ends. Whoever changes any of them holds the request's row.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.lifecycle import AssignmentState
from bot.services.moves import move_assignment
from bot.storage import queries
from bot.storage.tables import Assignment, SupportRequest

UNANSWERED = (AssignmentState.OFFERED, AssignmentState.HEDGED)


def open_hedges(session: Session, request: SupportRequest) -> Sequence[Assignment]:
    """Oldest first."""
    return session.scalars(
        select(Assignment)
        .where(
            Assignment.team_id == request.team_id,
            Assignment.request_id == request.id,
            Assignment.state == AssignmentState.HEDGED,
        )
        .order_by(Assignment.id),
        execution_options={"populate_existing": True},
    ).all()


def end_hedges(
    session: Session, now: datetime, request: SupportRequest, new: AssignmentState
) -> Sequence[Assignment]:
    """End all of them as ``new``; return them."""
    hedges = open_hedges(session, request)
    for hedge in hedges:
        move_assignment(session, now, hedge, new)
    return hedges


def promote(session: Session, now: datetime, request: SupportRequest) -> Assignment | None:
    """Let the oldest hedged offer be the request's offer, when the one before it has ended; None: there is none."""
    hedges = open_hedges(session, request)
    if not hedges:
        return None
    move_assignment(session, now, hedges[0], AssignmentState.OFFERED)
    return hedges[0]


def pass_over_others(
    session: Session, now: datetime, accepted: Assignment, request: SupportRequest
) -> Sequence[Assignment]:
    """End the other offers of a request while ``accepted`` is accepted, so that it alone is left; return them."""
    others = [hedge for hedge in open_hedges(session, request) if hedge.id != accepted.id]
    offered = queries.open_assignment(session, request.team_id, request.id)
    if offered is not None and offered.id != accepted.id:
        others.insert(0, offered)
    for other in others:
        move_assignment(session, now, other, AssignmentState.PASSED_OVER)
    return others
