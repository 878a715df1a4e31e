"""Telling the app: events with Slack's retries, interactions and commands once, each within three seconds."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from playground.changes import Changes, What
from playground.faults import FaultPlan
from playground.http_post import HttpAnswer, post
from playground.journal import DeliveryKind, DeliveryRecord, Journal, Outcome, Via
from playground.model import JsonObject
from playground.signing import signed_headers
from playground.sockets import Sockets
from playground.workspace import Clock

SLACK_RETRY_DELAYS_S = (0.0, 60.0, 300.0)
USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"

_ENVELOPE_OF = {
    DeliveryKind.EVENT: "events_api",
    DeliveryKind.INTERACTION: "interactive",
    DeliveryKind.COMMAND: "slash_commands",
}


@dataclass(frozen=True, slots=True)
class DeliveryTiming:
    """How long the app has to acknowledge, and when an event is tried again (measured from the attempt before)."""

    ack_timeout_s: float = 3.0
    retry_delays_s: tuple[float, ...] = SLACK_RETRY_DELAYS_S


@dataclass(frozen=True, slots=True)
class Reply:
    """How the app answered one attempt. ``answer`` is parsed JSON, plain text, or None when there was nothing to read."""

    outcome: Outcome
    status: int | None = None
    answer: Any = None
    wants_no_retry: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """One thing to tell the app."""

    kind: DeliveryKind
    name: str
    payload: JsonObject
    event_id: str | None = None


class Delivery:
    """Sends letters to open sockets, else to the request URL."""

    def __init__(
        self,
        *,
        clock: Clock,
        journal: Journal,
        changes: Changes,
        sockets: Sockets,
        signing_secret: str,
        timing: DeliveryTiming,
    ) -> None:
        self.request_url: str | None = None
        self.timing = timing
        self.faults = FaultPlan()
        self._clock = clock
        self._journal = journal
        self._changes = changes
        self._sockets = sockets
        self._signing_secret = signing_secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._held_back: list[Letter] = []

    def send_event(self, letter: Letter) -> None:
        """Send an event in the background, under the fault plan."""
        plan = self.faults
        if plan.delivery.drop and plan.dice.random() < plan.delivery.drop:
            self._record(letter, 0, None, Reply(Outcome.DROPPED), None)
            return
        copies = 2 if plan.delivery.duplicate and plan.dice.random() < plan.delivery.duplicate else 1
        for _ in range(copies):
            if plan.delivery.reorder_window_s:
                self._hold_back(letter, plan.delivery.reorder_window_s)
            elif plan.delivery.late and plan.dice.random() < plan.delivery.late:
                self._start(self._send_after(letter, plan.dice.uniform(0, plan.delivery.late_s)))
            else:
                self._start(self._with_retries(letter))

    async def send_once(self, letter: Letter) -> Reply:
        """Send an interaction or a command and wait for the answer; these are never retried."""
        return await self._attempt(letter, 0, None)

    async def verify(self, challenge: str) -> bool:
        """Whether the request URL echoes a challenge, as Slack asks when the URL is entered."""
        payload = {"token": "", "challenge": challenge, "type": "url_verification"}
        reply = await self._attempt(Letter(DeliveryKind.EVENT, "url_verification", payload), 0, None)
        echoed = reply.answer.get("challenge") if isinstance(reply.answer, dict) else reply.answer
        return reply.outcome is Outcome.OK and bool(echoed == challenge)

    def cancel(self) -> None:
        """Give up everything under way."""
        self._held_back.clear()
        for task in self._tasks:
            task.cancel()

    def _hold_back(self, letter: Letter, window_s: float) -> None:
        self._held_back.append(letter)
        if len(self._held_back) == 1:
            self._start(self._release_after(window_s))

    async def _release_after(self, window_s: float) -> None:
        await asyncio.sleep(window_s)
        letters, self._held_back = self._held_back, []
        self.faults.dice.shuffle(letters)
        for letter in letters:
            self._start(self._with_retries(letter))

    async def _send_after(self, letter: Letter, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self._with_retries(letter)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def _with_retries(self, letter: Letter) -> None:
        reason: Outcome | None = None
        for attempt in range(len(self.timing.retry_delays_s) + 1):
            if attempt:
                await asyncio.sleep(self.timing.retry_delays_s[attempt - 1])
            reply = await self._attempt(letter, attempt, reason)
            if reply.outcome is Outcome.OK or reply.wants_no_retry:
                return
            reason = reply.outcome

    async def _attempt(self, letter: Letter, attempt: int, reason: Outcome | None) -> Reply:
        via_socket = len(self._sockets) > 0
        send: Callable[[Letter, int, Outcome | None], Coroutine[Any, Any, Reply]]
        send = self._by_socket if via_socket else self._by_http
        started_s = time.monotonic()
        try:
            reply = await asyncio.wait_for(send(letter, attempt, reason), self.timing.ack_timeout_s)
        except TimeoutError:
            reply = Reply(Outcome.HTTP_TIMEOUT)
        except (OSError, EOFError):
            reply = Reply(Outcome.CONNECTION_FAILED)
        answered = reply.outcome in (Outcome.OK, Outcome.HTTP_ERROR)
        ack_ms = (time.monotonic() - started_s) * 1000 if answered else None
        self._record(letter, attempt, reason, reply, ack_ms, Via.SOCKET if via_socket else Via.HTTP)
        return reply

    async def _by_http(self, letter: Letter, attempt: int, reason: Outcome | None) -> Reply:
        if self.request_url is None:
            raise ConnectionError("no request URL is set")
        body, content_type = _as_http(letter)
        headers = {
            "Content-Type": content_type,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            **signed_headers(self._signing_secret, body, int(self._clock().timestamp())),
        }
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": str(reason)}
        answer = await post(self.request_url, body, headers)
        is_ok = 200 <= answer.status < 300
        no_retry = answer.headers.get("x-slack-no-retry") == "1"
        return Reply(Outcome.OK if is_ok else Outcome.HTTP_ERROR, answer.status, _read(answer), no_retry)

    async def _by_socket(self, letter: Letter, attempt: int, reason: Outcome | None) -> Reply:
        answer = await self._sockets.send(
            _ENVELOPE_OF[letter.kind],
            letter.payload,
            accepts_answer=letter.kind is not DeliveryKind.EVENT,
            retry_attempt=attempt,
            retry_reason="" if reason is None else {Outcome.HTTP_TIMEOUT: "timeout"}.get(reason, str(reason)),
        )
        return Reply(Outcome.OK, None, answer)

    def _record(
        self,
        letter: Letter,
        attempt: int,
        reason: Outcome | None,
        reply: Reply,
        ack_ms: float | None,
        via: Via = Via.HTTP,
    ) -> None:
        self._journal.deliveries.append(
            DeliveryRecord(
                id=self._journal.next_id(),
                kind=letter.kind,
                name=letter.name,
                event_id=letter.event_id,
                via=via,
                at=self._clock(),
                attempt=attempt,
                retry_reason=reason,
                outcome=reply.outcome,
                status=reply.status,
                ack_ms=ack_ms,
                payload=letter.payload,
            )
        )
        self._changes.notice(What.LOG)


def _as_http(letter: Letter) -> tuple[bytes, str]:
    """Body and content type in which Slack sends each kind."""
    if letter.kind is DeliveryKind.EVENT:
        return json.dumps(letter.payload).encode(), "application/json"
    fields = (
        letter.payload if letter.kind is DeliveryKind.COMMAND else {"payload": json.dumps(letter.payload)}
    )
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _read(answer: HttpAnswer) -> Any:
    text = answer.body.decode("utf-8", "replace").strip()
    if not text:
        return None
    if "json" in answer.headers.get("content-type", ""):
        try:
            return json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            return text
    return text
