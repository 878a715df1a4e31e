"""What /metrics shows: what this process counts and times, and what :mod:`bot.edge.gauges` reads from the database.

Every name is in docs/operations.md and in deploy/alerts.yml where something is to be done about it. Labels are names from
the code (states, kinds, methods), never ids of people and never words.
"""

import platform
from collections.abc import Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from bot import VERSION
from bot.edge.gauges import ModelGauges, StoredGauges
from bot.ids import EventKind
from bot.services.deciding import Decider
from bot.storage import schema
from bot.storage.database import Clock, Database
from bot.storage.tables import OutboxKind, OutboxRow
from bot.storage.work import Happened
from routing import WaitReason

ACK_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 3)
REPLY_BUCKETS_S = (0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)
DECISION_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)
CALL_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STATUSES = ("200", "400", "401", "413", "503")  # shown from the start, so that a first one is seen as a rise
DECISIONS = ("show_one", "show_two", "abstain", "none", "failed")
OUTCOMES = ("ok", "ratelimited", "refused", "away")


class Metrics:
    """One registry for one running bot; its methods are handed to the parts that know when something happens."""

    def __init__(self, db: Database, clock: Clock, decider: Decider | None = None) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock
        decider = decider or Decider(None)
        self._time_the_way()
        self._count_calls_and_events()
        self._watch_jobs()
        Gauge(
            "firstline_build_info",
            "1, with the versions of Firstline, its schema and Python as labels.",
            ["version", "schema", "python"],
            registry=self.registry,
        ).labels(VERSION, schema.head(), platform.python_version()).set(1)
        self.registry.register(StoredGauges(db, clock, decider))
        self.registry.register(ModelGauges(decider))
        ProcessCollector(registry=self.registry)

    def acknowledged(self, seconds: float, status: int) -> None:
        """The edge has answered a delivery."""
        self._ack.labels(str(status)).observe(seconds)

    def handled(self, seconds: float) -> None:
        """A delivery's work was committed."""
        self._handled.observe(seconds)

    def decided(self, seconds: float, kind: str) -> None:
        """The classifier was asked; ``kind`` is one of DECISIONS."""
        self._decision.labels(kind).observe(seconds)

    def said(self, row: OutboxRow, now: datetime) -> None:
        """A row of the outbox was said."""
        self._said.observe((now - row.created_at).total_seconds())
        if row.arrived_at is not None:
            self._answer.labels(row.kind.value).observe((now - row.arrived_at).total_seconds())

    def called(self, method: str, seconds: float, outcome: str) -> None:
        """Slack's Web API was called; ``outcome`` is one of OUTCOMES."""
        self._call.labels(method).observe(seconds)
        self._calls.labels(method, outcome).inc()

    def happened(self, events: Sequence[Happened]) -> None:
        """Events were committed to the append-only log."""
        for event in events:
            self._events.labels(event.kind.value).inc()

    def left_waiting(self, reasons: Mapping[WaitReason, int]) -> None:
        """This replica has matched: so many requests wait on, by why."""
        for reason in WaitReason:
            self._left.labels(reason.value).set(reasons.get(reason, 0))

    def job_added(self, name: str, every_s: float) -> None:
        """A job is scheduled on this replica."""
        self._job_period.labels(name).set(every_s)
        self._job_success.labels(name).set(self._clock().timestamp())
        self._job_failures.labels(name)

    def job_ended(self, name: str, *, well: bool) -> None:
        """A job was run by this replica."""
        if well:
            self._job_success.labels(name).set(self._clock().timestamp())
        else:
            self._job_failures.labels(name).inc()

    def _time_the_way(self) -> None:
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
        self._decision = Histogram(
            "firstline_decision_seconds",
            "Asking the classifier about one message, by what it decided (none: no model or no words).",
            ["kind"],
            buckets=DECISION_BUCKETS_S,
            registry=self.registry,
        )
        self._said = Histogram(
            "firstline_said_seconds",
            "From writing a message to the outbox to Slack's word that it is posted.",
            buckets=REPLY_BUCKETS_S,
            registry=self.registry,
        )
        self._answer = Histogram(
            "firstline_answer_seconds",
            "From the arrival of what a person did to Slack's word that the answer is there; a direct message is answered by a post.",
            ["kind"],
            buckets=REPLY_BUCKETS_S,
            registry=self.registry,
        )
        for status in STATUSES:
            self._ack.labels(status)
        for decision in DECISIONS:
            self._decision.labels(decision)
        for kind in OutboxKind:
            self._answer.labels(kind.value)

    def _count_calls_and_events(self) -> None:
        self._call = Histogram(
            "firstline_slack_call_seconds",
            "One call of Slack's Web API, by method (response_url: answers to clicks and commands).",
            ["method"],
            buckets=CALL_BUCKETS_S,
            registry=self.registry,
        )
        self._calls = Counter(
            "firstline_slack_calls",
            "Calls of Slack's Web API by method and outcome: ok, ratelimited (429), refused (an error word), away (no answer or 5xx).",
            ["method", "outcome"],
            registry=self.registry,
        )
        self._events = Counter(
            "firstline_events",
            "Events this replica has written to the append-only log: offers, acceptances, expiries and all the rest.",
            ["kind"],
            registry=self.registry,
        )
        self._left = Gauge(
            "firstline_left_waiting_requests",
            "Requests that this replica's last matching left waiting, by why; hold: kept for an agent who is about to be free.",
            ["reason"],
            registry=self.registry,
        )
        for outcome in OUTCOMES:
            self._calls.labels("chat.postMessage", outcome)
        for kind in EventKind:
            self._events.labels(kind.value)
        self.left_waiting({})

    def _watch_jobs(self) -> None:
        self._job_success = Gauge(
            "firstline_job_last_success_timestamp_seconds",
            "When this replica last ran the job to its end; before the first time, when it was scheduled. A job runs on one replica a tick: take the maximum.",
            ["name"],
            registry=self.registry,
        )
        self._job_failures = Counter(
            "firstline_job_failures",
            "Runs of the job that failed on this replica.",
            ["name"],
            registry=self.registry,
        )
        self._job_period = Gauge(
            "firstline_job_period_seconds", "How often the job is due.", ["name"], registry=self.registry
        )
