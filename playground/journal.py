"""What was delivered to the app and what the app called, for tests and for the page's log. Kept in memory, the oldest forgotten."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from playground.model import JsonObject

KEPT = 5000


class DeliveryKind(StrEnum):
    """What the app is told."""

    EVENT = "event"
    INTERACTION = "interaction"
    COMMAND = "command"


class Outcome(StrEnum):
    """How one attempt ended; all but the first and the last are Slack's retry reasons."""

    OK = "ok"
    HTTP_ERROR = "http_error"
    HTTP_TIMEOUT = "http_timeout"
    CONNECTION_FAILED = "connection_failed"
    DROPPED = "dropped"


class Via(StrEnum):
    """How the app was reached."""

    HTTP = "http"
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One attempt to tell the app something. ``ack_ms`` is there when it answered, well or not."""

    id: int
    kind: DeliveryKind
    name: str
    event_id: str | None
    via: Via
    at: datetime
    attempt: int
    retry_reason: Outcome | None
    outcome: Outcome
    status: int | None
    ack_ms: float | None
    payload: JsonObject


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call of the Web API. ``status`` is None when the connection was cut; ``error`` is Slack's word for a refusal."""

    id: int
    method: str
    at: datetime
    ms: float
    status: int | None
    error: str | None
    fault: str | None
    arguments: JsonObject


class Journal:
    """The last ``kept`` attempts and calls, oldest first; None: all of them."""

    def __init__(self, kept: int | None = KEPT) -> None:
        self.deliveries: deque[DeliveryRecord] = deque(maxlen=kept)
        self.calls: deque[CallRecord] = deque(maxlen=kept)
        self._last_id = 0

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def clear(self) -> None:
        self.deliveries.clear()
        self.calls.clear()
