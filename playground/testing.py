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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from playground import interactions
from playground.block_tree import placed
from playground.control import deeds, shown
from playground.core import Playground, PlaygroundOptions, utc_now
from playground.delivery import DeliveryTiming
from playground.errors import not_found
from playground.faults import DeliveryFaults, FaultPlan, FaultRule
from playground.journal import CallRecord, DeliveryRecord, Outcome
from playground.manifest import AppManifest
from playground.markup import unescape
from playground.model import BOT_USER, TEAM_ID, JsonObject, Message, View
from playground.rate_limit import RateLimit
from playground.server import PAGE_FOLDER, ServerThread, bind
from playground.web_api.files import new_file
from playground.workspace import Clock

Found = TypeVar("Found")
POLL_S = 0.01
TEST_TIMING = DeliveryTiming(ack_timeout_s=3.0, retry_delays_s=(0.05, 0.1, 0.2))


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message as one person sees it."""

    message: Message
    row: JsonObject

    @property
    def ts(self) -> str:
        return self.message.ts

    @property
    def channel(self) -> str:
        return self.message.channel

    @property
    def thread_ts(self) -> str | None:
        return self.message.thread_ts

    @property
    def text(self) -> str:
        """The fallback text, as stored."""
        return self.message.text

    @property
    def blocks(self) -> list[JsonObject]:
        return self.message.blocks or []

    @property
    def by_app(self) -> bool:
        return self.message.by_app

    @property
    def ephemeral(self) -> bool:
        return self.message.ephemeral_to is not None

    @property
    def live_mentions(self) -> tuple[str, ...]:
        return self.message.live_mentions

    @property
    def metadata(self) -> JsonObject | None:
        """What people never see; for tests of the app."""
        return self.message.metadata

    @property
    def words(self) -> str:
        """Everything a person reads, blocks included, unescaped, one piece a line."""
        return words_of(self.blocks) if self.blocks else unescape(self.text)

    @property
    def buttons(self) -> list[str]:
        """The labels of its buttons, in order."""
        return [s.element["text"]["text"] for s in placed(self.blocks) if s.element["type"] == "button"]


def words_of(blocks: Sequence[JsonObject]) -> str:
    """Every text in blocks, unescaped, one a line."""
    pieces: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                collect(item)
        elif isinstance(node, dict):
            if isinstance(node.get("text"), str):
                pieces.append(unescape(node["text"]))
            for value in node.values():
                collect(value)

    collect(list(blocks))
    return "\n".join(pieces)


def element_named(blocks: Sequence[JsonObject], name: str) -> tuple[str, str]:
    """(action_id, block_id) of the element with this button label or action_id. Raises ControlError when there is none."""
    spots = list(placed(list(blocks)))
    for spot in spots:
        if spot.element["type"] == "button" and spot.element["text"]["text"] == name:
            return spot.action_id, spot.block_id
    for spot in spots:
        if spot.action_id == name:
            return spot.action_id, spot.block_id
    labels = [s.element.get("text", {}).get("text", s.action_id) for s in spots]
    raise not_found(f"no element {name!r} there, only {labels}")


class PersonHandle:
    """Acts as one person. Deeds return the control API's answer (API.md) or what was made; impossible ones raise ControlError."""

    def __init__(self, server: "PlaygroundServer", user: str) -> None:
        self._server = server
        self.id = user

    @property
    def dm_channel(self) -> str:
        """The DM with the app."""
        return self._server.look(lambda playground: playground.workspace.app_dm(self.id).id)

    def dm(self, text: str, *, files: Sequence[str] = ()) -> SeenMessage:
        """Say something to the app."""
        return self.say(self.dm_channel, text, files=files)

    def say(
        self, channel: str, text: str, *, thread_ts: str | None = None, files: Sequence[str] = ()
    ) -> SeenMessage:
        body = {"channel": channel, "text": text, "thread_ts": thread_ts, "files": list(files)}
        answer = self._server.look(lambda playground: deeds.write(playground, self.id, body))
        return self._seen(channel, answer["message"]["ts"])

    def reply(self, to: SeenMessage, text: str) -> SeenMessage:
        """Answer in the message's thread."""
        return self.say(to.channel, text, thread_ts=to.thread_ts or to.ts)

    def edit(self, said: SeenMessage, text: str) -> SeenMessage:
        body = {"channel": said.channel, "ts": said.ts, "text": text}
        self._server.look(lambda playground: deeds.edit(playground, self.id, body))
        return self._seen(said.channel, said.ts)

    def delete(self, said: SeenMessage) -> None:
        body = {"channel": said.channel, "ts": said.ts}
        self._server.look(lambda playground: deeds.delete(playground, self.id, body))

    def react(self, said: SeenMessage, name: str) -> None:
        body = {"channel": said.channel, "ts": said.ts, "name": name}
        self._server.look(lambda playground: deeds.react(playground, self.id, body))

    def press(
        self,
        on: SeenMessage | View,
        element: str,
        value: Any = None,
        *,
        values: Mapping[str, Any] | None = None,
    ) -> JsonObject:
        """Press a button by its label, or use any element by its action_id; ``value`` as in API.md."""
        action_id, block_id = element_named(on.blocks, element)
        body: JsonObject = {"action_id": action_id, "block_id": block_id, "value": value, "values": values}
        if isinstance(on, View):
            body["view_id"] = on.id
        else:
            body |= {"channel": on.channel, "message_ts": on.ts}
        return self._server.run(lambda playground: deeds.act(playground, self.id, body))

    def command(self, command: str, text: str = "", *, channel: str | None = None) -> JsonObject:
        body = {"command": command, "text": text, "channel": channel}
        return self._server.run(lambda playground: deeds.command(playground, self.id, body))

    def open_home(self, tab: str = "home") -> None:
        """Open the app's page; the app answers in its own time (see `home`)."""
        self._server.look(lambda playground: deeds.open_home(playground, self.id, {"tab": tab}))

    @property
    def home(self) -> View | None:
        """The App Home as published for this person."""
        return self._server.look(lambda playground: playground.workspace.homes.get(self.id))

    @property
    def modals(self) -> list[View]:
        """Open modals, the uppermost last."""
        return self._server.look(lambda playground: list(playground.workspace.modals.get(self.id, [])))

    def submit(self, view: View, values: Mapping[str, Mapping[str, Any]] | None = None) -> JsonObject:
        """Submit a modal; ``values``: block_id -> action_id -> value, as in API.md."""
        body = {"values": values or {}}
        return self._server.run(lambda playground: deeds.submit(playground, self.id, view.id, body))

    def close(self, view: View, *, everything: bool = False) -> JsonObject:
        return self._server.run(
            lambda playground: interactions.close(playground, self.id, view.id, everything=everything)
        )

    def messages(self, channel: str | None = None, *, thread_ts: str | None = None) -> list[SeenMessage]:
        """What this person sees in a conversation (the DM with the app when none is named), oldest first."""

        def look(playground: Playground) -> list[SeenMessage]:
            where = channel or playground.workspace.app_dm(self.id).id
            playground.workspace.channel_for(self.id, where)
            seen = playground.workspace.seen_by(self.id, where)
            wanted = [m for m in seen if thread_ts is None or thread_ts in (m.ts, m.thread_ts)]
            return [SeenMessage(m, shown.message(playground, m, self.id)) for m in wanted]

        return self._server.look(look)

    def from_app(self, channel: str | None = None) -> list[SeenMessage]:
        """What the app said to this person, oldest first."""
        return [m for m in self.messages(channel) if m.by_app]

    def find(self, words: str, channel: str | None = None) -> SeenMessage | None:
        """The newest message by the app that shows these words; without a channel, in any conversation."""
        channels = [channel] if channel else [row["id"] for row in self.conversations()]
        fitting = [m for c in channels for m in self.from_app(c) if words in m.words or words in m.text]
        return max(fitting, key=lambda m: m.ts, default=None)

    def conversations(self) -> list[JsonObject]:
        """The side bar, as in API.md, newest first."""
        return self._server.look(lambda playground: shown.conversations(playground, self.id))

    def upload(self, name: str, content: bytes, mimetype: str = "image/png") -> str:
        """A file of one's own, to send with a message; returns its id."""
        return self._server.look(lambda p: new_file(p, name, mimetype, content, self.id).id)

    def _seen(self, channel: str, ts: str) -> SeenMessage:
        return next(m for m in self.messages(channel) if m.ts == ts)


@dataclass(slots=True)
class PlaygroundServer:
    """A playground on a free port of 127.0.0.1, from `start` (or ``with``) to `stop`."""

    manifest: AppManifest = field(default_factory=AppManifest)
    timing: DeliveryTiming = TEST_TIMING
    rate_limit: RateLimit | None = field(default_factory=RateLimit)
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
        return PlaygroundOptions(manifest=self.manifest, timing=self.timing, rate_limit=self.rate_limit)

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

        async def started() -> Found:
            return await work(self._running.playground)

        return self._running.wait_for(started())

    @property
    def _running(self) -> ServerThread:
        if self._thread is None:
            raise RuntimeError("the playground is not started")
        return self._thread

    def person(self, user: str) -> PersonHandle:
        self.look(lambda playground: playground.workspace.person(user))
        return PersonHandle(self, user)

    def add_person(
        self, user: str, name: str, *, tz: str = "UTC", channels: Sequence[str] = ()
    ) -> PersonHandle:
        body = {"id": user, "name": name, "tz": tz, "channels": list(channels)}
        self.look(lambda playground: deeds.add_person(playground, body))
        return PersonHandle(self, user)

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
