"""Asks one more agent while an offer is unanswered: best first, one more every FIRSTLINE_HEDGE_S seconds."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import routing
from bot.ids import EventKind
from bot.lifecycle import AssignmentState, RequestState
from bot.services import matching
from bot.services.barring import read_barred
from bot.services.decision_log import Round, log_rounds
from bot.services.hedges import UNANSWERED
from bot.services.line import BATCH
from bot.services.moves import record
from bot.services.pool import params_of, read_pool, read_staff, task_of
from bot.services.sites import read_sites
from bot.services.views import OfferView, view_offer
from bot.settings import Settings
from bot.storage.tables import Assignment, DecisionReason, SupportRequest


def teams_offering(session: Session) -> list[str]:
    """The workspaces that have unanswered offers."""
    offered = select(SupportRequest.team_id).where(SupportRequest.state == RequestState.OFFERED)
    return list(session.scalars(offered.distinct()))


def hedge(session: Session, now: datetime, team_id: str, settings: Settings) -> tuple[OfferView, ...]:
    """Offer each request whose last offer is older than that to one more agent; nothing when hedging is off."""
    if settings.firstline_hedge_s == 0:
        return ()
    matching.lock(session, now, team_id)
    due = _due(session, now, team_id, settings)
    if not due:
        return ()
    pool = read_pool(session, now, team_id)
    staff = read_staff(session, now, team_id, pool, settings)
    ids = [request.id for request in due]
    barred, asked = read_barred(session, now, team_id, ids, settings), _asked(session, team_id, ids)
    sites = read_sites(session, team_id, {request.requester_id for request in due})
    tasks = [task_of(request, barred[request.id].now | asked[request.id], pool, sites) for request in due]
    made = Round.of(DecisionReason.HEDGE, tasks, staff, now, params_of(settings))
    by_id = {str(request.id): request for request in due}
    return tuple(
        _offer(session, now, by_id[chosen.task_id], chosen, settings, decision_id)
        for decision_id, chosen in log_rounds(session, now, team_id, [made])
    )


def _due(session: Session, now: datetime, team_id: str, settings: Settings) -> Sequence[SupportRequest]:
    last_offered_at = (
        select(func.max(Assignment.offered_at))
        .where(Assignment.request_id == SupportRequest.id, Assignment.state.in_(UNANSWERED))
        .correlate(SupportRequest)
        .scalar_subquery()
    )
    return session.scalars(
        select(SupportRequest)
        .where(
            SupportRequest.team_id == team_id,
            SupportRequest.state == RequestState.OFFERED,
            last_offered_at <= now - timedelta(seconds=settings.firstline_hedge_s),
        )
        .order_by(SupportRequest.waiting_since, SupportRequest.id)
        .limit(BATCH)
        # What somebody is answering at this moment needs no one more.
        .with_for_update(skip_locked=True)
    ).all()


def _asked(session: Session, team_id: str, request_ids: Sequence[int]) -> Mapping[int, frozenset[str]]:
    """Who has an unanswered offer of each request."""
    rows = session.execute(
        select(Assignment.request_id, Assignment.agent_id).where(
            Assignment.team_id == team_id,
            Assignment.request_id.in_(request_ids),
            Assignment.state.in_(UNANSWERED),
        )
    )
    asked: defaultdict[int, frozenset[str]] = defaultdict(frozenset)
    for request_id, agent_id in rows:
        asked[request_id] |= {agent_id}
    return asked


def _offer(
    session: Session,
    now: datetime,
    request: SupportRequest,
    chosen: routing.Assignment,
    settings: Settings,
    decision_id: int,
) -> OfferView:
    expires_at = now + timedelta(seconds=settings.firstline_offer_s)
    assignment = matching.as_chosen(request, chosen, AssignmentState.HEDGED, now, expires_at, decision_id)
    session.add(assignment)
    data = {"agent_id": chosen.agent_id, "cost": chosen.cost}
    record(session, now, request.team_id, EventKind.HEDGED, request_id=request.id, data=data)
    return view_offer(session, assignment, request)
