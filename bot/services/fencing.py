"""Holds everybody else off while a person or a workspace is forgotten, so that nothing comes in beside it.

PostgreSQL shows each statement what others have committed by then: what a listener has settled, and commits a moment
later, would otherwise be seen by half of an erasure. (SQLite has one writer, and nothing of this takes hold there.)

Locks are taken in the order of all others: the claims first, which no listener holds; the matcher's; the rows that
listeners change; and last, by whoever forgets, the deliveries, which listeners settle last. Nobody claims until the end, so
that what is in work by then is all there is: it either has settled its delivery, and is waited for, or loses its lease.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.lifecycle import OPEN_ASSIGNMENTS
from bot.services import matching
from bot.storage import claims
from bot.storage.tables import Agent, Assignment, InboxRow, Requester, SupportRequest


def fence_person(session: Session, now: datetime, team_id: str, user_id: str) -> None:
    """Hold off whatever could change something of theirs; their deliveries are to be deleted next."""
    in_hand = select(Assignment.request_id).where(
        Assignment.team_id == team_id, Assignment.agent_id == user_id, Assignment.state.in_(OPEN_ASSIGNMENTS)
    )
    _hold_off(session, now, team_id)
    _lock(session, Agent, Agent.team_id == team_id, Agent.user_id == user_id)
    _lock(session, Requester, Requester.team_id == team_id, Requester.user_id == user_id)
    theirs = or_(SupportRequest.requester_id == user_id, SupportRequest.id.in_(in_hand))
    _lock(session, SupportRequest, SupportRequest.team_id == team_id, theirs)


def lock_requests(session: Session, team_id: str, user_id: str) -> list[int]:
    """The ids of everything they have asked for, locked to the end of the transaction."""
    return list(
        session.scalars(
            select(SupportRequest.id)
            .where(SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id)
            .order_by(SupportRequest.id)
            .with_for_update()
        )
    )


def fence_workspace(session: Session, now: datetime, team_id: str) -> None:
    """Hold off whatever could change something there; its deliveries are to be deleted next."""
    _hold_off(session, now, team_id)
    for table in (Agent, Requester, SupportRequest):
        _lock(session, table, table.team_id == team_id)


def _hold_off(session: Session, now: datetime, team_id: str) -> None:
    claims.serialise(session, InboxRow)
    matching.lock(session, now, team_id)


def _lock(
    session: Session, table: type[Agent | Requester | SupportRequest], *theirs: ColumnElement[bool]
) -> None:
    key = SupportRequest.id if table is SupportRequest else table.__table__.c.user_id
    session.execute(select(key).where(*theirs).order_by(key).with_for_update())
