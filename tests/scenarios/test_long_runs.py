"""A job that may take minutes is left to the replica that is at it."""

from datetime import timedelta

from bot.jobs.slots import claim_slot, end
from tests.scenarios.conftest import Desk, utc_now


def test_who_reads_direct_messages_for_minutes_is_not_taken_for_dead(sqlite_desk: Desk) -> None:
    """Reading may last for almost its period: two replicas at it would ask Slack for more than it allows."""
    bot = sqlite_desk.start_bot()
    db, period_s = bot.deps.db, bot.deps.settings.firstline_reconcile_s
    look = bot.scheduler.get_job("reconcile").func
    reading = claim_slot(db, "reconcile", utc_now() - timedelta(seconds=0.95 * period_s), period_s)
    assert reading is not None
    assert not look()
    end(db, reading)
    assert claim_slot(db, "reconcile", utc_now() - timedelta(seconds=2 * period_s), period_s) is not None
    assert look()  # that one has died
