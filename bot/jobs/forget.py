"""Removes the words of requests that ended long ago, or that nobody came back to, and keeps what is counted."""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from bot.lifecycle import ENDED_STATES, IDLE_STATES
from bot.storage.database import Clock, Database
from bot.storage.scrubbing import truncate_log
from bot.storage.tables import RequestMessage, SatisfactionQuestion, SupportRequest

BATCH_ROWS = 1000  # to a transaction, so that nothing else waits long


def forget_words(db: Database, clock: Clock, keep_s: float, stopping: threading.Event) -> int:
    """Empty the words of requests that ended more than ``keep_s`` seconds ago; return of how many.

    A suggestion that nobody answered, and a greeting that nothing followed, never end: there it is so long after the last
    word. Their state stays, as silence is no answer.
    """
    old = _old(clock() - timedelta(seconds=keep_s))
    forgotten = 0
    while not stopping.is_set():
        with db.reading() as session:  # a look takes a while, and mostly finds nothing: no write waits for it
            found = session.scalars(old.limit(BATCH_ROWS)).all()
        if found:
            with db.writing() as session:
                # Once more, as somebody may have gone on with one of them meanwhile.
                again = old.where(SupportRequest.id.in_(found)).order_by(SupportRequest.id)
                still_old = session.scalars(again.with_for_update(of=SupportRequest)).all()
                _empty(session, still_old)
            forgotten += len(still_old)
        if len(found) < BATCH_ROWS:
            break
    if forgotten:
        truncate_log(db)
    return forgotten


def _old(before: datetime) -> Select[int]:
    """The requests that have words nobody needs any more."""
    question, comment = SatisfactionQuestion.request_id, SatisfactionQuestion.comment
    message = exists().where(RequestMessage.request_id == SupportRequest.id)
    return (
        select(SupportRequest.id)
        .outerjoin(SatisfactionQuestion, question == SupportRequest.id)
        .where(
            or_(_ended(before), _left(before)),
            or_(SupportRequest.text != "", comment.is_not(None), message),
        )
    )


def _ended(before: datetime) -> ColumnElement[bool]:
    return and_(SupportRequest.state.in_(ENDED_STATES), SupportRequest.closed_at < before)


def _left(before: datetime) -> ColumnElement[bool]:
    """Nobody works on it, and its requester has said nothing more."""
    later = exists().where(
        RequestMessage.request_id == SupportRequest.id, RequestMessage.received_at >= before
    )
    return and_(SupportRequest.state.in_(IDLE_STATES), SupportRequest.opened_at < before, ~later)


def _empty(session: Session, request_ids: Sequence[int]) -> None:
    session.execute(update(SupportRequest).where(SupportRequest.id.in_(request_ids)).values(text=""))
    session.execute(delete(RequestMessage).where(RequestMessage.request_id.in_(request_ids)))
    theirs = SatisfactionQuestion.request_id.in_(request_ids)
    session.execute(update(SatisfactionQuestion).where(theirs).values(comment=None))
