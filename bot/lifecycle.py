"""The states of a support request and of an assignment, and the one table of allowed moves.

Every move goes through :func:`bot.services.moves.move`, which writes an event beside it.
"""

from enum import StrEnum

from bot.errors import RefusedMove


class RequestState(StrEnum):
    """Where a support request stands."""

    NEW = "new"  # opened by a greeting alone, or not yet decided
    SUGGESTED = "suggested"
    CLOSED_BY_SUGGESTION = "closed_by_suggestion"
    WAITING = "waiting"  # for an agent
    OFFERED = "offered"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"  # resolved, and the window for reopening has passed
    WITHDRAWN = "withdrawn"


class AssignmentState(StrEnum):
    """Where an assignment stands: at most one of a request is OFFERED or ACCEPTED at a time."""

    OFFERED = "offered"
    HEDGED = "hedged"  # offered beside another's unanswered offer: the first Accept wins
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    RESOLVED = "resolved"
    HANDED_BACK = "handed_back"
    CANCELLED = "cancelled"  # the requester withdrew while it was open
    PASSED_OVER = "passed_over"  # somebody else accepted first


S = RequestState
OPEN_STATES = frozenset({S.NEW, S.SUGGESTED, S.WAITING, S.OFFERED, S.IN_PROGRESS})
REOPENABLE_STATES = frozenset({S.CLOSED_BY_SUGGESTION, S.RESOLVED})
ENDED_STATES = frozenset({S.CLOSED, S.WITHDRAWN})  # for good
IDLE_STATES = frozenset({S.NEW, S.SUGGESTED})  # nobody works on these, and they never end by themselves

MOVES: dict[RequestState, frozenset[RequestState]] = {
    S.NEW: frozenset({S.SUGGESTED, S.WAITING, S.WITHDRAWN}),
    S.SUGGESTED: frozenset({S.CLOSED_BY_SUGGESTION, S.WAITING, S.WITHDRAWN}),
    S.CLOSED_BY_SUGGESTION: frozenset({S.WAITING, S.CLOSED}),
    S.WAITING: frozenset({S.OFFERED, S.WITHDRAWN}),
    S.OFFERED: frozenset({S.IN_PROGRESS, S.WAITING, S.WITHDRAWN}),
    S.IN_PROGRESS: frozenset({S.RESOLVED, S.WAITING, S.WITHDRAWN}),
    S.RESOLVED: frozenset({S.WAITING, S.CLOSED}),
    S.CLOSED: frozenset(),
    S.WITHDRAWN: frozenset(),
}

HOLDING = frozenset({AssignmentState.OFFERED, AssignmentState.ACCEPTED})  # one of a request at most
OPEN_ASSIGNMENTS = HOLDING | {AssignmentState.HEDGED}  # they take a place of their agent


def check_move(old: RequestState, new: RequestState) -> None:
    """Raise RefusedMove unless the table allows ``old -> new``."""
    if new not in MOVES[old]:
        raise RefusedMove(f"a request that is {old} cannot become {new}")
