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

from bot.jobs.slots import claim_slot
from bot.storage.database import Clock, Database

log = logging.getLogger(__name__)

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

    def every(self, name: str, every_s: float, run: Callable[[], object]) -> None:
        """Call ``run`` once in each period of ``every_s`` seconds, on one replica. ``name`` is the same on all."""
        if self.watcher is not None:
            self.watcher.job_added(name, every_s)
        self.scheduler.add_job(
            lambda: self.tick(name, every_s, run),
            IntervalTrigger(seconds=max(1, round(every_s)), timezone=UTC),
            id=name,
            executor=DAEMONS,
            max_instances=1,  # a run that outlasts its period is not overtaken by the next ...
            coalesce=True,  # ... and ticks it has missed are made up for by one
            misfire_grace_time=None,
        )

    def tick(self, name: str, every_s: float, run: Callable[[], object]) -> bool:
        """Run the job if this tick is ours; whether it was run to its end."""
        with bound_contextvars(job=name):
            try:
                if not claim_slot(self.db, name, self.clock(), every_s):
                    return False
                run()
            except Exception as error:  # a job's edge: the next tick tries again
                log.error("the job %s failed: %s", name, type(error).__name__)
                self._tell(name, well=False)
                return False
            self._tell(name, well=True)
            return True

    def _tell(self, name: str, *, well: bool) -> None:
        if self.watcher is not None:
            self.watcher.job_ended(name, well=well)
