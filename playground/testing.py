"""The playground for Python tests: a whole server in a thread, and handles by which a test is a person.

    with PlaygroundServer() as slack:
        slack.set_request_url("http://127.0.0.1:3000/slack/events")
        riley = slack.person("U0RILEY")
        riley.dm("I cannot print")
        card = slack.eventually(lambda: riley.find("Yes, close my request"))
        riley.press(card, "Yes, close my request")

Many can run at once; each takes a free port. Nothing here reads proxy settings.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from playground.control import deeds
from playground.core import Playground, utc_now
from playground.delivery import DeliveryTiming
from playground.faults import DeliveryFaults, FaultPlan, FaultRule
from playground.journal import KEPT, CallRecord, DeliveryRecord, Outcome
from playground.manifest import AppManifest
from playground.model import BOT_USER, TEAM_ID, JsonObject
from playground.options import PlaygroundOptions
from playground.person_handle import PersonHandle
from playground.rate_limit import RateLimit
from playground.seen import SeenMessage, element_named, words_of
from playground.server import PAGE_FOLDER, ServerThread, bind
from playground.workspace import Clock

Found = TypeVar("Found")
POLL_S = 0.01
TEST_TIMING = DeliveryTiming(ack_timeout_s=3.0, retry_delays_s=(0.05, 0.1, 0.2))


@dataclass(slots=True)
class PlaygroundServer:
    """A playground on a free port of 127.0.0.1, from `start` (or ``with``) to `stop`."""

    manifest: AppManifest = field(default_factory=AppManifest)
    timing: DeliveryTiming = TEST_TIMING
    rate_limit: RateLimit | None = field(default_factory=RateLimit)
    journal_kept: int | None = KEPT
    clock: Clock = utc_now
    port: int = 0
    page_folder: Path = PAGE_FOLDER
    _thread: ServerThread | None = None

    def start(self) -> Self:
        listening = bind("127.0.0.1", self.port)
        self.port = listening.getsockname()[1]
        self._thread = ServerThread(
            listening, self.options, base_url=self.url, clock=self.clock, page_folder=self.page_folder
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def options(self) -> PlaygroundOptions:
        return PlaygroundOptions(
            manifest=self.manifest,
            timing=self.timing,
            rate_limit=self.rate_limit,
            journal_kept=self.journal_kept,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL is for the app."""
        return f"{self.url}/api/"

    @property
    def bot_token(self) -> str:
        return self.options.bot_token

    @property
    def app_token(self) -> str:
        return self.options.app_token

    @property
    def signing_secret(self) -> str:
        return self.options.signing_secret

    @property
    def bot_user(self) -> str:
        return BOT_USER

    @property
    def team_id(self) -> str:
        return TEAM_ID

    def app_environment(self) -> dict[str, str]:
        """The variables by which an app finds this Slack (HTTP mode)."""
        return {
            "SLACK_API_URL": self.api_url,
            "SLACK_BOT_TOKEN": self.bot_token,
            "SLACK_SIGNING_SECRET": self.signing_secret,
        }

    def look(self, work: Callable[[Playground], Found]) -> Found:
        """Run a function on the server's thread, where the state lives."""
        return self._running.call(work)

    def run(self, work: Callable[[Playground], Awaitable[Found]]) -> Found:
        """Start a coroutine function on the server's loop and wait for its result."""
        return self._running.run(work)

    @property
    def _running(self) -> ServerThread:
        if self._thread is None:
            raise RuntimeError("the playground is not started")
        return self._thread

    def person(self, user: str) -> PersonHandle:
        self.look(lambda playground: playground.workspace.person(user))
        return PersonHandle(self._running, user)

    def add_person(
        self, user: str, name: str, *, tz: str = "UTC", channels: Sequence[str] = ()
    ) -> PersonHandle:
        body = {"id": user, "name": name, "tz": tz, "channels": list(channels)}
        self.look(lambda playground: deeds.add_person(playground, body))
        return PersonHandle(self._running, user)

    def set_request_url(self, url: str | None) -> None:
        """Where events, interactions and commands go from now on (while no socket is open)."""

        def point(playground: Playground) -> None:
            playground.delivery.request_url = url

        self.look(point)

    def verify_request_url(self) -> bool:
        """Ask the app, as Slack does when the URL is entered, to echo a challenge."""
        return self.run(lambda playground: playground.delivery.verify("playground-challenge"))

    def set_faults(self, *rules: FaultRule, delivery: DeliveryFaults | None = None, seed: int = 0) -> None:
        """Replace the fault plan; without arguments nothing goes wrong any more."""

        def plan(playground: Playground) -> None:
            playground.faults = FaultPlan(rules, delivery, seed)

        self.look(plan)

    def calls(self, method: str | None = None) -> list[CallRecord]:
        """The app's Web API calls so far, oldest first."""
        return self.look(lambda p: [c for c in p.journal.calls if method in (None, c.method)])

    def deliveries(self, name: str | None = None) -> list[DeliveryRecord]:
        """Every attempt to tell the app something, oldest first; ``name`` as "message.im" or "block_actions"."""
        return self.look(lambda p: [d for d in p.journal.deliveries if name in (None, d.name)])

    def send_event(self, name: str, event: JsonObject) -> None:
        """Send any event, true or made up; it must be subscribed to."""
        self.look(lambda playground: playground.emit(name, event))

    def refresh_sockets(self, reason: str = "refresh_requested") -> None:
        self.run(lambda playground: playground.sockets.refresh(reason))

    def uninstall(self) -> None:
        self.look(lambda playground: playground.uninstall())

    def reset(self) -> None:
        self.look(lambda playground: playground.reset())

    def eventually(
        self, predicate: Callable[[], Found | None], timeout_s: float = 5.0, *, what: str | None = None
    ) -> Found:
        """Ask until the answer is truthy and return it. Raises AssertionError after ``timeout_s``, with what went on last."""
        end_s = time.monotonic() + timeout_s
        while True:
            found = predicate()
            if found:
                return found
            if time.monotonic() > end_s:
                raise AssertionError(
                    f"not within {timeout_s} s: {what or 'what was waited for'}\n{self._last_events()}"
                )
            time.sleep(POLL_S)

    def _last_events(self) -> str:
        lines = [
            f"  told: {d.name} #{d.attempt} {d.outcome} {d.status or ''}" for d in self.deliveries()[-8:]
        ]
        lines += [f"  call: {c.method} -> {c.error or c.fault or c.status}" for c in self.calls()[-8:]]
        return "\n".join(lines) or "  nothing was told to the app and it called nothing"


__all__ = [
    "AppManifest",
    "DeliveryFaults",
    "DeliveryTiming",
    "FaultRule",
    "Outcome",
    "PersonHandle",
    "PlaygroundServer",
    "RateLimit",
    "SeenMessage",
    "element_named",
    "words_of",
]
