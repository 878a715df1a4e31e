"""The database's rows as routing sees them: waiting requests become tasks, people become agents, with what was learned of both.

A matching reads past work with two statements, and what is in hand with another.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.lifecycle import OPEN_ASSIGNMENTS, AssignmentState
from bot.services import agents
from bot.services.agent_rows import unreadable_columns
from bot.services.demand import score_of
from bot.services.track_record import Handled, TrackRecord, busy_share, learn
from bot.settings import Settings
from bot.storage.tables import Agent, Assignment, Event, SatisfactionQuestion, SupportRequest
from routing.scores import speed

LEARNS_FROM = timedelta(days=28)
MOST_CASES = 2000  # the newest: what a matching reads is bounded
BUSY_WITHIN = timedelta(hours=8)
TYPICAL_MINUTES = 30.0  # only a scale: what counts is the pace


@dataclass(frozen=True, slots=True)
class InHand:
    """An open assignment; ``accepted_at`` is None while it is only offered."""

    category: str | None
    accepted_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pool:
    """What is known of the past and the present of a workspace's agents.

    ``resolved_by`` is who resolved a request last, ``worked`` when each agent worked lately.
    """

    record: TrackRecord = field(default_factory=TrackRecord)
    in_hand: Mapping[str, Sequence[InHand]] = field(default_factory=dict)
    resolved_by: Mapping[int, str] = field(default_factory=dict)
    worked: Mapping[str, Sequence[tuple[datetime, datetime]]] = field(default_factory=dict)


def params_of(settings: Settings) -> routing.MatchParams:
    """How the matcher weighs."""
    return routing.MatchParams(policy=settings.firstline_routing_policy)


def read_pool(session: Session, now: datetime, team_id: str) -> Pool:
    """Read past work and what is in hand."""
    handled, in_hand = _read_handled(session, now, team_id), _read_in_hand(session, team_id)
    worked: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for case in handled:
        if case.resolved_at > now - BUSY_WITHIN:
            worked[case.agent_id].append((case.accepted_at, case.resolved_at))
    for agent_id, works in in_hand.items():
        worked[agent_id] += [(work.accepted_at, now) for work in works if work.accepted_at]
    resolved_by = {case.request_id: case.agent_id for case in reversed(handled)}  # the newest are first
    return Pool(learn(handled), in_hand, resolved_by, worked)


def task_of(
    request: SupportRequest, turned_down_by: frozenset[str], pool: Pool, sites: Mapping[str, str]
) -> routing.Task:
    """A waiting request. ``turned_down_by``: those who are not asked (again), see bot.services.barring."""
    assert request.waiting_since is not None
    assert request.deadline_at is not None
    expected_minutes = pool.record.expected_minutes(request.category)
    return routing.Task(
        id=str(request.id),
        score=score_of(request, expected_minutes),
        category=request.category,
        language=request.language,
        market=sites.get(request.requester_id),
        created_at=request.waiting_since,
        deadline_at=request.deadline_at,
        handling_minutes=expected_minutes,
        declined_by=turned_down_by,
        previous_agent=pool.resolved_by.get(request.id),
        requester=request.requester_id,
    )


def read_staff(
    session: Session, now: datetime, team_id: str, pool: Pool, settings: Settings
) -> list[routing.Agent]:
    """Every agent, on or away, with what they have in hand."""
    return [
        _agent(agent, now, pool, agents.capacity_of(agent, settings))
        if unreadable_columns(agent) <= {"hours"}  # those are read as never, and "next" still works
        else _away(agent)
        for agent in agents.active_agents(session, team_id, settings)
    ]


def _away(agent: Agent) -> routing.Agent:
    """Somebody has written to their row what cannot be: nothing is offered to them, and everybody else is matched."""
    return routing.Agent(id=agent.user_id, score=0.0, capacity=0, load=0, on=False)


def _agent(agent: Agent, now: datetime, pool: Pool, capacity: int) -> routing.Agent:
    in_hand = pool.in_hand.get(agent.user_id, ())
    known = pool.record.of(agent.user_id)
    pace = known.pace if known else 1.0
    learned = routing.AgentComponents(
        accuracy=known.accuracy if known else None,
        speed=speed(pace * TYPICAL_MINUTES, TYPICAL_MINUTES) if known else None,
    )
    return routing.Agent(
        id=agent.user_id,
        score=routing.agent_score(learned),
        capacity=capacity,
        load=len(in_hand),
        skills=agent.skills,
        languages=frozenset(agent.languages),
        markets=frozenset(agent.sites or ()),
        on=agent.is_on,
        hours=agents.hours_of(agent),
        pace=pace,
        busy_share=busy_share(pool.worked.get(agent.user_id, ()), now, BUSY_WITHIN),
        free_at=tuple(_free_at(in_hand, pace, now, pool)),
    )


def _free_at(in_hand: Sequence[InHand], pace: float, now: datetime, pool: Pool) -> list[datetime]:
    """When work in hand should be done; what takes longer than expected tells nothing any more."""
    ends = [
        work.accepted_at + timedelta(minutes=minutes * pace)
        for work in in_hand
        if work.accepted_at is not None
        and (minutes := pool.record.expected_minutes(work.category)) is not None
    ]
    return sorted(end for end in ends if end > now)


def _read_handled(session: Session, now: datetime, team_id: str) -> list[Handled]:
    """Newest first."""
    rows = session.execute(
        select(
            Assignment.id,
            Assignment.agent_id,
            Assignment.request_id,
            SupportRequest.category,
            Assignment.answered_at,
            Assignment.ended_at,
            SupportRequest.reopened_count,
            SatisfactionQuestion.answer,
        )
        .join(SupportRequest, SupportRequest.id == Assignment.request_id)
        .outerjoin(
            SatisfactionQuestion,
            (SatisfactionQuestion.request_id == Assignment.request_id)
            & (SatisfactionQuestion.assignment_id == Assignment.id)
            & (SatisfactionQuestion.team_id == team_id),
        )
        .where(
            Assignment.team_id == team_id,
            SupportRequest.team_id == team_id,
            Assignment.state == AssignmentState.RESOLVED,
            Assignment.ended_at > now - LEARNS_FROM,
            Assignment.answered_at.is_not(None),
        )
        .order_by(Assignment.ended_at.desc(), Assignment.id.desc())
        .limit(MOST_CASES)
    ).all()
    came_back = [row for row in rows if row.reopened_count]
    did_not_hold = _blame(came_back, _read_returns(session, team_id, {row.request_id for row in came_back}))
    return [
        Handled(
            row.agent_id,
            row.request_id,
            row.category,
            row.answered_at,
            row.ended_at,
            row.id in did_not_hold,
            row.answer,
        )
        for row in rows
    ]


def _read_returns(
    session: Session, team_id: str, request_ids: Collection[int]
) -> Mapping[int, list[datetime]]:
    """When each of these requests was reopened. Asked of few requests: the log is long."""
    returns: defaultdict[int, list[datetime]] = defaultdict(list)
    if not request_ids:
        return returns
    rows = session.execute(
        select(Event.request_id, Event.at).where(
            Event.team_id == team_id, Event.request_id.in_(request_ids), Event.kind == EventKind.REOPENED
        )
    )
    for request_id, at in rows:
        assert request_id is not None
        returns[request_id].append(at)
    return returns


def _blame(resolved: Sequence[Row[*tuple[Any, ...]]], returns: Mapping[int, list[datetime]]) -> set[int]:
    """The assignments that did not hold: for each return of a request the one that had resolved it last."""
    did_not_hold = set()
    for request_id, moments in returns.items():
        mine = [row for row in resolved if row.request_id == request_id]
        for moment in moments:
            earlier = [row for row in mine if row.ended_at <= moment]  # newest first, as all of them
            did_not_hold |= {row.id for row in earlier[:1]}
    return did_not_hold


def _read_in_hand(session: Session, team_id: str) -> dict[str, list[InHand]]:
    rows = session.execute(
        select(Assignment.agent_id, SupportRequest.category, Assignment.answered_at)
        .join(SupportRequest, SupportRequest.id == Assignment.request_id)
        .where(
            Assignment.team_id == team_id,
            SupportRequest.team_id == team_id,
            Assignment.state.in_(OPEN_ASSIGNMENTS),
        )
    )
    in_hand: defaultdict[str, list[InHand]] = defaultdict(list)
    for agent_id, category, accepted_at in rows:
        in_hand[agent_id].append(InHand(category, accepted_at))
    return in_hand
