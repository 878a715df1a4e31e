"""The only place that changes a state. Every change is optimistic (it names the state it leaves) and writes an event.

Two people pressing at the same moment both try; the database lets one through and the other is told what happened.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.errors import RefusedMove
from bot.ids import EventKind
from bot.lifecycle import OPEN_ASSIGNMENTS, AssignmentState, RequestState, check_move
from bot.storage.statements import insert_into
from bot.storage.tables import Assignment, Event, SupportRequest
from bot.storage.work import HAPPENED, MATCHING_DUE, Happened

STANDS: dict[RequestState, str] = {
    RequestState.NEW: "This request has only just been opened.",
    RequestState.SUGGESTED: "This request still waits for an answer to its suggestions.",
    RequestState.CLOSED_BY_SUGGESTION: "This request is already closed. Undo, or a reply in its thread, reopens it.",
    RequestState.WAITING: "This request is already waiting for a person.",
    RequestState.OFFERED: "This request is already on its way to a person.",
    RequestState.IN_PROGRESS: "A person is already working on this request.",
    RequestState.RESOLVED: "This request is already resolved. A reply in its thread reopens it.",
    RequestState.CLOSED: "This request is closed for good. Please write a new message.",
    RequestState.WITHDRAWN: "This request was withdrawn. Please write a new message.",
}
HOW_IT_ENDED: dict[AssignmentState, str] = {
    AssignmentState.OFFERED: "You have not answered this offer yet.",
    AssignmentState.HEDGED: "You have not answered this offer yet.",
    AssignmentState.ACCEPTED: "You have already accepted this request.",
    AssignmentState.DECLINED: "You have already declined this request.",
    AssignmentState.EXPIRED: "This offer has run out; the request goes to whoever is asked next.",
    AssignmentState.RESOLVED: "This request is already resolved.",
    AssignmentState.HANDED_BACK: "You have already handed this request back.",
    AssignmentState.CANCELLED: "The requester no longer needs help with this.",
    AssignmentState.PASSED_OVER: "Somebody else has taken this request.",
}


def move(
    session: Session,
    now: datetime,
    request: SupportRequest,
    new: RequestState,
    *,
    kind: EventKind,
    actor_id: str | None = None,
    data: Mapping[str, Any] | None = None,
    **changes: Any,
) -> int:
    """Set ``request`` to ``new`` together with ``changes``; return the event's id. RefusedMove says where it stands."""
    old = request.state
    try:
        check_move(old, new)
    except RefusedMove:
        raise RefusedMove(STANDS[old]) from None
    moved = session.scalars(
        update(SupportRequest)
        .where(
            SupportRequest.id == request.id,
            SupportRequest.team_id == request.team_id,
            SupportRequest.state == old,
        )
        .values(state=new, **changes)
        .returning(SupportRequest),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if moved is None:
        session.refresh(request)
        raise RefusedMove(STANDS[request.state])
    if new is RequestState.WAITING:
        session.info[MATCHING_DUE] = True
    return record(
        session,
        now,
        request.team_id,
        kind,
        request_id=request.id,
        actor_id=actor_id,
        data={"from": old, **(data or {})},
    )


def open_moved(
    session: Session,
    now: datetime,
    request: SupportRequest,
    new: RequestState,
    *,
    kind: EventKind,
    opened: Mapping[str, Any],
    data: Mapping[str, Any],
    **changes: Any,
) -> int:
    """Store a new request as it stands after its first move; return the id of that move's event.

    Nobody can have seen it before, so nothing is to be fenced, and both events (``opened`` is actor and data of the first)
    go in one statement.
    """
    old = request.state
    check_move(old, new)
    for name, value in {"state": new, **changes}.items():
        setattr(request, name, value)
    session.add(request)
    session.flush()
    if new is RequestState.WAITING:
        session.info[MATCHING_DUE] = True
    about: dict[str, Any] = {"team_id": request.team_id, "request_id": request.id, "at": now}
    first = {**about, "kind": EventKind.OPENED, **opened}
    then = {**about, "kind": kind, "actor_id": None, "data": {"from": old, **data}}
    ids = session.execute(insert_into(session, Event).returning(Event.kind, Event.id), [first, then])
    happened = session.info.setdefault(HAPPENED, [])
    happened += [Happened(EventKind.OPENED, request.id), Happened(kind, request.id)]
    return dict(ids.all())[kind]


def require(request: SupportRequest, state: RequestState) -> None:
    """Raise RefusedMove unless ``request`` is in ``state``: for what the table would allow from elsewhere too."""
    if request.state is not state:
        raise RefusedMove(STANDS[request.state])


def move_assignment(
    session: Session, now: datetime, assignment: Assignment, new: AssignmentState, **changes: Any
) -> None:
    """Set an open assignment to ``new``. RefusedMove when it no longer is what it was when it was read."""
    old = assignment.state
    if old not in OPEN_ASSIGNMENTS:
        raise RefusedMove(HOW_IT_ENDED[old])
    if new not in OPEN_ASSIGNMENTS:
        changes.setdefault("ended_at", now)
        session.info[MATCHING_DUE] = True  # a place has become free
    moved = session.scalars(
        update(Assignment)
        .where(
            Assignment.id == assignment.id,
            Assignment.team_id == assignment.team_id,
            Assignment.state == old,
        )
        .values(state=new, **changes)
        .returning(Assignment),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if moved is None:
        session.refresh(assignment)
        raise RefusedMove(HOW_IT_ENDED[assignment.state])


def record(
    session: Session,
    now: datetime,
    team_id: str,
    kind: EventKind,
    *,
    request_id: int | None = None,
    actor_id: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Append to the log and return the event's id. ``data`` holds numbers and names, never people's words."""
    event = Event(
        team_id=team_id, at=now, kind=kind, request_id=request_id, actor_id=actor_id, data=dict(data or {})
    )
    session.add(event)
    session.flush()
    session.info.setdefault(HAPPENED, []).append(Happened(kind, request_id))
    return event.id
