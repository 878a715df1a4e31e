"""Puts the parts together, once, and runs them until told to stop. The only place that composes.

Starts from the inside out, so that nothing comes in before there is somebody to work on it; stops from the outside in.
"""

import os
import signal
import socket
import threading
import time
from dataclasses import dataclass
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import SQLAlchemyError

from bot.delivery.sender import Sender
from bot.delivery.slack import Slack, forget_proxies
from bot.deps import Deps
from bot.edge.bolt import authorize_as, build_bolt
from bot.edge.echoes import without_echoes
from bot.edge.guard import Guard
from bot.edge.health import (
    Health,
    database_check,
    inbox_check,
    model_check,
    socket_check,
    storing_check,
    threads_check,
)
from bot.edge.http import build_http
from bot.edge.metrics import Metrics
from bot.edge.redaction import redacted
from bot.edge.server import HttpServer, listen
from bot.edge.socket import SocketEdge
from bot.edge.worker import InboxWorker
from bot.edge.writer import InboxWriter
from bot.errors import BotError, PortTaken, SlackAway
from bot.heaps import share_heaps
from bot.jobs.matching import Matcher
from bot.jobs.model_watch import ModelWatch, model_id_in
from bot.jobs.timetable import make_timetable
from bot.listeners import register
from bot.logs import configure_logs
from bot.services import agents
from bot.services.deciding import Decider
from bot.settings import DEFAULT_PORT, Settings, SlackMode, Switch
from bot.storage import schema
from bot.storage.database import Clock, Database, open_existing
from bot.storage.inbox import Delivery, Prepare
from bot.storage.work import Wake, Work
from classifier import AnswersRefused, ClassifierError, load, load_answers

log = structlog.get_logger(__name__)

SEEDED_WITHIN_S = 2.0  # a start waits no longer for Slack: it may be silent, and people write all the same
DRAIN_S = 8.0  # of the 10 s that a stop may take
PORTS_TO_TRY = 50


@dataclass(frozen=True, slots=True)
class Bot:
    """A running bot, or one ready to run."""

    deps: Deps
    slack: Slack
    server: HttpServer
    socket_edge: SocketEdge | None
    writer: InboxWriter
    worker: InboxWorker
    sender: Sender
    matcher: Matcher
    model_watch: ModelWatch
    scheduler: BackgroundScheduler
    stopping: threading.Event

    def start(self) -> None:
        """Start every part; returns when Slack's deliveries are taken."""
        seeding = threading.Thread(target=self._seed_agents, name="seeding", daemon=True)
        seeding.start()
        seeding.join(SEEDED_WITHIN_S)
        self.sender.start()
        self.worker.start()
        self.matcher.start()
        self.writer.start()
        self.scheduler.start()
        self.model_watch.start()
        self.server.start()
        if self.socket_edge is not None:
            self.socket_edge.start()

    def stop(self, drain_s: float = DRAIN_S) -> bool:
        """Take nothing more and finish what is in work; False when some outlasts ``drain_s`` (its lease runs out)."""
        end = time.monotonic() + drain_s
        self.stopping.set()  # jobs look at it between their steps

        def left() -> float:
            return max(0.1, end - time.monotonic())

        if self.socket_edge is not None:
            self.socket_edge.stop()
        ended = [self.server.stop(left()), self.writer.stop(left())]
        self.scheduler.shutdown(wait=False)
        ended.append(self.model_watch.stop(left()))
        ended += [self.worker.stop(left()), self.matcher.stop(left()), self.sender.stop(left())]
        self.deps.db.dispose()
        return all(ended)

    @property
    def port(self) -> int:
        """Where HTTP is served."""
        return self.server.port

    def _seed_agents(self) -> None:
        try:
            team_id = self.slack.identity().team_id
        except SlackAway as error:
            log.warning("slack_away", detail=str(error))  # the matcher seeds as soon as it has work
            return
        try:
            with self.deps.db.writing() as session:
                agents.seed(session, self.deps.clock(), team_id, self.deps.settings)
        except SQLAlchemyError as error:  # the thread's edge
            log.error("agents_not_seeded", error=type(error).__name__)


def load_decider(settings: Settings) -> Decider:
    """The decider for the model at MODEL_DIR; without one that can be trusted, a decider that always asks a person."""
    try:
        return Decider(load(settings.model_dir, settings.encoder_dir))
    except (ClassifierError, OSError) as error:
        log.error("no_model", detail=str(error), consequence="every request goes to a person")
        return Decider(None, str(error))


