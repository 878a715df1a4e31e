"""Who is named in the settings, and whether anybody can ever be offered a request."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.doctor.finding import Finding, good, warning
from bot.services.agent_rows import is_readable
from bot.settings import Settings
from bot.storage.tables import Agent
from classifier import load_answers


def check_lists(settings: Settings) -> Iterator[Finding]:
    """The two lists of people."""
    if settings.firstline_admins:
        yield good("admins", f"{len(settings.firstline_admins)} listed")
    else:
        yield warning("admins", "nobody may see stats", "list Slack user ids in FIRSTLINE_ADMINS")
    if settings.firstline_agents:
        yield good("agents", f"{len(settings.firstline_agents)} listed")
    else:
        yield warning("agents", "nobody takes requests", "list Slack user ids in FIRSTLINE_AGENTS")


def check_agents(session: Session, settings: Settings) -> Iterator[Finding]:
    """Who is on, and which categories nobody would ever be offered."""
    agents = session.scalars(select(Agent).where(Agent.is_active)).all()
    newcomers = set(settings.firstline_agents) - {
        agent.user_id for agent in agents
    }  # on, and take everything
    on = sum(agent.is_on for agent in agents) + len(newcomers)
    if on:
        yield good("presence", f"{on} agents are on")
    else:
        yield warning("presence", "no agent is on: requests wait", "somebody types /firstline on")
    yield _rows(agents)
    skills = [agent.skills for agent in agents if is_readable(agent)]
    answers = load_answers(settings.answers_file) if settings.answers_file else load_answers()
    left = [
        category
        for category in sorted(answers)
        if not any(not own or own.get(category, 0) > 0 for own in skills)
    ]
    if agents and left and not newcomers:
        yield warning(
            "skills",
            f"nobody can ever be offered requests about {', '.join(left)}",
            "an agent adds them to their skills with /firstline me, or leaves skills empty to take everything",
        )
    else:
        yield good("skills", "each category has somebody who takes it")


def _rows(agents: Sequence[Agent]) -> Finding:
    lost = [f"{agent.user_id} of {agent.team_id}" for agent in agents if not is_readable(agent)]
    if not lost:
        return good("agent_rows", "what is kept of each agent can be read")
    return warning(
        "agent_rows",
        f"what is kept of {', '.join(lost)} cannot be read: nothing is offered to them",
        "they write it again with /firstline me",
    )
