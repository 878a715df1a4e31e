"""Who takes support requests: the people named in FIRSTLINE_AGENTS, on from the start, until they say otherwise."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.errors import NotAllowed
from bot.ids import EventKind
from bot.lifecycle import OPEN_ASSIGNMENTS
from bot.services.agent_rows import is_readable
from bot.services.moves import record
from bot.services.working_hours import HoursUnreadable, never, read_hours
from bot.settings import Settings
from bot.storage.statements import insert_into
from bot.storage.tables import Agent, Assignment
from bot.storage.work import MATCHING_DUE
from routing import WeeklyHours


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether an agent is on; ``changed`` is false when they already were. Outside of their hours nothing is offered."""

    user_id: str
    is_on: bool
    changed: bool
    is_in_hours: bool = True


def seed(session: Session, now: datetime, team_id: str, settings: Settings) -> None:
    """Make the table agree with the settings: new agents are added, agents no longer named rest; presence stays."""
    known = {agent.user_id: agent for agent in _all(session, team_id)}
    missing = [user_id for user_id in settings.firstline_agents if user_id not in known]
    if missing:
        _insert(session, now, team_id, missing)
    for user_id, agent in known.items():
        if agent.is_active != (user_id in settings.firstline_agents):
            agent.is_active = not agent.is_active
    session.flush()


def active_agents(session: Session, team_id: str, settings: Settings) -> list[Agent]:
    """The workspace's agents, on or away, by user id: as `seed` would leave them, but nothing is written."""
    known = {agent.user_id: agent for agent in _all(session, team_id)}
    return [
        known.get(user_id) or Agent(**_new(team_id, user_id))
        for user_id in sorted({*settings.firstline_agents})
    ]


def capacity_of(agent: Agent, settings: Settings) -> int:
    """How many requests ``agent`` works on at once: their own number, or else the setting's as it is now."""
    return settings.firstline_agent_capacity if agent.capacity is None else agent.capacity


def hours_of(agent: Agent) -> WeeklyHours | None:
    """When they work: None is whenever they are on, and hours that cannot be read are never."""
    try:
        return read_hours(agent.hours)
    except HoursUnreadable:
        return never()


def unreadable(session: Session, team_id: str, settings: Settings) -> tuple[str, ...]:
    """Agents who are offered nothing because something in their row cannot be read, by user id."""
    return tuple(
        agent.user_id for agent in active_agents(session, team_id, settings) if not is_readable(agent)
    )


def is_in_hours(agent: Agent, now: datetime) -> bool:
    """Whether ``now`` lies in the hours an agent has given; without any it always does."""
    hours = hours_of(agent)
    return hours is None or hours.closes_at(now) is not None


def has_room(session: Session, now: datetime, team_id: str, settings: Settings) -> bool:
    """Whether anybody who is there has a place free. Two short statements, where a matching reads all that waits."""
    in_hand = (
        select(Assignment.agent_id, func.count())
        .where(Assignment.team_id == team_id, Assignment.state.in_(OPEN_ASSIGNMENTS))
        .group_by(Assignment.agent_id)
    )
    load = dict(session.execute(in_hand).all())
    return any(
        load.get(agent.user_id, 0) < capacity_of(agent, settings)
        for agent in active_agents(session, team_id, settings)
        if is_readable(agent) and agent.is_on and is_in_hours(agent, now)
    )


def set_presence(
    session: Session, now: datetime, *, team_id: str, user_id: str, is_on: bool, settings: Settings
) -> Presence:
    """Go on or away. Open offers and work in hand stay. Raises NotAllowed for people who are no agents."""
    seed(session, now, team_id, settings)
    changed = session.scalar(
        update(Agent)
        .where(Agent.team_id == team_id, Agent.user_id == user_id, Agent.is_active, Agent.is_on.is_not(is_on))
        .values(is_on=is_on)
        .returning(Agent.user_id)
    )
    if changed is None and user_id not in settings.firstline_agents:
        raise NotAllowed("Only agents can go on or away. An administrator names agents in FIRSTLINE_AGENTS.")
    # Also when nothing changed: whoever says "on" is there, and may be asked again (see bot.services.barring).
    record(session, now, team_id, EventKind.PRESENCE, actor_id=user_id, data={"on": is_on})
    session.info[MATCHING_DUE] = is_on or session.info.get(MATCHING_DUE, False)
    agent = session.get_one(Agent, (team_id, user_id))
    return Presence(user_id, is_on, changed is not None, is_in_hours(agent, now))


def _all(session: Session, team_id: str) -> list[Agent]:
    return list(session.scalars(select(Agent).where(Agent.team_id == team_id).order_by(Agent.user_id)))


def _new(team_id: str, user_id: str) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "user_id": user_id,
        "is_on": True,
        "is_active": True,
        "capacity": None,
        "skills": {},
        "languages": [],
        "sites": None,
        "hours": None,
    }


def _insert(session: Session, now: datetime, team_id: str, user_ids: list[str]) -> None:
    # Two replicas may seed at the same moment: the second finds the rows and leaves them.
    rows = [_new(team_id, user_id) | {"created_at": now} for user_id in dict.fromkeys(user_ids)]
    session.execute(insert_into(session, Agent).values(rows).on_conflict_do_nothing())
