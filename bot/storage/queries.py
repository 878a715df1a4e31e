"""Queries with names. Every one names the workspace."""

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from bot.errors import NotAllowed
from bot.ids import EventKind
from bot.lifecycle import HOLDING, RequestState
from bot.storage.tables import (
    Assignment,
    Event,
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


def is_known_message(session: Session, team_id: str, channel_id: str, ts: str) -> bool:
    """Whether this message already belongs to a request: a second delivery of it changes nothing."""
    found = session.scalar(
        select(RequestMessage.id).where(
            RequestMessage.team_id == team_id,
            RequestMessage.channel_id == channel_id,
            RequestMessage.ts == ts,
        )
    )
    return found is not None


def request_of_thread(
    session: Session, team_id: str, channel_id: str, thread_ts: str
) -> SupportRequest | None:
    """The request whose thread this is, locked: it was opened there, or the thread's first message was appended to it."""
    opened = session.scalars(
        select(SupportRequest)
        .where(
            SupportRequest.team_id == team_id,
            SupportRequest.channel_id == channel_id,
            SupportRequest.thread_ts == thread_ts,
        )
        .with_for_update()
    ).one_or_none()
    return (
        opened
        or session.scalars(
            select(SupportRequest)
            .join(RequestMessage, RequestMessage.request_id == SupportRequest.id)
            .where(
                SupportRequest.team_id == team_id,
                RequestMessage.team_id == team_id,
                RequestMessage.channel_id == channel_id,
                RequestMessage.ts == thread_ts,
            )
            .with_for_update(of=SupportRequest)
        ).one_or_none()
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


def unfinished_opening(
    session: Session, team_id: str, channel_id: str, user_id: str
) -> SupportRequest | None:
    """The latest request that so far is only a greeting: the person's next message completes it."""
    return session.scalars(
        select(SupportRequest)
        .where(
            SupportRequest.team_id == team_id,
            SupportRequest.channel_id == channel_id,
            SupportRequest.requester_id == user_id,
            SupportRequest.state == RequestState.NEW,
        )
        .order_by(SupportRequest.id.desc())
        .limit(1)
    ).one_or_none()


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
