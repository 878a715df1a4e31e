"""What waits for a person, and how much of it one run of the matcher looks at."""

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.ids import EventKind
from bot.lifecycle import RequestState
from bot.storage import queries
from bot.storage.tables import Event, SupportRequest

BATCH = 500  # requests looked at in every run, longest waiting first, and as many of the others in turn


def teams_waiting(session: Session) -> list[str]:
    """The workspaces that have waiting requests."""
    return list(
        session.scalars(
            select(SupportRequest.team_id).where(SupportRequest.state == RequestState.WAITING).distinct()
        )
    )


def read_batch(
    session: Session, team_id: str, after: int, *, locked: bool
) -> tuple[list[SupportRequest], int]:
    """What one run looks at, and where the next goes on.

    However many wait that no agent who is free can take, they hold up nobody: beside the longest waiting come the
    others in turn, by id, beginning behind ``after``.
    """
    longest = read_longest(session, team_id, locked=locked)
    if len(longest) < BATCH:
        return [*longest], 0
    in_turn = read_in_turn(session, team_id, after, locked=locked)
    looked_to = in_turn[-1].id if len(in_turn) == BATCH else 0
    known = {request.id for request in longest}
    return [*longest, *(request for request in in_turn if request.id not in known)], looked_to


def read_in_turn(
    session: Session, team_id: str, after: int, *, locked: bool = True
) -> Sequence[SupportRequest]:
    """A batch of what waits, by id, beginning behind ``after``."""
    by_id = (
        select(SupportRequest)
        .where(
            SupportRequest.team_id == team_id,
            SupportRequest.state == RequestState.WAITING,
            SupportRequest.id > after,
        )
        .order_by(SupportRequest.id)
        .limit(BATCH)
    )
    return session.scalars(_lock(by_id) if locked else by_id).all()


def read_longest(session: Session, team_id: str, *, locked: bool = True) -> Sequence[SupportRequest]:
    """A batch of what waits, longest first."""
    was_told = (
        select(Event.id)
        .where(
            Event.team_id == team_id,
            Event.request_id == SupportRequest.id,
            Event.kind == EventKind.NOBODY_FREE,
            Event.id > queries.wait_of(),
        )
        .exists()
    )
    longest_first = (
        select(SupportRequest)
        .where(SupportRequest.team_id == team_id, SupportRequest.state == RequestState.WAITING)
        # Those that nobody could be offered come last: however many there are, they must not hold up the others.
        .order_by(was_told, SupportRequest.waiting_since, SupportRequest.id)
        .limit(BATCH)
    )
    return session.scalars(_lock(longest_first) if locked else longest_first).all()


def _lock(waiting: Select[SupportRequest]) -> Select[SupportRequest]:
    """What somebody is withdrawing at this moment is left to the next run."""
    return waiting.with_for_update(skip_locked=True)
