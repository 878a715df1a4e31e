"""Forgets a person. What they wrote is gone; that something happened is still counted.

Their user id becomes a made-up one in every row that is kept, so that numbers by person stay numbers. A test looks for
their words and their id in every table there is.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
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
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from bot.ids import EventKind, digest, new_token
from bot.lifecycle import OPEN_ASSIGNMENTS, OPEN_STATES, AssignmentState
from bot.services import assignments, escalation
from bot.services.moves import record
from bot.storage.said import members_key
from bot.storage.scrubbing import request_scrub
from bot.storage.tables import (
    Agent,
    Assignment,
    Base,
    Conversation,
    InboxRow,
    Lock,
    OutboxRow,
    PostedMessage,
    Requester,
    RequestMessage,
    RowState,
    SatisfactionQuestion,
    SupportRequest,
)

# Rows of these are deleted where they are about the person, so nothing is renamed in them.
DELETED_FROM = tuple(
    table.__table__ for table in (Agent, Conversation, InboxRow, OutboxRow, PostedMessage, Requester)
)
ID_LENGTH = 32  # of every column that holds ids
ERASED = "erased:"  # how the names of such rows begin
SETTLED = (RowState.DONE, RowState.DEAD)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten of a person: requests (their words are gone, the rows are kept), messages, stored deliveries."""

    requests: int
    messages: int
    deliveries: int


def erase_person(
    session: Session, now: datetime, *, team_id: str, user_id: str, actor_id: str | None, row_id: int | None
) -> Erased:
    """Forget ``user_id``. Open requests are withdrawn, work in hand goes to others; nothing is said to anybody.

    ``actor_id`` is the administrator (None: the command line), ``row_id`` the inbox row that asks for it, which is
    emptied and kept. Erasing anew, or somebody unknown, is harmless.
    """
    _end_work(session, now, team_id, user_id)
    channels = _channels(session, team_id, user_id)
    request_ids = _ids(
        session, SupportRequest.id, SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id
    )
    assignment_ids = _ids(
        session, Assignment.id, Assignment.team_id == team_id, Assignment.request_id.in_(request_ids)
    )
    stand_in = f"erased-{new_token()[:8]}"
    messages = _forget_words(session, team_id, request_ids, stand_in)
    _rename(session, team_id, user_id, stand_in)
    deliveries = _forget_deliveries(session, team_id, user_id, channels, row_id)
    _forget_sayings(session, team_id, user_id, channels, request_ids, assignment_ids)
    _forget_places(session, now, team_id, user_id, channels)
    erased = Erased(len(request_ids), messages, deliveries)
    actor = stand_in if actor_id == user_id else actor_id
    data = {"requests": erased.requests, "messages": messages, "deliveries": deliveries, "as": stand_in}
    record(session, now, team_id, EventKind.ERASED, actor_id=actor, data=data)
    request_scrub(session, now)
    return erased


def _end_work(session: Session, now: datetime, team_id: str, user_id: str) -> None:
    """Their open requests are withdrawn; what they work on as an agent goes to somebody else."""
    who: Any = {"team_id": team_id, "user_id": user_id}
    own = (SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id)
    for request_id in _ids(session, SupportRequest.id, *own, SupportRequest.state.in_(OPEN_STATES)):
        escalation.withdraw(session, now, **who, request_id=request_id)
    work = select(Assignment).where(
        Assignment.team_id == team_id, Assignment.agent_id == user_id, Assignment.state.in_(OPEN_ASSIGNMENTS)
    )
    for given in session.scalars(work).all():
        is_offer = given.state is not AssignmentState.ACCEPTED
        end = assignments.decline if is_offer else assignments.hand_back
        end(session, now, **who, assignment_id=given.id)


def _channels(session: Session, team_id: str, user_id: str) -> set[str]:
    """The conversations they are in with the bot."""
    rows = select(Conversation.channel_id, Conversation.members).where(Conversation.team_id == team_id)
    found = {row.channel_id for row in session.execute(rows) if user_id in row.members.split(",")}
    written = select(SupportRequest.channel_id).where(
        SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id
    )
    return found | set(session.scalars(written))


def _forget_words(session: Session, team_id: str, request_ids: Collection[int], stand_in: str) -> int:
    session.execute(
        update(SupportRequest)
        .where(SupportRequest.team_id == team_id, SupportRequest.id.in_(request_ids))
        .values(text="", requester_id=stand_in, channel_id=stand_in)
    )
    session.execute(
        update(SatisfactionQuestion)
        .where(SatisfactionQuestion.team_id == team_id, SatisfactionQuestion.request_id.in_(request_ids))
        .values(comment=None)
    )
    gone = session.execute(
        delete(RequestMessage)
        .where(RequestMessage.team_id == team_id, RequestMessage.request_id.in_(request_ids))
        .returning(RequestMessage.id)
    )
    return len(gone.all())


