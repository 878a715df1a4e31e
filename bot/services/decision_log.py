"""The routing decisions: everything that a matching was made of, kept so that it can be explained and repeated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

import routing
from bot.storage.tables import DecisionReason, RoutingDecision
from routing.explaining import decision_record


@dataclass(frozen=True, slots=True)
class Round:
    """One call of the matcher: what went in and what came out."""

    reason: DecisionReason
    tasks: tuple[routing.Task, ...]
    staff: tuple[routing.Agent, ...]
    params: routing.MatchParams
    matching: routing.Matching

    @classmethod
    def of(
        cls,
        reason: DecisionReason,
        tasks: Sequence[routing.Task],
        staff: Sequence[routing.Agent],
        now: datetime,
        params: routing.MatchParams,
    ) -> "Round":
        """Match."""
        return cls(reason, tuple(tasks), tuple(staff), params, routing.match(tasks, staff, now, params))


def log_rounds(
    session: Session, now: datetime, team_id: str, rounds: Sequence[Round]
) -> Iterator[tuple[int, routing.Assignment]]:
    """Every assignment beside the decision it came of; a round that assigned nothing leaves no record."""
    for each in rounds:
        if each.matching.assignments:
            decision_id = log_decision(session, now, team_id, each)
            yield from ((decision_id, assignment) for assignment in each.matching.assignments)


def log_decision(session: Session, now: datetime, team_id: str, made: Round) -> int:
    """Append one record and return its id."""
    record = decision_record(made.tasks, made.staff, now, made.params, None, made.matching)
    decision = RoutingDecision(team_id=team_id, at=now, reason=made.reason, record=record)
    session.add(decision)
    session.flush()
    return decision.id
