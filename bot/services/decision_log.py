"""The routing decisions: everything that a matching was made of, kept so that it can be explained and repeated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

import routing
from bot.storage.tables import DecisionReason, RoutingDecision
from routing.explaining import decision_record

KEPT_WHOLE = 40  # tasks


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


def _without_the_left(made: Round, now: datetime) -> Round:
    """With a long queue, the same without the tasks that got nobody, if it comes out the same: or each place that becomes
    free would keep the whole queue once more."""
    if len(made.tasks) <= KEPT_WHOLE:
        return made
    given = {assignment.task_id for assignment in made.matching.assignments}
    tasks = [task for task in made.tasks if task.id in given]
    short = Round.of(made.reason, tasks, made.staff, now, made.params)
    return short if _pairs(short) == _pairs(made) else made


def _pairs(made: Round) -> set[tuple[str, str, float]]:
    return {(each.task_id, each.agent_id, each.cost) for each in made.matching.assignments}


def log_decision(session: Session, now: datetime, team_id: str, made: Round) -> int:
    """Append one record and return its id."""
    kept = _without_the_left(made, now)
    record = decision_record(kept.tasks, kept.staff, now, kept.params, None, kept.matching)
    record["left_out"] = len(made.tasks) - len(kept.tasks)
    decision = RoutingDecision(team_id=team_id, at=now, reason=made.reason, record=record)
    session.add(decision)
    session.flush()
    return decision.id
