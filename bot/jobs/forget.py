"""Removes the words of requests that ended long ago, and keeps what is counted."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from bot.lifecycle import RequestState
from bot.storage.database import Clock, Database
from bot.storage.scrubbing import truncate_log
from bot.storage.tables import RequestMessage, SatisfactionQuestion, SupportRequest

BATCH_ROWS = 1000  # to a transaction, so that nothing else waits long
ENDED = (RequestState.CLOSED, RequestState.WITHDRAWN)


def forget_words(db: Database, clock: Clock, keep_s: float, stopping: threading.Event) -> int:
    """Empty the words of requests that ended more than ``keep_s`` seconds ago; return of how many."""
    before = clock() - timedelta(seconds=keep_s)
    forgotten = 0
    while not stopping.is_set():
        with db.writing() as session:
            batch = _forget_batch(session, before)
        forgotten += batch
        if batch < BATCH_ROWS:
            break
    if forgotten:
        truncate_log(db)
    return forgotten


def _forget_batch(session: Session, before: datetime) -> int:
    comment = SatisfactionQuestion.comment
    old = session.scalars(
        select(SupportRequest.id)
        .outerjoin(SatisfactionQuestion, SatisfactionQuestion.request_id == SupportRequest.id)
        .where(
            SupportRequest.state.in_(ENDED),
            SupportRequest.closed_at < before,
            or_(SupportRequest.text != "", comment.is_not(None)),
        )
        .limit(BATCH_ROWS)
    ).all()
    if old:
        session.execute(update(SupportRequest).where(SupportRequest.id.in_(old)).values(text=""))
        session.execute(delete(RequestMessage).where(RequestMessage.request_id.in_(old)))
        of_old = SatisfactionQuestion.request_id.in_(old)
        session.execute(update(SatisfactionQuestion).where(of_old).values(comment=None))
    return len(old)
