"""What a person's App Home shows: everybody their own requests, agents their queue, administrators the whole."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.lifecycle import OPEN_ASSIGNMENTS, OPEN_STATES, RequestState
from bot.services import agents
from bot.services.agent_rows import is_readable
from bot.services.deciding import Decider
from bot.services.periods import Period
from bot.services.stats import Stats, gather
from bot.services.views import OfferView, RequestView, view_offer
from bot.settings import Settings
from bot.storage.tables import Agent, Assignment, InboxRow, OutboxRow, RowState, SupportRequest

SHOWN = 10  # requests or assignments in a list


@dataclass(frozen=True, slots=True)
class AgentDesk:
    """An agent's own corner. ``load`` counts what is offered to them or in their hands."""

    is_on: bool
    is_in_hours: bool
    is_readable: bool
    capacity: int
    load: int
    in_hand: tuple[OfferView, ...]
    waiting: int  # requests that nobody has been offered yet


@dataclass(frozen=True, slots=True)
class Overview:
    """What an administrator looks at first. The last two are rows that were given up."""

    agents_on: int
    agents: int
    waiting: int
    stats: Stats
    model_id: str | None
    model_fault: str | None  # why there is none
    dead_inbox: int
    dead_outbox: int


@dataclass(frozen=True, slots=True)
class Home:
    """One person's App Home."""

    user_id: str
    mine: tuple[RequestView, ...]
    desk: AgentDesk | None
    overview: Overview | None


def read_home(
    session: Session, now: datetime, team_id: str, user_id: str, settings: Settings, decider: Decider
) -> Home:
    """Gather it; nothing is written. Nobody but administrators gets ``overview``, nobody but agents ``desk``."""
    staff = agents.active_agents(session, team_id, settings)
    me = next((agent for agent in staff if agent.user_id == user_id), None)
    is_admin = user_id in settings.firstline_admins
    return Home(
        user_id=user_id,
        mine=_mine(session, team_id, user_id),
        desk=_desk(session, now, team_id, me, settings) if me else None,
        overview=_overview(session, now, team_id, staff, settings, decider) if is_admin else None,
    )


def _mine(session: Session, team_id: str, user_id: str) -> tuple[RequestView, ...]:
    found = session.scalars(
        select(SupportRequest)
        .where(SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id)
        .order_by(SupportRequest.state.in_(OPEN_STATES).desc(), SupportRequest.id.desc())
        .limit(SHOWN)
    )
    return tuple(RequestView.of(request) for request in found)


def _desk(session: Session, now: datetime, team_id: str, agent: Agent, settings: Settings) -> AgentDesk:
    theirs = (
        Assignment.team_id == team_id,
        Assignment.agent_id == agent.user_id,
        Assignment.state.in_(OPEN_ASSIGNMENTS),
    )
    rows = session.execute(
        select(Assignment, SupportRequest)
        .join(SupportRequest, SupportRequest.id == Assignment.request_id)
        .where(*theirs)
        .order_by(Assignment.id)
        .limit(SHOWN)
    )
    return AgentDesk(
        is_on=agent.is_on,
        is_in_hours=agents.is_in_hours(agent, now),
        is_readable=is_readable(agent),
        capacity=agents.capacity_of(agent, settings),
        load=session.scalar(select(func.count()).select_from(Assignment).where(*theirs)) or 0,
        in_hand=tuple(view_offer(session, assignment, request) for assignment, request in rows),
        waiting=_waiting(session, team_id),
    )


def _overview(
    session: Session, now: datetime, team_id: str, staff: list[Agent], settings: Settings, decider: Decider
) -> Overview:
    return Overview(
        agents_on=sum(agent.is_on and agents.is_in_hours(agent, now) for agent in staff),
        agents=len(staff),
        waiting=_waiting(session, team_id),
        stats=gather(session, now, team_id, Period.WEEK, settings),
        model_id=decider.classifier.model_id if decider.classifier else None,
        model_fault=decider.fault,
        dead_inbox=_dead(session, team_id, InboxRow),
        dead_outbox=_dead(session, team_id, OutboxRow),
    )


def _waiting(session: Session, team_id: str) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(SupportRequest)
            .where(SupportRequest.team_id == team_id, SupportRequest.state == RequestState.WAITING)
        )
        or 0
    )


def _dead(session: Session, team_id: str, table: type[InboxRow] | type[OutboxRow]) -> int:
    return (
        session.scalar(
            select(func.count())
            .select_from(table)
            .where(table.team_id == team_id, table.state == RowState.DEAD)
        )
        or 0
    )
