"""Runs jobs every so many seconds: each replica's scheduler ticks, and one of them runs the job.

Jobs run on daemon threads, as the pool that APScheduler brings is joined when the process ends, however long a job
still waits for Slack. A job that is cut off there leaves what a crash would leave: whole transactions only.
"""

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from structlog.contextvars import bound_contextvars

from bot.jobs.slots import Run, claim_slot, end
from bot.storage.database import Clock, Database

log = logging.getLogger(__name__)

LOOK_S = 30.0  # each replica looks so often at least whether a job is due or was left behind
DAEMONS = "daemons"  # the executor's name in the scheduler


class _DaemonExecutor(BaseExecutor):  # type: ignore[misc]
    """A thread for each run."""

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        threading.Thread(target=self._run, args=(job, run_times), name=f"job-{job.id}", daemon=True).start()

    def _run(self, job: Any, run_times: Any) -> None:
        try:
            events = run_job(job, job._jobstore_alias, run_times, self._logger.name)
        except BaseException:  # as APScheduler's own executors do: else it would count as running for ever
            self._run_job_error(job.id, *sys.exc_info()[1:])
        else:
            self._run_job_success(job.id, events)


class Watcher(Protocol):
    """Who is told how jobs fare."""

    def job_added(self, name: str, every_s: float) -> None:
        """A job is scheduled here."""

    def job_ended(self, name: str, *, well: bool) -> None:
        """A job was run here."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Adds jobs to ``scheduler``, which may not have been started yet; ``watcher`` is told how they fare."""

    scheduler: BackgroundScheduler
    db: Database
    clock: Clock
    watcher: Watcher | None = None

    def __post_init__(self) -> None:
        self.scheduler.add_executor(_DaemonExecutor(), DAEMONS)

    def every(self, name: str, every_s: float, run: Callable[[], object], lasts_s: float = 0.0) -> None:
        """Call ``run`` once in each period of ``every_s`` seconds, on one replica. ``name`` is the same on all.

        When a replica dies at it, another calls ``run`` again: what it does must bear that. ``lasts_s`` is how long
        a run may last, where that is minutes: else another replica takes it for dead.
        """
        self.every_in_one(name, every_s, lambda _run: run(), lasts_s)

    def every_in_one(
        self, name: str, every_s: float, run: Callable[[Run], object], lasts_s: float = 0.0
    ) -> None:
        """As `every`, for what is one transaction: it has one effect whoever dies, as ``run`` settles its Run in it."""
        if self.watcher is not None:
            self.watcher.job_added(name, every_s)
        self.scheduler.add_job(
            lambda: self.tick_in_one(name, every_s, run, lasts_s),
            IntervalTrigger(seconds=max(1, round(min(every_s, LOOK_S))), timezone=UTC),
            id=name,
            executor=DAEMONS,
            max_instances=1,  # a run that outlasts its period is not overtaken by the next ...
            coalesce=True,  # ... and ticks it has missed are made up for by one
            misfire_grace_time=None,
        )

    def tick(self, name: str, every_s: float, run: Callable[[], object]) -> bool:
        """Run the job if this tick is ours; whether it was run to its end."""
        return self.tick_in_one(name, every_s, lambda _run: run())

    def tick_in_one(
        self, name: str, every_s: float, run: Callable[[Run], object], lasts_s: float = 0.0
    ) -> bool:
        """As `tick`, for a job that settles its Run itself."""
        with bound_contextvars(job=name):
            try:
                mine = claim_slot(self.db, name, self.clock(), every_s, lasts_s)
                if mine is None:
                    return False
                well = self._run(mine, run)
                end(self.db, mine)
            except Exception as error:  # a job's edge: the database is away; the next tick tries again
                log.error("the job %s failed: %s", name, type(error).__name__)
                well = False
            self._tell(name, well=well)
            return well

    def _run(self, mine: Run, run: Callable[[Run], object]) -> bool:
        """Whether it was run to its end. A job that fails is tried again in its next period, not at the next look."""
        try:
            run(mine)
        except Exception as error:  # a job's edge
            log.error("the job %s failed: %s", mine.job, type(error).__name__)
            return False
        return True

    def _tell(self, name: str, *, well: bool) -> None:
        if self.watcher is not None:
            self.watcher.job_ended(name, well=well)
