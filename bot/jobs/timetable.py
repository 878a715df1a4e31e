"""Every scheduled job with its period."""

import threading
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler

from bot.delivery.slack import Slack
from bot.deps import Deps
from bot.jobs.forget import forget_words
from bot.jobs.offers import close_old, hedge_offers
from bot.jobs.prune import prune
from bot.jobs.reconcile import reconcile
from bot.jobs.schedule import Schedule, Watcher
from bot.storage.inbox import Prepare
from bot.storage.scrubbing import scrub_if_due

HEDGE_TICK_S = 5.0  # how often unanswered offers are looked for
SCRUB_S = 15.0  # how soon after an erasure the database's files are written anew
HOUR_S = 3600.0


def make_timetable(
    deps: Deps, slack: Slack, watcher: Watcher, stopping: threading.Event, prepare: Prepare
) -> BackgroundScheduler:
    """A scheduler, not started yet. On all replicas, each tick run by one of them; long jobs end with ``stopping``.

    ``prepare`` makes of a message that never arrived what is stored of it.
    """
    settings = deps.settings
    scheduler = BackgroundScheduler(timezone=UTC)
    schedule = Schedule(scheduler, deps.db, deps.clock, watcher)
    if settings.firstline_hedge_s > 0:
        schedule.every(
            "hedge_offers", min(HEDGE_TICK_S, settings.firstline_hedge_s), lambda: hedge_offers(deps)
        )
    keep_s, window_s = settings.firstline_keep_s, settings.firstline_reopen_window_s
    schedule.every_in_one("close_old", min(HOUR_S, window_s), lambda run: close_old(deps, run))
    schedule.every(
        "prune", min(HOUR_S, keep_s), lambda: prune(deps.db, deps.clock, keep_s, window_s, stopping)
    )
    keep_words_s = settings.firstline_keep_words_s
    schedule.every("forget", HOUR_S, lambda: forget_words(deps.db, deps.clock, keep_words_s, stopping))
    schedule.every("scrub", SCRUB_S, lambda: scrub_if_due(deps.db))
    read_s = settings.firstline_reconcile_s

    def read_on() -> int:
        return reconcile(deps.db, deps.clock, slack, deps.wake.inbox, stopping, prepare, period_s=read_s)

    schedule.every("reconcile", read_s, read_on, lasts_s=read_s)
    return scheduler
