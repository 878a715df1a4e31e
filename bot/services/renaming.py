"""Takes a person out of the rows that are kept of them: a made-up name for their id, and nothing of what they typed."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Enum,
    String,
    Table,
    Text,
    cast,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from bot.ids import EventKind
from bot.storage.tables import (
    ID_LENGTH,
    Agent,
    Assignment,
    Base,
    Conversation,
    Event,
    InboxRow,
    OutboxRow,
    PostedMessage,
    Requester,
    RoutingDecision,
)

# Rows of these are deleted where they are about the person, so nothing is renamed in them.
DELETED_FROM = tuple(
    table.__table__ for table in (Agent, Conversation, InboxRow, OutboxRow, PostedMessage, Requester)
)
SITE_NAMED = "market "  # in a reason, where it tells of the requester's site
REASON_FORGOTTEN = "Why you: that was forgotten together with the requester."


def rename(session: Session, team_id: str, user_id: str, stand_in: str) -> None:
    """Put ``stand_in`` for the person in every row that is kept."""
    session.flush()
    for table in Base.metadata.sorted_tables:
        if "team_id" in table.columns and table not in DELETED_FROM:
            for column in table.columns:
                if isinstance(column.type, Text | JSON):
                    _rename_inside(session, table, column, team_id, user_id, stand_in)
                elif _holds_ids(column):
                    theirs = (table.c.team_id == team_id) & (column == user_id)
                    session.execute(update(table).where(theirs).values({column: stand_in}))
    session.expire_all()


def mentions(column: Any, names: set[str]) -> ColumnElement[bool]:
    """Whether any of ``names`` stands somewhere in a column, be it text or JSON."""
    return or_(*(cast(column, String).contains(name, autoescape=True) for name in sorted(names)))


def _holds_ids(column: Column[Any]) -> bool:
    """Whether a user id may stand there. Where one is too long, PostgreSQL refuses even to look."""
    kind = column.type
    return isinstance(kind, String) and not isinstance(kind, Enum) and (kind.length or 0) >= ID_LENGTH


def _rename_inside(
    session: Session, table: Table, column: Column[Any], team_id: str, user_id: str, stand_in: str
) -> None:
    """Put ``stand_in`` for the user id in a text, or anywhere in a JSON value."""
    name = re.compile(rf"(?<![A-Za-z0-9]){re.escape(user_id)}(?![A-Za-z0-9])")  # never inside a longer id
    (key,) = table.primary_key.columns
    rows = session.execute(
        select(key, column).where(table.c.team_id == team_id, mentions(column, {user_id}))
    ).all()
    for row_id, value in rows:
        renamed = (
            name.sub(stand_in, value)
            if isinstance(value, str)
            else json.loads(name.sub(stand_in, json.dumps(value)))
        )
        session.execute(update(table).where(key == row_id).values({column: renamed}))


def forget_sites(session: Session, team_id: str, user_id: str, request_ids: Collection[int]) -> None:
    """Where they sit and, as an agent, which sites they look after: both are kept as they typed them.

    Before they are renamed. Decisions can still be repeated: as of somebody who has not said where they sit.
    """
    named = (RoutingDecision.team_id == team_id, mentions(RoutingDecision.record, {user_id}))
    for decision in session.scalars(select(RoutingDecision).where(*named)).all():
        decision.record = _without_sites(decision.record, user_id)
    session.execute(
        update(Assignment)
        .where(
            Assignment.team_id == team_id,
            Assignment.request_id.in_(request_ids),
            Assignment.reason.contains(SITE_NAMED),
        )
        .values(reason=REASON_FORGOTTEN)
    )
    said = (Event.team_id == team_id, Event.actor_id == user_id, Event.kind == EventKind.AGENT_PROFILE)
    for event in session.scalars(select(Event).where(*said)).all():
        if isinstance(event.data.get("sites"), list):  # as an earlier version wrote it
            event.data = event.data | {"sites": len(event.data["sites"])}
    session.flush()


def _without_sites(record: Mapping[str, Any], user_id: str) -> dict[str, Any]:
    """A decision's record in which nothing tells of the person's sites, nor any reason that names one."""
    said = {task["id"] for task in record["tasks"] if task.get("requester") == user_id and task.get("market")}
    outcome = {
        name: [_without_words(entry) if entry["task_id"] in said else entry for entry in entries]
        for name, entries in record["outcome"].items()
    }
    tasks = [task | {"market": None} if task["id"] in said else task for task in record["tasks"]]
    agents = [agent | {"markets": []} if agent["id"] == user_id else agent for agent in record["agents"]]
    return {**record, "tasks": tasks, "agents": agents, "outcome": outcome}


def _without_words(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a task, by its numbers alone."""
    said = {"detail": ""} if "detail" in entry else {}
    terms = {"terms": [term | {"meaning": ""} for term in entry["terms"]]} if "terms" in entry else {}
    return {**entry, **said, **terms}
