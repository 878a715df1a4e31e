"""What /metrics shows: how long things take, and how the queues stand at the moment of asking."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.storage.database import Clock, Database
from bot.storage.inbox import queue_state
from bot.storage.tables import InboxRow, OutboxRow, RowState

ACK_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3)
REPLY_BUCKETS_S = (0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)


class Metrics:
    """One registry for one running bot; hand ``handled`` and ``said`` to the worker and the sender."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self._ack = Histogram(
            "firstline_ack_seconds",
            "From the first byte of a delivery to its acknowledgement, by HTTP status.",
            ["status"],
            buckets=ACK_BUCKETS_S,
            registry=self.registry,
        )
        self._handled = Histogram(
            "firstline_handled_seconds",
            "From a delivery's arrival to the commit of what it changed.",
            buckets=REPLY_BUCKETS_S,
            registry=self.registry,
        )
        self._said = Histogram(
            "firstline_said_seconds",
            "From writing a message to the outbox to Slack's word that it is posted.",
            buckets=REPLY_BUCKETS_S,
            registry=self.registry,
        )
        self.registry.register(_Queues(db, clock))

    def acknowledged(self, seconds: float, status: int) -> None:
        """The edge has answered a delivery."""
        self._ack.labels(str(status)).observe(seconds)

    def handled(self, seconds: float) -> None:
        """A delivery's work was committed."""
        self._handled.observe(seconds)

    def said(self, seconds: float) -> None:
        """A message was said."""
        self._said.observe(seconds)


class _Queues(Collector):
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        for name, table in (("inbox", InboxRow), ("outbox", OutboxRow)):
            with self._db.reading() as session:
                stands = queue_state(session, table)
            rows = GaugeMetricFamily(
                f"firstline_{name}_rows", f"Rows of the {name} by state.", labels=["state"]
            )
            for state in RowState:
                rows.add_metric([state.value], stands.counts[state])
            yield rows
            yield GaugeMetricFamily(
                f"firstline_{name}_dead_letters",
                f"Rows of the {name} that were given up.",
                stands.counts[RowState.DEAD],
            )
            age_s = (self._clock() - stands.oldest_at).total_seconds() if stands.oldest_at else 0.0
            yield GaugeMetricFamily(
                f"firstline_{name}_oldest_age_seconds",
                f"Age of the oldest row of the {name} that is not settled; 0 when there is none.",
                max(0.0, age_s),
            )

    def describe(self) -> Iterable[Metric]:
        return ()  # so that registering asks nothing of the database
