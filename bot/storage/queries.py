"""Queries with names. Every one names the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import BindParameter, ScalarSelect, Select, and_, bindparam, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from bot.errors import NotAllowed
from bot.ids import EventKind
from bot.lifecycle import HOLDING, RequestState
from bot.storage.forgotten import marks_of, was_before
from bot.storage.tables import (
    Assignment,
    Event,
    Lock,
    PostedMessage,
    RequestMessage,
    Suggestion,
    SupportRequest,
)

UNKNOWN_REQUEST = "This request is not known here any more."
# A wait begins with each of these. Not with a decline or an offer that ran out: the wait, and what was told of it, goes on.
WAITS_FROM = (EventKind.ABSTAINED, EventKind.ESCALATED, EventKind.REOPENED, EventKind.HANDED_BACK)


def find_request(session: Session, team_id: str, request_id: int) -> SupportRequest:
    """The request with this id, locked to the end of the transaction (PostgreSQL; SQLite has one writer anyway).

    Raises NotAllowed: an id of another workspace is as unknown as one that never was.
    """
    found = session.scalars(
        select(SupportRequest)
        .where(SupportRequest.team_id == team_id, SupportRequest.id == request_id)
        .with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if found is None:
        raise NotAllowed(UNKNOWN_REQUEST)
    return found


def find_assignment(session: Session, team_id: str, assignment_id: int) -> tuple[Assignment, SupportRequest]:
    """The assignment with this id and its request, or NotAllowed."""
    assignment = session.scalars(
        select(Assignment).where(Assignment.team_id == team_id, Assignment.id == assignment_id)
    ).one_or_none()
    if assignment is None:
        raise NotAllowed(UNKNOWN_REQUEST)
    # The request is always locked first, so that no two can wait for each other; then the assignment stands still too.
    request = find_request(session, team_id, assignment.request_id)
    session.refresh(assignment)
    return assignment, request


def open_assignment(session: Session, team_id: str, request_id: int) -> Assignment | None:
    """The offered or accepted assignment of a request; the database allows one at most."""
    return session.scalars(
        select(Assignment).where(
            Assignment.team_id == team_id,
            Assignment.request_id == request_id,
            Assignment.state.in_(HOLDING),
        )
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a message belongs. ``is_known``: it was taken before, and a second delivery of it changes nothing.
    ``is_forgotten``: it was written before its author, or all of the workspace, was forgotten.

    ``of_thread`` was opened in its thread, or the thread's first message was appended to it; ``unfinished`` is the latest
    request of the person that so far is only a greeting: their next message completes it. All are locked.
    """

    is_known: bool = False
    is_forgotten: bool = False
    of_thread: SupportRequest | None = None
    unfinished: SupportRequest | None = None


def whereabouts(
    session: Session, team_id: str, channel_id: str, user_id: str, ts: str, thread_ts: str
) -> Whereabouts:
    """What is here already of a message and its thread, in one statement: every message that comes in asks it."""
    given = {"team": team_id, "channel": channel_id, "user": user_id, "ts": ts, "thread": thread_ts}
    answered = session.execute(_whereabouts(), given | {"marks": marks_of(team_id, channel_id)}).all()
    rows = [row for row in answered if row[0] is not None]
    here = [row[0] for row in rows if row[0].channel_id == channel_id]
    opened = [each for each in here if each.thread_ts == thread_ts]
    added = [row[0] for row in rows if row[0].id == row.appended]
    new = [each for each in here if each.requester_id == user_id and each.state is RequestState.NEW]
    return Whereabouts(
        is_known=any(row.known is not None for row in rows),
        is_forgotten=was_before(ts, answered[0].forgotten_at),
        of_thread=next(iter(opened or added), None),
        unfinished=new[-1] if new else None,
    )


@cache  # building it took longer than running it
def _whereabouts() -> Select[SupportRequest, int, datetime]:
    """One row at least: where nothing is here, it says all the same up to when messages there are forgotten."""
    # As a whole: SQLite would make it part of the join, and then read all of the workspace's requests.
    found = _here().cte("found").prefix_with("MATERIALIZED")
    marks: BindParameter[Sequence[str]] = bindparam("marks", expanding=True)
    forgotten_at = select(func.max(Lock.taken_at)).where(Lock.name.in_(marks)).scalar_subquery()
    always = select(forgotten_at.label("forgotten_at")).subquery()
    return (
        select(aliased(SupportRequest, found), found.c.appended, found.c.known, always.c.forgotten_at)
        .select_from(always.outerjoin(found, true()))
        .order_by(found.c.id)
    )


