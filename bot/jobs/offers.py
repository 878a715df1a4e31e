"""What time does to requests: offers run out, and closed requests close for good when the reopen window has passed."""

from bot.delivery import say
from bot.deps import Deps
from bot.jobs.slots import Run, settle
from bot.services.assignments import expire, is_any_over
from bot.services.hedging import hedge, teams_offering
from bot.services.reopening import close_for_good


def expire_offers(deps: Deps) -> int:
    """End offers that are overdue or can never be read, so that the matcher passes them on; return how many.

    On every replica at each of the matcher's steps: a tick claimed by a process that then dies would be lost.
    """
    with deps.db.reading() as session:
        if not is_any_over(session, deps.clock()):
            return 0
    with deps.work() as session:
        now = deps.clock()
        ended = expire(session, now)
        for answered in ended:
            say.put_back(session, now, answered)
    return len(ended)


def hedge_offers(deps: Deps) -> int:
    """Ask one more agent where an offer is unanswered, workspace by workspace; return the number of offers."""
    with deps.db.reading() as session:
        teams = teams_offering(session)
    offers = 0
    for team_id in teams:
        with deps.work() as session:
            now = deps.clock()
            made = hedge(session, now, team_id, deps.settings)
            say.offers(session, now, made, deps.answers)
        offers += len(made)
    return offers


def close_old(deps: Deps, run: Run | None = None) -> int:
    """Close what can no longer be reopened, and settle ``run`` with it; return how many."""
    with deps.work() as session:
        now = deps.clock()
        closed = close_for_good(session, now, deps.settings)
        for each in closed:
            say.closed_for_good(session, now, each, deps.answers)
        if run is not None:
            settle(session, run)
    return len(closed)
