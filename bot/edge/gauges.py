"""What /metrics reads when it is asked: four statements, each over an index or a bounded number of rows.

These numbers are of the whole database and so the same on every replica: take their maximum, never their sum. While the
database is away they are left out, and ``firstline_database_up`` says so.
"""

import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.services import promise
from bot.services.deciding import Decider
from bot.services.promise import Judged, Promised
from bot.storage.database import Clock, Database
from bot.storage.inbox import queue_state, waiting_state
from bot.storage.tables import InboxRow, OutboxRow, RowState

log = logging.getLogger(__name__)

OF_ALL = "Of the whole database, the same on every replica."
MEASURED_EVERY = timedelta(minutes=5)  # the promise moves slowly, and scrapes come every few seconds
SHOWN_STATES = (RowState.READY, RowState.CLAIMED, RowState.DEAD)  # done ones are counted by the histograms


class StoredGauges(Collector):
    """Queues, waiting requests and the promise."""

    def __init__(self, db: Database, clock: Clock, decider: Decider) -> None:
        self._db = db
        self._clock = clock
        self._decider = decider
        self._promise = _PromiseGauges()

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering asks nothing of the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Read and show; never raises for a database that is away."""
        now = self._clock()
        try:
            with self._db.reading() as session:
                found = [*_queues(session, now), *_waiting(session, now)]
                found += self._promise.collect(session, now, self._decider)
        except (SQLAlchemyError, OSError) as error:
            log.error("metrics: the database cannot be asked: %s", type(error).__name__)
            found = []
        yield GaugeMetricFamily(
            "firstline_database_up",
            "Whether this replica could read the database just now.",
            float(bool(found)),
        )
        yield from found


def _queues(session: Session, now: datetime) -> Iterable[Metric]:
    for name, table in (("inbox", InboxRow), ("outbox", OutboxRow)):
        stands = queue_state(session, table)
        rows = GaugeMetricFamily(
            f"firstline_{name}_rows",
            f"Unsettled and given-up rows of the {name} by state. {OF_ALL}",
            labels=["state"],
        )
        for state in SHOWN_STATES:
            rows.add_metric([state.value], stands.counts[state])
        yield rows
        yield GaugeMetricFamily(
            f"firstline_{name}_dead_letters",
            f"Rows of the {name} that were given up. {OF_ALL}",
            stands.counts[RowState.DEAD],
        )
        yield GaugeMetricFamily(
            f"firstline_{name}_oldest_age_seconds",
            f"Age of the oldest row of the {name} that is not settled; 0 when there is none. {OF_ALL}",
            _age_s(stands.oldest_at, now),
        )


def _waiting(session: Session, now: datetime) -> Iterable[Metric]:
    waits = waiting_state(session, now)
    requests = GaugeMetricFamily(
        "firstline_requests", f"Requests that are with people, by state. {OF_ALL}", labels=["state"]
    )
    for state, count in waits.counts.items():
        requests.add_metric([state.value], count)
    yield requests
    yield GaugeMetricFamily(
        "firstline_waiting_oldest_age_seconds",
        f"How long the oldest request that has no agent yet has waited; 0 when there is none. {OF_ALL}",
        _age_s(waits.oldest_at, now),
    )
    yield GaugeMetricFamily(
        "firstline_waiting_overdue_requests",
        f"Requests without an agent whose deadline has passed. {OF_ALL}",
        waits.overdue,
    )


def _age_s(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


class _PromiseGauges:
    """The promise, measured anew every few minutes, or when another model serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measured_at: datetime | None = None
        self._model_id: str | None = None
        self._judged: Mapping[Promised, Judged] = {}

    def collect(self, session: Session, now: datetime, decider: Decider) -> list[Metric]:
        """Nothing while no model serves; no target where nothing was promised."""
        model_id, targets = decider.model_id, decider.promised
        if model_id is None:
            return []
        with self._lock:
            is_old = self._measured_at is None or now - self._measured_at >= MEASURED_EVERY
            if is_old or model_id != self._model_id:
                self._judged = promise.measure(session, now, model_id)
                self._measured_at, self._model_id = now, model_id
            return _promise(self._judged, {Promised.SHOWN: targets[0], Promised.ONE: targets[1]})


def _promise(judged: Mapping[Promised, Judged], targets: Mapping[Promised, float | None]) -> list[Metric]:
    days = f"in the last {promise.LOOKED_BACK.days} days"
    target = GaugeMetricFamily(
        "firstline_promise_target",
        "Share of right suggestions that the serving model promises.",
        labels=["of"],
    )
    share = GaugeMetricFamily(
        "firstline_promise_measured_share",
        f"Share of right ones among what requesters judged by clicks {days}; absent before the first. {OF_ALL}",
        labels=["of"],
    )
    number = GaugeMetricFamily(
        "firstline_promise_judged_requests", f"Requests judged by clicks {days}. {OF_ALL}", labels=["of"]
    )
    alarm = GaugeMetricFamily(
        "firstline_promise_alarm",
        f"1 when so few right ones come by chance in less than {promise.ALARM_CHANCE:.0%} of cases. {OF_ALL}",
        labels=["of"],
    )
    for of, seen in judged.items():
        aim = targets[of]
        number.add_metric([of.value], seen.n)
        if seen.share is not None:
            share.add_metric([of.value], seen.share)
        if aim is not None:
            target.add_metric([of.value], aim)
        alarm.add_metric([of.value], float(aim is not None and seen.is_broken(aim)))
    return [target, share, number, alarm]


class ModelGauges(Collector):
    """Which model this replica serves."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider

    def collect(self) -> Iterable[Metric]:
        """Asks nobody but the decider."""
        serving = self._decider.classifier
        yield GaugeMetricFamily(
            "firstline_model_loaded",
            "Whether this replica serves a model; without one every request goes to a person.",
            float(serving is not None),
        )
        info = GaugeMetricFamily(
            "firstline_model_info",
            "1, with the serving model's id and its encoder.",
            labels=["model_id", "encoder"],
        )
        if serving is not None:
            info.add_metric([serving.model_id, serving.encoder_name], 1)
        yield info
