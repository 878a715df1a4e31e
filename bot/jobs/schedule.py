"""Runs jobs every so many seconds: each replica's scheduler ticks, and one of them runs the job."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.jobs.slots import claim_slot
from bot.storage.database import Clock, Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Adds jobs to ``scheduler``, which may not have been started yet."""

    scheduler: BackgroundScheduler
    db: Database
    clock: Clock

    def every(self, name: str, every_s: float, run: Callable[[], object]) -> None:
        """Call ``run`` once in each period of ``every_s`` seconds, on one replica. ``name`` is the same on all."""
        self.scheduler.add_job(
            lambda: self.tick(name, every_s, run),
            IntervalTrigger(seconds=max(1, round(every_s)), timezone=UTC),
            id=name,
            max_instances=1,  # a run that outlasts its period is not overtaken by the next ...
            coalesce=True,  # ... and ticks it has missed are made up for by one
            misfire_grace_time=None,
        )

    def tick(self, name: str, every_s: float, run: Callable[[], object]) -> bool:
        """Run the job if this tick is ours; whether it was run to its end."""
        try:
            if not claim_slot(self.db, name, self.clock(), every_s):
                return False
            run()
        except Exception as error:  # a job's edge: the next tick tries again
            log.error("the job %s failed: %s", name, type(error).__name__)
            return False
        return True
