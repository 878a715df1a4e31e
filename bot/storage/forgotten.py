"""Since when a conversation or a workspace is forgotten: what was written there before is not taken up again.

It is in Slack still, which repeats a delivery for some minutes, and which the reconciler reads. The marks are rows of
`locks`, by digests: they name nobody, and are pruned when nothing so old can come any more.
"""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.ids import digest
from bot.storage.scrubbing import request_scrub
from bot.storage.tables import InboxRow, Lock

MARK = "erased:"  # how the names of such rows begin


def mark_conversation(session: Session, now: datetime, team_id: str, channel_id: str) -> None:
    """Whoever writes there is forgotten up to ``now``."""
    session.merge(Lock(name=erased_mark(team_id, channel_id), taken_at=now))


def mark_workspace(session: Session, now: datetime, team_id: str) -> None:
    """Everybody there is forgotten up to ``now``."""
    session.merge(Lock(name=_purged_mark(team_id), taken_at=now))


def mark_unread(session: Session, team_id: str, channel_id: str, before: datetime) -> None:
    """What the reconciler finds there from ``before`` was not missed. What Slack delivers is taken, however old."""
    session.merge(Lock(name=_unread_mark(team_id, channel_id), taken_at=before))


def marks_of(team_id: str, channel_id: str) -> tuple[str, str]:
    """The rows of `locks` that say up to when messages there are forgotten: the later one counts."""
    return erased_mark(team_id, channel_id), _purged_mark(team_id)


def is_forgotten(session: Session, team_id: str, channel_id: str, ts: str) -> bool:
    """Whether a message was written before its author, or all of its workspace, was forgotten."""
    return was_before(ts, _latest(session, *marks_of(team_id, channel_id)))


def was_before(ts: str, marked_at: datetime | None) -> bool:
    """Whether ``ts`` is no later than a mark. One that cannot be read counts as new, so that no message is lost over it."""
    try:
        return marked_at is not None and float(ts) <= marked_at.timestamp()
    except ValueError:
        return False


def read_from(session: Session, team_id: str, channel_id: str) -> datetime | None:
    """Since when missed messages are taken up there; None: always."""
    return _latest(session, *marks_of(team_id, channel_id), _unread_mark(team_id, channel_id))


def drop_delivery(session: Session, now: datetime, row_id: int) -> None:
    """Empty an inbox row that brought a forgotten message; nothing of it names anybody."""
    session.execute(
        update(InboxRow)
        .where(InboxRow.id == row_id)
        .values(body={}, lane=InboxRow.team_id, delivery_key=f"forgotten:{row_id}")
    )
    request_scrub(session, now)


def erased_mark(team_id: str, channel_id: str) -> str:
    """The row of `locks` that says up to when a conversation is forgotten."""
    return f"{MARK}{digest(team_id, channel_id)}"


def _purged_mark(team_id: str) -> str:
    return f"{MARK}{digest(team_id)}"


def _unread_mark(team_id: str, channel_id: str) -> str:
    return f"{MARK}{digest(team_id, channel_id, 'unread')}"


def _latest(session: Session, *names: str) -> datetime | None:
    return session.scalar(select(func.max(Lock.taken_at)).where(Lock.name.in_(names)))