def _rename(session: Session, team_id: str, user_id: str, stand_in: str) -> None:
    """Put ``stand_in`` for the person in every row that is kept."""
    session.execute(delete(Agent).where(Agent.team_id == team_id, Agent.user_id == user_id))
    session.execute(delete(Requester).where(Requester.team_id == team_id, Requester.user_id == user_id))
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
        select(key, column).where(table.c.team_id == team_id, _mentions(column, {user_id}))
    ).all()
    for row_id, value in rows:
        renamed = (
            name.sub(stand_in, value)
            if isinstance(value, str)
            else json.loads(name.sub(stand_in, json.dumps(value)))
        )
        session.execute(update(table).where(key == row_id).values({column: renamed}))


def _forget_deliveries(
    session: Session, team_id: str, user_id: str, channels: set[str], row_id: int | None
) -> int:
    """What Slack delivered of them, worked or not; of others, what is settled and names them."""
    theirs = InboxRow.lane == f"{team_id}:{user_id}"
    names_them = _mentions(InboxRow.body, {user_id, *channels}) & InboxRow.state.in_(SETTLED)
    if row_id is not None:
        session.execute(update(InboxRow).where(InboxRow.id == row_id).values(body={}))
        session.execute(update(InboxRow).where(InboxRow.id == row_id, theirs).values(lane=team_id))
    gone = session.execute(
        delete(InboxRow)
        .where(InboxRow.team_id == team_id, or_(theirs, names_them), InboxRow.id != (row_id or 0))
        .returning(InboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _forget_sayings(
    session: Session,
    team_id: str,
    user_id: str,
    channels: set[str],
    request_ids: Collection[int],
    assignment_ids: Collection[int],
) -> None:
    """What was said, or is to be said, to them or about them, and where it stands in Slack."""
    names = {user_id, *channels}
    numbers = {"offer": set(map(str, assignment_ids)), "group": set(map(str, assignment_ids))}
    numbers |= {kind: set(map(str, request_ids)) for kind in ("card", "line", "nobody", "satisfaction")}
    keyed = select(OutboxRow.id, OutboxRow.message_key).where(
        OutboxRow.team_id == team_id, OutboxRow.message_key.is_not(None)
    )
    about_them = [row.id for row in session.execute(keyed) if _is_about(row.message_key, numbers)]
    session.execute(
        delete(OutboxRow)
        .where(
            OutboxRow.team_id == team_id,
            or_(
                _mentions(OutboxRow.payload, names),
                _mentions(OutboxRow.lane, names),
                _mentions(OutboxRow.dedupe_key, names),
                OutboxRow.id.in_(about_them),
            ),
        )
        .execution_options(synchronize_session=False)
    )
    posted = or_(PostedMessage.channel_id.in_(channels), _mentions(PostedMessage.message_key, {user_id}))
    session.execute(delete(PostedMessage).where(PostedMessage.team_id == team_id, posted))


def _is_about(key: str, numbers: Mapping[str, set[str]]) -> bool:
    """Whether a message key, such as ``card:17``, names one of these."""
    kind, _, rest = key.partition(":")
    return rest.partition(":")[0] in numbers.get(kind, ())


def _forget_places(session: Session, now: datetime, team_id: str, user_id: str, channels: set[str]) -> None:
    """Their conversations, so that nothing is read there; a mark keeps old messages from being taken up as missed."""
    session.execute(
        delete(Conversation).where(
            Conversation.team_id == team_id,
            or_(Conversation.channel_id.in_(channels), Conversation.members == members_key((user_id,))),
        )
    )
    for channel_id in channels:
        session.merge(Lock(name=erased_mark(team_id, channel_id), taken_at=now))


def erased_mark(team_id: str, channel_id: str) -> str:
    """The row of `locks` that says since when a conversation may be read again."""
    return f"{ERASED}{digest(team_id, channel_id)}"


def _mentions(column: Any, names: set[str]) -> ColumnElement[bool]:
    return or_(*(cast(column, String).contains(name, autoescape=True) for name in sorted(names)))


def _ids(session: Session, column: Any, *conditions: ColumnElement[bool]) -> list[int]:
    return list(session.scalars(select(column).where(*conditions).order_by(column)))
