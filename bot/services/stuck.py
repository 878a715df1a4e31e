"""Requests that nobody can be offered, and what is told of them: why, and once for each wait.

A *wait* begins when the request goes to a person, and anew when it is reopened or handed back: what was told of the
last wait, and the button that came with it, is used up by then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.services.moves import record
from bot.services.views import RequestView
from bot.storage import queries
from bot.storage.tables import Event, SupportRequest


class WhyNobody(StrEnum):
    """Why nobody can be offered a request."""

    NO_AGENTS = "no_agents"
    EVERYBODY_AWAY = "everybody_away"
    EVERYBODY_ASKED = (
        "everybody_asked"  # of those who are on: they declined, did not answer, or need help themselves
    )
    NOBODY_FITS = "nobody_fits"
    EVERYBODY_BUSY = "everybody_busy"  # and half of the time is gone


_WHY = {
    routing.WaitReason.NOBODY_ON: WhyNobody.EVERYBODY_AWAY,
    routing.WaitReason.ALL_DECLINED: WhyNobody.EVERYBODY_ASKED,
    routing.WaitReason.OWN_REQUEST: WhyNobody.EVERYBODY_ASKED,
    routing.WaitReason.NO_SKILL: WhyNobody.NOBODY_FITS,
    routing.WaitReason.NO_LANGUAGE: WhyNobody.NOBODY_FITS,
    routing.WaitReason.EVERYBODY_FULL: WhyNobody.EVERYBODY_BUSY,
    routing.WaitReason.NO_MARKET: WhyNobody.EVERYBODY_BUSY,
    routing.WaitReason.NO_SCORE: WhyNobody.EVERYBODY_BUSY,
    routing.WaitReason.SHIFT_ENDS: WhyNobody.EVERYBODY_BUSY,
    routing.WaitReason.OUTBID: WhyNobody.EVERYBODY_BUSY,
    routing.WaitReason.HOLD: WhyNobody.EVERYBODY_BUSY,
}
_DETAILS = {
    WhyNobody.NO_AGENTS: "no agents are named in FIRSTLINE_AGENTS",
    WhyNobody.EVERYBODY_ASKED: "nobody who is on is left to ask",
}


@dataclass(frozen=True, slots=True)
class Stuck:
    """A request that nobody could be offered, told of for the first time in this wait for this reason.

    ``wait`` is the wait (see :func:`queries.wait_of`), ``detail`` says more to the fallback.
    """

    request: RequestView
    wait: int
    why: WhyNobody
    detail: str


def note_stuck(
    session: Session,
    now: datetime,
    team_id: str,
    left: Sequence[tuple[SupportRequest, routing.Waiting]],
    *,
    has_agents: bool,
) -> tuple[Stuck, ...]:
    """Record each of the requests that is stuck, once for each reason in each wait; leave out those told of."""
    news = untold(session, now, team_id, left, has_agents=has_agents)
    wait_of = _waits(session, team_id, [request.id for request, _, _ in news]) if news else {}
    for request, why, _ in news:
        record(session, now, team_id, EventKind.NOBODY_FREE, request_id=request.id, data={"reason": why})
    return tuple(
        Stuck(RequestView.of(request), wait_of[request.id], why, detail) for request, why, detail in news
    )


def untold(
    session: Session,
    now: datetime,
    team_id: str,
    left: Sequence[tuple[SupportRequest, routing.Waiting]],
    *,
    has_agents: bool,
) -> list[tuple[SupportRequest, WhyNobody, str]]:
    """Those that are stuck for a reason that was not told of in this wait, with the reason and its detail."""
    stuck = [(request, entry) for request, entry in left if _is_stuck(request, entry, now)]
    if not stuck:
        return []
    told = _told(session, team_id, [request.id for request, _ in stuck])
    reasons = [
        (request, _WHY[entry.reason] if has_agents else WhyNobody.NO_AGENTS, entry.detail)
        for request, entry in stuck
    ]
    return [
        (request, why, _DETAILS.get(why, detail))
        for request, why, detail in reasons
        if (request.id, why) not in told
    ]


def _waits(session: Session, team_id: str, request_ids: Sequence[int]) -> dict[int, int]:
    """The wait each of them is in."""
    waits = select(SupportRequest.id, queries.wait_of()).where(
        SupportRequest.team_id == team_id, SupportRequest.id.in_(request_ids)
    )
    return dict(session.execute(waits).all())


def _told(session: Session, team_id: str, request_ids: Sequence[int]) -> set[tuple[int | None, str]]:
    """What has been told of in the wait that each of them is in."""
    rows = session.execute(
        select(Event.request_id, Event.data)
        .join(SupportRequest, SupportRequest.id == Event.request_id)
        .where(
            Event.team_id == team_id,
            SupportRequest.team_id == team_id,
            Event.kind == EventKind.NOBODY_FREE,
            Event.request_id.in_(request_ids),
            Event.id > queries.wait_of(),
        )
    )
    return {(request_id, data["reason"]) for request_id, data in rows}


def _is_stuck(request: SupportRequest, entry: routing.Waiting, now: datetime) -> bool:
    """Whether somebody must be told: nobody will come by waiting, or half of the time is gone."""
    if _WHY[entry.reason] is not WhyNobody.EVERYBODY_BUSY:
        return True
    assert request.waiting_since is not None
    assert request.deadline_at is not None
    return now - request.waiting_since >= (request.deadline_at - request.waiting_since) / 2
