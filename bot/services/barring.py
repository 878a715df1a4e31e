"""Whom a waiting request is not offered to, and when they may be asked again.

- Who declined a request or handed it back is never asked again for it.
- Who let an offer run out (was *silent*) is asked again once they are seen: they press a button, come on, write to the
  bot. Unseen, they are asked again when nobody else can be asked and they have *rested*: twice an offer's time after the
  first silence, doubled with each further one, never longer than the deadline's time.

So nobody is asked every two minutes all night, and a request that everybody slept through is still offered in the morning.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.lifecycle import AssignmentState
from bot.settings import Settings
from bot.storage.tables import Assignment, Event

FOR_GOOD = (AssignmentState.DECLINED, AssignmentState.HANDED_BACK)
MOST_DOUBLINGS = 16  # by then any deadline is reached; a power must not overflow


@dataclass(frozen=True, slots=True)
class Barred:
    """The agents that one request is not offered to."""

    for_good: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    rested: frozenset[str] = frozenset()  # of the silent

    @property
    def now(self) -> frozenset[str]:
        """Whom to leave out at first."""
        return self.for_good | self.silent

    @property
    def still(self) -> frozenset[str]:
        """Whom to leave out when nobody else can be asked."""
        return self.for_good | (self.silent - self.rested)


def read_barred(
    session: Session, now: datetime, team_id: str, request_ids: Sequence[int], settings: Settings
) -> Mapping[int, Barred]:
    """Who is barred from each of these requests."""
    for_good: defaultdict[int, set[str]] = defaultdict(set)
    silences: defaultdict[int, defaultdict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    rows = session.execute(
        select(Assignment.request_id, Assignment.agent_id, Assignment.state, Assignment.ended_at)
        .where(
            Assignment.team_id == team_id,
            Assignment.request_id.in_(request_ids),
            Assignment.state.in_((*FOR_GOOD, AssignmentState.EXPIRED)),
        )
        .order_by(Assignment.id)
    )
    for request_id, agent_id, state, ended_at in rows:
        if state in FOR_GOOD or ended_at is None:
            for_good[request_id].add(agent_id)
        else:
            silences[request_id][agent_id].append(ended_at)
    seen = _last_seen(session, team_id, silences)
    return {
        request_id: _bar(now, for_good[request_id], silences[request_id], seen, settings)
        for request_id in request_ids
    }


def rest(silences: int, settings: Settings) -> timedelta:
    """How long an agent is left alone after letting so many offers of one request run out."""
    doubled = settings.firstline_offer_s * 2 ** min(silences, MOST_DOUBLINGS)
    return timedelta(seconds=min(doubled, settings.firstline_deadline_s))


def _bar(
    now: datetime,
    for_good: set[str],
    silences: Mapping[str, Sequence[datetime]],
    seen: Mapping[str, datetime],
    settings: Settings,
) -> Barred:
    silent = {
        agent_id: ends for agent_id, ends in silences.items() if seen.get(agent_id, ends[-1]) <= ends[-1]
    }
    rested = {agent_id for agent_id, ends in silent.items() if now >= ends[-1] + rest(len(ends), settings)}
    return Barred(frozenset(for_good), frozenset(silent), frozenset(rested))


def _last_seen(
    session: Session, team_id: str, silences: Mapping[int, Mapping[str, Sequence[datetime]]]
) -> dict[str, datetime]:
    """When each of the silent last did anything, as far as that is after the oldest silence."""
    ends = [ends[-1] for by_agent in silences.values() for ends in by_agent.values()]
    if not ends:
        return {}
    rows = session.execute(
        select(Event.actor_id, func.max(Event.at))
        .where(
            Event.team_id == team_id,
            Event.at > min(ends),
            Event.actor_id.in_({agent_id for by_agent in silences.values() for agent_id in by_agent}),
        )
        .group_by(Event.actor_id)
    )
    return {agent_id: at for agent_id, at in rows if agent_id is not None}