def _here() -> Select[SupportRequest, int, int]:
    team: BindParameter[str] = bindparam("team")
    channel: BindParameter[str] = bindparam("channel")
    ts: BindParameter[str] = bindparam("ts")
    thread_ts: BindParameter[str] = bindparam("thread")
    known, appended = (_request_id_of(team, channel, each) for each in (ts, thread_ts))
    request = SupportRequest
    return (
        select(request, known.label("known"), appended.label("appended"))
        .where(
            # The workspace in each and not once for all: each is looked up in an index of its own.
            or_(
                and_(request.team_id == team, request.channel_id == channel, request.thread_ts == thread_ts),
                and_(
                    request.team_id == team,
                    request.requester_id == bindparam("user"),
                    request.state == RequestState.NEW,
                ),
                request.id == known,
                request.id == appended,
            ),
        )
        .order_by(request.id)  # in which they are locked
        .with_for_update(of=request)
    )


def _request_id_of(
    team: BindParameter[str], channel: BindParameter[str], ts: BindParameter[str]
) -> ScalarSelect[int]:
    return (
        select(RequestMessage.request_id)
        .where(RequestMessage.team_id == team, RequestMessage.channel_id == channel, RequestMessage.ts == ts)
        .scalar_subquery()
    )


def request_id_of_message(session: Session, team_id: str, channel_id: str, ts: str) -> int | None:
    """The request that this message opened or was added to."""
    return session.scalar(
        select(RequestMessage.request_id).where(
            RequestMessage.team_id == team_id,
            RequestMessage.channel_id == channel_id,
            RequestMessage.ts == ts,
        )
    )


def words_of(session: Session, request: SupportRequest) -> str:
    """Everything the requester has written in this request, in the order they wrote it."""
    texts = session.scalars(
        select(RequestMessage.text)
        .where(RequestMessage.team_id == request.team_id, RequestMessage.request_id == request.id)
        .order_by(RequestMessage.ts)
    )
    return "\n".join(text for text in texts if text) or request.text


def find_suggestion(session: Session, request: SupportRequest, suggestion_id: int) -> Suggestion:
    """The suggestion with this id, if it was shown for ``request``; else NotAllowed."""
    found = session.scalars(
        select(Suggestion)
        .join(SupportRequest, SupportRequest.id == Suggestion.request_id)
        .where(
            SupportRequest.team_id == request.team_id,
            Suggestion.request_id == request.id,
            Suggestion.id == suggestion_id,
        )
    ).one_or_none()
    if found is None:
        raise NotAllowed("This suggestion does not belong to this request.")
    return found


def is_our_message(session: Session, team_id: str, channel_id: str, ts: str) -> bool:
    """Whether the bot itself posted this message."""
    found = session.scalar(
        select(PostedMessage.message_key).where(
            PostedMessage.team_id == team_id, PostedMessage.channel_id == channel_id, PostedMessage.ts == ts
        )
    )
    return found is not None


def asks_reason(session: Session, team_id: str, request_id: int) -> bool:
    """Whether the request's wait began with "Ask a person", and the question why, which that put on its card, is open."""
    last = session.scalars(
        select(Event.kind)
        .where(
            Event.team_id == team_id,
            Event.request_id == request_id,
            Event.kind.in_((*WAITS_FROM, EventKind.REASON_GIVEN)),
        )
        .order_by(Event.id.desc())
        .limit(1)
    ).one_or_none()
    return last is EventKind.ESCALATED


def wait_of() -> ScalarSelect[int]:
    """The wait that a row of ``support_requests`` is in, or was in last: the id of the event it began with."""
    return (
        select(func.coalesce(func.max(Event.id), 0))
        .where(
            Event.team_id == SupportRequest.team_id,
            Event.request_id == SupportRequest.id,
            Event.kind.in_(WAITS_FROM),
        )
        .correlate(SupportRequest)
        .scalar_subquery()
    )


def wait_told_of(session: Session, team_id: str, request_id: int) -> int | None:
    """The request's wait (see :func:`wait_of`), if the fallback was told that nobody can be offered it; else None."""
    return session.scalar(
        select(wait_of())
        .select_from(SupportRequest)
        .join(Event, Event.request_id == SupportRequest.id)
        .where(
            SupportRequest.team_id == team_id,
            SupportRequest.id == request_id,
            Event.team_id == team_id,
            Event.kind == EventKind.NOBODY_FREE,
            Event.id > wait_of(),
        )
        .limit(1)
    )
