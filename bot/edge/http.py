"""The HTTP side: one URL for all of Slack's deliveries, and what those who run the bot ask.

Every answer to Slack is 200, 400, 401, 404, 413 or 503, with a few plain words; never a traceback, and no body
in any log. Slack sends a delivery again unless it hears 200, so 200 is said only when the row is on disk.
"""

import asyncio
import logging
import time

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from slack_bolt import App
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.contextvars import bind_contextvars

from bot.edge.bolt import dispatch
from bot.edge.guard import BODY_LIMIT_BYTES, Answer, Guard, Refusal
from bot.edge.health import Health
from bot.edge.metrics import Metrics
from bot.edge.writer import STORED_WITHIN_S, InboxWriter
from bot.errors import NotStored
from bot.ids import shown_key

log = logging.getLogger(__name__)

READ_WITHIN_S = 3.0  # Slack has given up by then
DRAINED_BYTES = (
    32_000_000  # of a body that is too large, so much is read (and dropped) before its sender is cut off
)
EVENTS_PATH = "/slack/events"
RETRY_AFTER_S = 5  # with each 503: for proxies and load tests; Slack itself keeps to its own times


class _TooLarge(Exception):
    """The body is larger than anything Slack sends."""


def build_http(guard: Guard, writer: InboxWriter, bolt: App, metrics: Metrics, health: Health) -> Starlette:
    """The ASGI application."""
    edge = _Edge(guard, writer, bolt, metrics)
    app = Starlette(
        routes=[
            Route(EVENTS_PATH, edge.slack, methods=["POST"]),
            Route("/health/live", health.live, methods=["GET"]),
            Route("/health/ready", health.ready, methods=["GET"]),
            Route("/metrics", edge.show_metrics, methods=["GET"]),
        ],
        # Slack is answered no 405: with another method there is simply nothing here.
        exception_handlers={404: _not_found, 405: _not_found},
    )
    app.router.redirect_slashes = False  # nor a 307 to whatever host the request names
    return app


class _Edge:
    def __init__(self, guard: Guard, writer: InboxWriter, bolt: App, metrics: Metrics) -> None:
        self._guard = guard
        self._writer = writer
        self._bolt = bolt
        self._metrics = metrics

    async def slack(self, request: Request) -> Response:
        began_s = time.perf_counter()
        try:
            response = await self._answer(request)
        except Exception as error:  # the app's edge: Slack is to try again, and nobody is to see a traceback
            log.error("a delivery failed at the edge: %s", type(error).__name__)
            response = _words(503, "try again")
        self._metrics.acknowledged(time.perf_counter() - began_s, response.status_code)
        return response

    async def _answer(self, request: Request) -> Response:
        try:
            body = await _read(request)
        except _TooLarge:
            return _words(413, "too large")
        except (TimeoutError, ClientDisconnect):
            return _words(400, "the body did not arrive")
        verdict = self._guard.judge(request.headers, body)
        if isinstance(verdict, Refusal):
            log.warning("refused a delivery with %d: %s", verdict.status, verdict.reason)
            return _words(verdict.status, verdict.reason)
        if isinstance(verdict, Answer):
            return _words(200, verdict.text)
        # Each request is a task with a context of its own: nothing to unbind, and threads it hands work to inherit it.
        bind_contextvars(delivery=shown_key(verdict.delivery.delivery_key))
        if verdict.is_urgent:
            return await run_in_threadpool(self._dispatch, verdict.delivery.body)
        try:
            await asyncio.wait_for(
                asyncio.wrap_future(self._writer.submit(verdict.delivery)), STORED_WITHIN_S
            )
        except TimeoutError:
            # It may be stored all the same: Slack sends it again, and the key makes that harmless.
            return _words(503, "not stored in time")
        except NotStored as error:
            log.warning("not stored: %s", error)
            return _words(503, str(error))
        log.info("stored", extra={"kind": verdict.delivery.kind.value})
        return Response(status_code=200)

    def _dispatch(self, body: dict[str, object]) -> Response:
        answered = dispatch(self._bolt, body, None)
        if answered.status != 200:
            return _words(503, "try again")
        return Response(answered.body, 200, media_type=answered.content_type or "text/plain")

    async def show_metrics(self, _request: Request) -> Response:
        try:
            text = await run_in_threadpool(generate_latest, self._metrics.registry)
        except Exception as error:  # the app's edge: whoever asks is to see no traceback
            log.error("metrics cannot be collected: %s", type(error).__name__)
            return _words(503, "metrics cannot be collected")
        return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _read(request: Request) -> bytes:
    """The body, kept no further than the limit; raises _TooLarge.

    What is over the limit is read and dropped, up to a point: a sender whose line is cut while it still sends
    sees a broken connection and never the 413.
    """
    announced = request.headers.get("content-length", "0")
    is_too_large = announced.isdigit() and int(announced) > BODY_LIMIT_BYTES
    body, seen_bytes = bytearray(), 0
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            async for chunk in request.stream():
                seen_bytes += len(chunk)
                is_too_large = is_too_large or seen_bytes > BODY_LIMIT_BYTES
                if not is_too_large:
                    body += chunk
                elif seen_bytes > DRAINED_BYTES:
                    break
    except (TimeoutError, ClientDisconnect):
        if not is_too_large:
            raise
    if is_too_large:
        raise _TooLarge
    return bytes(body)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return _words(404, "not found")


def _words(status: int, text: str) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else None
    return PlainTextResponse(text, status, headers)
