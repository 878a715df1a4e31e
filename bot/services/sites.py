"""Where requesters sit, as they say themselves: agents who look after that site are asked first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.errors import NotAllowed
from bot.ids import EventKind
from bot.services import agents
from bot.services.agent_profile import LONGEST_SITE, site_name
from bot.services.agent_rows import is_readable
from bot.services.moves import record
from bot.settings import Settings
from bot.storage.tables import Requester

TOO_LONG = f"A site has at most {LONGEST_SITE} characters."
FORGET = "none"


@dataclass(frozen=True, slots=True)
class Site:
    """A person's site (None: not said), and those that agents look after, by name."""

    name: str | None
    looked_after: tuple[str, ...]


def read_site(session: Session, *, team_id: str, user_id: str, settings: Settings) -> Site:
    """What a person has said."""
    return Site(
        read_sites(session, team_id, {user_id}).get(user_id), _looked_after(session, team_id, settings)
    )


def set_site(
    session: Session, now: datetime, *, team_id: str, user_id: str, name: str, settings: Settings
) -> Site:
    """Keep where a person sits; ``none`` forgets it. What waits is matched by it from now on. Raises NotAllowed."""
    name = site_name(name)
    if len(name) > LONGEST_SITE:
        raise NotAllowed(TOO_LONG)
    if name == FORGET:
        session.execute(delete(Requester).where(Requester.team_id == team_id, Requester.user_id == user_id))
    else:
        session.merge(Requester(team_id=team_id, user_id=user_id, site=name))
    record(session, now, team_id, EventKind.SITE, actor_id=user_id)
    session.flush()
    return read_site(session, team_id=team_id, user_id=user_id, settings=settings)


def read_sites(session: Session, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
    """The sites of those who have said one."""
    rows = session.execute(
        select(Requester.user_id, Requester.site).where(
            Requester.team_id == team_id, Requester.user_id.in_(user_ids)
        )
    )
    return dict(rows.all())


def _looked_after(session: Session, team_id: str, settings: Settings) -> tuple[str, ...]:
    staff = agents.active_agents(session, team_id, settings)
    return tuple(sorted({site for agent in staff if is_readable(agent) for site in agent.sites or ()}))
