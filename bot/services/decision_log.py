"""The routing decisions: everything that a matching was made of, kept so that it can be explained and repeated."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import routing
from bot.storage.tables import DecisionReason, RoutingDecision
from routing.explaining import decision_record
from routing.plain import to_plain

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
    """Every assignment beside the decision it came of; a round that neither assigned nor held anything new leaves no record.

    Somebody held for an agent waits beside others who are free: it has to be on record for whom, and until when.
    """
    for each in rounds:
        if is_news(session, team_id, each):
            decision_id = log_decision(session, now, team_id, each)
            yield from ((decision_id, assignment) for assignment in each.matching.assignments)


def is_news(session: Session, team_id: str, made: Round) -> bool:
    """Whether it assigned something, or holds something for somebody, that is not on record."""
    return bool(made.matching.assignments) or _holds_anew(session, team_id, made)


def _without_the_left(made: Round, now: datetime) -> Round:
    """With a long queue, the same without the tasks that got nobody and are held for nobody, if it comes out the same: or
    each place that becomes free would keep the whole queue once more."""
    if len(made.tasks) <= KEPT_WHOLE:
        return made
    held = _holds(to_plain(made.matching))
    kept = {assignment.task_id for assignment in made.matching.assignments} | {
        task_id for task_id, *_ in held
    }
    tasks = [task for task in made.tasks if task.id in kept]
    short = Round.of(made.reason, tasks, made.staff, now, made.params)
    is_same = _pairs(short) == _pairs(made) and _holds(to_plain(short.matching)) == held
    return short if is_same else made


def _pairs(made: Round) -> set[tuple[str, str, float]]:
    return {(each.task_id, each.agent_id, each.cost) for each in made.matching.assignments}


def _holds_anew(session: Session, team_id: str, made: Round) -> bool:
    """Whether it holds a task for somebody, or until a time, that the last record does not tell of."""
    held = _holds(to_plain(made.matching))
    if not held:
        return False
    last = session.scalar(
        select(RoutingDecision.record)
        .where(RoutingDecision.team_id == team_id, RoutingDecision.reason == made.reason)
        .order_by(RoutingDecision.id.desc())
        .limit(1)
    )
    return last is None or not held <= _holds(last["outcome"])


def _holds(outcome: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    """Task, for whom and until when, of everything held in an outcome as records have it."""
    return {
        (entry["task_id"], entry["hold"]["agent_id"], entry["hold"]["until"])
        for entry in outcome["waiting"]
        if entry["hold"]
    }


def log_decision(session: Session, now: datetime, team_id: str, made: Round) -> int:
    """Append one record and return its id."""
    kept = _without_the_left(made, now)
    record = decision_record(kept.tasks, kept.staff, now, kept.params, None, kept.matching)
    record["left_out"] = len(made.tasks) - len(kept.tasks)
    decision = RoutingDecision(team_id=team_id, at=now, reason=made.reason, record=record)
    session.add(decision)
    session.flush()
    return decision.id
