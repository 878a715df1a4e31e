"""Socket Mode: the same way as over HTTP, but Slack's deliveries come in over a WebSocket that the bot has opened.

Stored first, acknowledged second: an envelope that could not be stored is not acknowledged, and Slack sends it again.
"""

import json
import logging
import threading
import time
from concurrent.futures import TimeoutError as NotInTime

from slack_bolt import App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from structlog.contextvars import bind_contextvars, unbind_contextvars

from bot.delivery.slack import QUIET
from bot.edge.bolt import dispatch
from bot.edge.guard import Arrival, classify
from bot.edge.metrics import Metrics
from bot.edge.parsing import Malformed, tidy
from bot.edge.writer import STORED_WITHIN_S, InboxWriter
from bot.errors import NotStored
from bot.ids import shown_key
from bot.settings import Settings

log = logging.getLogger(__name__)

CONNECT_AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
CONCURRENCY = 10


class SocketEdge:
    """One connection to Slack, opened again whenever it is lost. Needs ``settings.slack_app_token``."""

    def __init__(self, settings: Settings, writer: InboxWriter, bolt: App, metrics: Metrics) -> None:
        self._writer = writer
        self._bolt = bolt
        self._metrics = metrics
        self._stopping = threading.Event()
        self._connecting = threading.Thread(target=self._connect, name="socket-connect", daemon=True)
        self._app_token = settings.slack_app_token or ""
        self._web = WebClient(
            base_url=settings.slack_api_url,
            timeout=max(1, round(settings.firstline_slack_timeout_s)),
            retry_handlers=[],
            logger=QUIET,
        )
        self._client: SocketModeClient | None = None

    def start(self) -> None:
        """Connect in the background: Slack may be away for now."""
        # The SDK's client starts threads when it is built.
        self._client = SocketModeClient(
            self._app_token, logger=QUIET, web_client=self._web, concurrency=CONCURRENCY
        )
        self._client.socket_mode_request_listeners.append(self._take)
        self._connecting.start()

    def stop(self, timeout_s: float = 2) -> bool:
        """Close the connection, after what has come in is acknowledged; False when that outlasts ``timeout_s``.

        The SDK's client may wait for three seconds in a read before it notices.
        """
        self._stopping.set()
        if self._client is None:
            return True
        closing = threading.Thread(target=self._client.close, name="socket-close", daemon=True)
        closing.start()
        closing.join(timeout_s)
        return not closing.is_alive()

    @property
    def is_connected(self) -> bool:
        """Whether Slack can reach the bot now."""
        return self._client is not None and self._client.is_connected()

    def _connect(self) -> None:
        """Only the first time: from then on the SDK's own monitor sees to it."""
        for attempt in range(1_000_000):
            if self._stopping.is_set() or self._client is None:
                return
            try:
                self._client.connect()
                return
            except Exception as error:  # the thread's edge: nobody else would connect
                log.error("Socket Mode cannot connect: %s", _reason(error))
            self._stopping.wait(CONNECT_AGAIN_S[min(attempt, len(CONNECT_AGAIN_S) - 1)])

    def _take(self, client: BaseSocketModeClient, envelope: SocketModeRequest) -> None:
        began_s = time.perf_counter()
        unbind_contextvars("delivery")  # of the envelope that this thread of the SDK's had before
        try:
            payload = self._answer(envelope)
        except NotStored as error:
            log.error("an envelope is not acknowledged: %s", error)
            self._metrics.acknowledged(time.perf_counter() - began_s, 503)
            return
        client.send_socket_mode_response(SocketModeResponse(envelope.envelope_id, payload))
        self._metrics.acknowledged(time.perf_counter() - began_s, 200)

    def _answer(self, envelope: SocketModeRequest) -> dict[str, object] | None:
        """What the acknowledgement carries; raises NotStored when there must be none."""
        try:
            verdict = classify(tidy(envelope.payload))
        except Malformed as error:
            log.warning("acknowledged and dropped an envelope: %s", error)
            return None
        if not isinstance(verdict, Arrival):
            return None
        bind_contextvars(delivery=shown_key(verdict.delivery.delivery_key))
        if verdict.is_urgent:
            return self._dispatch(verdict.delivery.body)
        try:
            self._writer.submit(verdict.delivery).result(STORED_WITHIN_S)
        except NotInTime:
            raise NotStored("the database is too slow") from None
        log.info("stored", extra={"kind": verdict.delivery.kind.value})
        return None

    def _dispatch(self, body: dict[str, object]) -> dict[str, object] | None:
        answered = dispatch(self._bolt, body, None)
        if answered.status != 200:
            raise NotStored("its listener failed")
        if not answered.body:
            return None
        answer: dict[str, object] = (
            json.loads(answered.body)
            if answered.content_type.startswith("application/json")
            else {"text": answered.body}
        )
        return answer


def _reason(error: Exception) -> str:
    return str(error.response.get("error")) if isinstance(error, SlackApiError) else type(error).__name__
