"""Whether this replica is alive, and whether it is ready: what is wrong, and what to do about it.

Not ready (503) is what no single replica can mend by going on: the database is away or of another schema, a model lies in
MODEL_DIR and cannot be trusted, a thread has ended, Socket Mode is not connected. *Degraded* is ready all the same, and
says so: without a model in MODEL_DIR every request goes to a person, a new model that was refused leaves the old one,
and what a full inbox refuses comes again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.errors import SchemaError
from bot.services.deciding import Decider
from bot.storage import schema
from bot.storage.trouble import DatabaseTrouble, trouble_of

log = logging.getLogger(__name__)

ANSWERED_WITHIN_S = (
    3.0  # a check that takes longer is a fault of its own: whoever asks does not wait for ever
)
NO_ANSWER = "see that the server at DATABASE_URL answers, and the network to it; the bot goes on by itself"
RESTART = "restart this replica, and look at what it logged before"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and what to do. ``is_degraded``: the replica serves all the same."""

    reason: str
    what_to_do: str
    is_degraded: bool = False


Check = Callable[[], Trouble | None]  # None: all is well


class Health:
    """Asks ``checks`` by name. Two ASGI endpoints, and a collector for /metrics."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = dict(checks)
        self._asking: dict[str, asyncio.Task[Trouble | None]] = {}

    async def live(self, _request: Request) -> Response:
        """The process serves HTTP; nothing else is asked."""
        return JSONResponse({"status": "live"})

    async def ready(self, _request: Request) -> Response:
        """200 when nothing is wrong that keeps this replica from serving."""
        found = await asyncio.gather(*(self._answer(name) for name in self._checks))
        troubles = dict(zip(self._checks, found, strict=True))
        is_ready = all(trouble is None or trouble.is_degraded for trouble in troubles.values())
        told: dict[str, object] = {
            "status": "ready" if is_ready else "not ready",
            "checks": {
                name: "ok" if trouble is None else trouble.reason for name, trouble in troubles.items()
            },
        }
        wrong = {name: trouble for name, trouble in troubles.items() if trouble is not None}
        if wrong:
            told["degraded"] = [name for name, trouble in wrong.items() if trouble.is_degraded]
            told["what_to_do"] = {name: trouble.what_to_do for name, trouble in wrong.items()}
        return JSONResponse(told, status_code=200 if is_ready else 503)

    async def _answer(self, name: str) -> Trouble | None:
        """What a check says, in time. One that hangs is not asked again meanwhile: each question holds a thread."""
        asking = self._asking.get(name)
        if asking is None or asking.done():
            asking = asyncio.create_task(run_in_threadpool(_ask, name, self._checks[name]))
            self._asking[name] = asking
        done, _ = await asyncio.wait({asking}, timeout=ANSWERED_WITHIN_S)
        if not done:
            return Trouble(f"no answer within {ANSWERED_WITHIN_S:.0f} s", NO_ANSWER)
        return asking.result()

    def gauges(self) -> Collector:
        """The same for /metrics."""
        return _HealthGauges(self._checks)


class _HealthGauges(Collector):
    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks

    def describe(self) -> Iterable[Metric]:
        return ()  # so that registering asks nothing of the database

    def collect(self) -> Iterable[Metric]:
        ok = GaugeMetricFamily(
            "firstline_check_ok",
            "Whether this replica's readiness check is well; 0.5: degraded, and it serves all the same.",
            labels=["check"],
        )
        for name, check in self._checks.items():
            trouble = _ask(name, check)
            ok.add_metric([name], 1.0 if trouble is None else 0.5 if trouble.is_degraded else 0.0)
        yield ok


def _ask(name: str, check: Check) -> Trouble | None:
    try:
        return check()
    except Exception as error:  # a check that fails to answer is a fault of its own
        log.error("the check %s failed: %s", name, type(error).__name__)
        return Trouble(f"could not be checked: {type(error).__name__}", "run `python -m bot doctor`")


def database_check(engine: Engine) -> Check:
    """The database answers, at the schema that this version needs."""

    def check() -> Trouble | None:
        try:
            schema.require_head(engine)
        except SchemaError as error:
            return Trouble(str(error), schema.what_to_do(engine))
        except (SQLAlchemyError, OSError) as error:
            known = trouble_of(error)
            if known is not None:
                return Trouble(known.reason, known.what_to_do)
            return Trouble(
                f"the database cannot be asked: {type(error).__name__}",
                "see that the server at DATABASE_URL runs and can be reached, or that the disk is there and not full",
            )
        return None

    return check


def model_check(decider: Decider, model_dir: Path, on_disk: Callable[[Path], str | None]) -> Check:
    """The model that serves is the one in MODEL_DIR, whose hashes were all checked; ``on_disk`` tells that one's id."""

    def check() -> Trouble | None:
        serving, found = decider.model_id, on_disk(model_dir)
        if serving is None and found is None:
            return Trouble(
                decider.fault or f"there is no model in {model_dir}",
                "nothing, if that is meant: every request goes to a person; else `python -m classifier train`",
                is_degraded=True,
            )
        if serving is None:
            return Trouble(
                decider.fault or f"the model {found} in {model_dir} is not loaded",
                "put the model back that was trained with this encoder, or train again: `python -m classifier train`; "
                "to go on without one, empty MODEL_DIR",
            )
        if found != serving:
            return Trouble(
                f"the model {serving} serves, and {found or 'none'} is in {model_dir}",
                "nothing while it is being tried; when it was refused the log says why, and the old one serves on",
                is_degraded=True,
            )
        return None

    return check


class Storing(Protocol):
    """A part that writes to the database all the time."""

    @property
    def trouble(self) -> DatabaseTrouble | None:
        """Why it could not when it tried last."""


def storing_check(*parts: Storing) -> Check:
    """What is to be written can be: a disk that is full or a file that is read-only can be asked and answers well."""

    def check() -> Trouble | None:
        found = next((part.trouble for part in parts if part.trouble is not None), None)
        return Trouble(found.reason, found.what_to_do) if found else None

    return check


class Taking(Protocol):
    """A part that takes what comes in, up to a limit."""

    @property
    def is_full(self) -> bool:
        """Whether it refused something lately because of that limit."""


def inbox_check(part: Taking) -> Check:
    """There is room for what comes in. When there is none, every replica refuses: this one is as ready as any."""

    def check() -> Trouble | None:
        if not part.is_full:
            return None
        return Trouble(
            "the inbox is full: deliveries are refused, and Slack sends them again",
            "see what holds up the workers (firstline_handled_seconds, the database), or start another replica",
            is_degraded=True,
        )

    return check


class Part(Protocol):
    """A part with threads of its own."""

    @property
    def is_alive(self) -> bool:
        """Whether all of them run."""


def threads_check(**parts: Part) -> Check:
    """Every part's threads run."""

    def check() -> Trouble | None:
        dead = [name for name, part in parts.items() if not part.is_alive]
        return Trouble(f"not running: {', '.join(dead)}", RESTART) if dead else None

    return check


def socket_check(is_connected: Callable[[], bool]) -> Check:
    """Slack has a way to this replica."""

    def check() -> Trouble | None:
        if is_connected():
            return None
        return Trouble(
            "Slack cannot reach the bot: not connected",
            "wait if it has just started; else see that SLACK_APP_TOKEN is right and wss-primary.slack.com can be reached",
        )

    return check
