"""Deletes everything of a workspace that has taken the app out. Whoever adds a table has nothing to do here."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, select, update
from sqlalchemy.orm import Session

from bot.ids import EventKind
from bot.services.fencing import fence_workspace
from bot.services.moves import record
from bot.storage.forgotten import mark_workspace
from bot.storage.scrubbing import request_scrub
from bot.storage.tables import Base, InboxRow


def erase_workspace(session: Session, now: datetime, *, team_id: str, row_id: int | None) -> int:
    """Delete every row of the workspace, but for an event that says so; return how many. ``row_id``
    is the inbox row that asks for it, which is emptied and kept."""
    fence_workspace(session, now, team_id)
    count = _forget_deliveries(session, team_id, row_id)
    for table in reversed(Base.metadata.sorted_tables):  # children first
        condition = _is_of(table, team_id)
        if condition is not None and table is not InboxRow.__table__:
            count += _delete(session, table, condition)
    session.expire_all()
    record(session, now, team_id, EventKind.PURGED, data={"rows": count})
    mark_workspace(session, now, team_id)
    request_scrub(session, now)
    return count


def _forget_deliveries(session: Session, team_id: str, row_id: int | None) -> int:
    """First of all: what others have in work loses its lease, or has been settled and is here for what follows."""
    session.execute(update(InboxRow).where(InboxRow.id == row_id).values(body={}, lane=team_id))
    others = (InboxRow.team_id == team_id) & (InboxRow.id != (row_id or 0))
    return _delete(session, InboxRow.__table__, others)


def _delete(session: Session, table: Any, condition: ColumnElement[bool]) -> int:
    statement = delete(table).where(condition).execution_options(synchronize_session=False)
    count: int = session.execute(statement).rowcount  # type: ignore[attr-defined]
    return count


def _is_of(table: Table, team_id: str) -> ColumnElement[bool] | None:
    """Which rows of ``table`` are of this workspace: by its own column, or by the row they belong to."""
    if "team_id" in table.columns:
        return table.c.team_id == team_id
    for column in table.columns:
        for key in column.foreign_keys:
            parent = key.column.table
            if "team_id" in parent.columns:
                return column.in_(select(key.column).where(parent.c.team_id == team_id))
    return None