def build(settings: Settings, clock: Clock, listening: socket.socket, decider: Decider | None = None) -> Bot:
    """Compose a bot that serves on ``listening``. Raises BotError: the database is not as needed, or the answers are not."""
    forget_proxies(settings.slack_api_url, os.environ)
    engine = open_existing(settings.database_url)
    schema.require_head(engine)
    db, wake = Database(engine), Wake()
    try:
        answers = load_answers(settings.answers_file) if settings.answers_file else load_answers()
    except AnswersRefused as error:
        raise BotError(f"ANSWERS_FILE: {error}") from None
    decider = decider or load_decider(settings)
    metrics = Metrics(db, clock, decider)
    decider.on_decided = metrics.decided
    deps = Deps(
        settings=settings,
        db=db,
        work=Work(db, clock, wake, metrics.happened),
        wake=wake,
        clock=clock,
        decider=decider,
        answers=answers,
    )
    slack, stopping = Slack(settings, metrics.called), threading.Event()
    bolt = build_bolt(settings, authorize_as(slack), metrics.called)
    register(bolt, deps)
    writer = InboxWriter(
        db, clock, wake.inbox, limit=settings.firstline_inbox_limit, prepare=_prepare(settings)
    )
    worker = InboxWorker(settings, db, clock, wake, bolt, metrics.handled)
    sender = Sender(settings, db, clock, wake, slack, metrics.said)
    matcher = Matcher(deps, metrics.left_waiting)
    socket_edge = SocketEdge(settings, writer, bolt, metrics) if settings.mode is SlackMode.SOCKET else None
    checks = {
        "database": database_check(engine),
        "storing": storing_check(writer, worker, sender),
        "inbox": inbox_check(writer),
        "model": model_check(decider, settings.model_dir, model_id_in),
        "threads": threads_check(writer=writer, worker=worker, sender=sender, matcher=matcher),
    }
    if socket_edge is not None:
        checks["socket"] = socket_check(lambda: socket_edge.is_connected)
    health = Health(checks)
    metrics.registry.register(health.gauges())
    http = build_http(Guard(settings.slack_signing_secret, clock), writer, bolt, metrics, health)
    return Bot(
        deps=deps,
        slack=slack,
        server=HttpServer(http, listening),
        socket_edge=socket_edge,
        writer=writer,
        worker=worker,
        sender=sender,
        matcher=matcher,
        model_watch=ModelWatch(settings, deps.decider),
        scheduler=make_timetable(deps, slack, metrics, stopping, _prepare(settings)),
        stopping=stopping,
    )


def serve(settings: Settings, clock: Clock) -> None:
    """Run until SIGTERM or SIGINT, then drain."""
    share_heaps()
    configure_logs()
    listening = _listen(settings)
    bot = build(settings, clock, listening)
    told_to_stop = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, lambda _signal, _frame: bot.model_watch.ask())
    bot.start()
    log.info("ready", port=bot.port, mode=settings.mode.value, model=bot.deps.decider.model_id or "none")
    while not told_to_stop.wait(3600):
        pass
    log.info("stopping")
    drained = bot.stop()
    log.info("stopped", drained=drained)


def _prepare(settings: Settings) -> Prepare:
    if settings.firstline_redact is Switch.OFF:
        return without_echoes

    def prepare(delivery: Delivery) -> Delivery:
        return redacted(without_echoes(delivery))

    return prepare


def _listen(settings: Settings) -> socket.socket:
    """The socket for PORT; without PORT the first free one from 3000 on, and a line that says so."""
    if settings.port is not None:
        try:
            return listen(settings.host, settings.port)
        except PortTaken as error:
            free = _first_free(settings.host, settings.port + 1)
            raise PortTaken(f"{error}; {free} is free: PORT={free}") from None
    port = _first_free(settings.host, DEFAULT_PORT)
    if port != DEFAULT_PORT:
        log.warning("port_taken", wanted=DEFAULT_PORT, using=port)
    return listen(settings.host, port)


def _first_free(host: str, start: int) -> int:
    for port in range(start, min(start + PORTS_TO_TRY, 65536)):
        try:
            listen(host, port).close()
        except PortTaken:
            continue
        return port
    raise PortTaken(f"no port from {start} on is free")
