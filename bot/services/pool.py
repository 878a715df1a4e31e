"""The database's rows as routing sees them: waiting requests become tasks, people become agents."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import routing
from bot.lifecycle import OPEN_ASSIGNMENTS
from bot.services import agents
from bot.services.working_hours import read_hours
from bot.settings import Settings
from bot.storage.tables import Assignment, SupportRequest


def params_of(settings: Settings) -> routing.MatchParams:
    """How the matcher weighs."""
    return routing.MatchParams(policy=settings.firstline_routing_policy)


def task_of(request: SupportRequest, barred: frozenset[str]) -> routing.Task:
    """A waiting request; never for its own requester, nor for those who are barred (see bot.services.barring)."""
    assert request.waiting_since is not None
    assert request.deadline_at is not None
    components = routing.TaskComponents(
        risk=1.0 if request.reopened_count else None,  # somebody thought it was solved, and it was not
        complexity=None if request.confidence is None else 1.0 - request.confidence,
    )
    return routing.Task(
        id=str(request.id),
        score=routing.task_score(components),
        category=request.category,
        language=request.language,
        market=None,
        created_at=request.waiting_since,
        deadline_at=request.deadline_at,
        declined_by=barred | {request.requester_id},
    )


def read_staff(session: Session, team_id: str, settings: Settings) -> list[routing.Agent]:
    """Every agent, on or away, with what they have in hand."""
    loads = dict(
        session.execute(
            select(Assignment.agent_id, func.count())
            .where(Assignment.team_id == team_id, Assignment.state.in_(OPEN_ASSIGNMENTS))
            .group_by(Assignment.agent_id)
        ).all()
    )
    # Accuracy and speed are not measured yet: every agent has the prior's score.
    score = routing.agent_score(routing.AgentComponents())
    return [
        routing.Agent(
            id=agent.user_id,
            score=score,
            capacity=agents.capacity_of(agent, settings),
            load=loads.get(agent.user_id, 0),
            skills=agent.skills,
            languages=frozenset(agent.languages),
            markets=frozenset(agent.sites or ()),
            on=agent.is_on,
            hours=read_hours(agent.hours),
        )
        for agent in agents.active_agents(session, team_id, settings)
    ]
