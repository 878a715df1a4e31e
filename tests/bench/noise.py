"""What a workspace sends beside what the bot is for: edits, deletions, channel talk, reactions, other bots, retries.

Sent by a process of its own over connections that are kept, so that what it measures is the bot and not the sender.
"""

import http.client
import json
import threading
import time
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from playground.model import TEAM_ID
from playground.signing import signed_headers
from tests.bench.figures import steadily

CONNECTIONS = 8
RETRY_AFTER_S = 1.0  # when a 503 does not say
# A "retry" repeats the event before it, id and all, as Slack does when an acknowledgement came late.
# Half of it is stored: that a home was opened, and its repetitions; for the rest nobody listens.
MIX = (
    *("home", "edited", "home", "retry", "channel"),
    *("home", "deleted", "home", "edited", "other_bot"),
    *("home", "edited", "home", "retry", "reaction"),
    *("home", "channel", "home", "edited", "other_bot"),
)
STORED = frozenset({"home", "retry"})


@dataclass(frozen=True, slots=True)
class Order:
    """What to send: events ``first`` to ``first + count - 1``, ``rate`` a second, to the bot at ``port``."""

    port: int
    secret: str
    first: int
    count: int
    rate: float


@dataclass(slots=True)
class Posted:
    """How it went: milliseconds to each 200, answers by status, connections that broke, and what was sent by kind."""

    took_ms: "array[float]" = field(default_factory=lambda: array("f"))
    took_stored_ms: "array[float]" = field(
        default_factory=lambda: array("f")
    )  # of those that were stored first
    statuses: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    undelivered: int = 0

    def add(self, other: "Posted") -> None:
        """Count ``other`` in."""
        self.took_ms.extend(other.took_ms)
        self.took_stored_ms.extend(other.took_stored_ms)
        self.statuses += other.statuses
        self.kinds += other.kinds
        self.broken += other.broken
        self.undelivered += other.undelivered


def post(order: Order) -> Posted:
    """Send it all over a few connections; what is refused with 503 is sent again when the bot says, up to three times."""
    results = [Posted() for _ in range(CONNECTIONS)]
    threads = [
        threading.Thread(target=_run, args=(order, offset, results[offset])) for offset in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Posted()
    for result in results:
        total.add(result)
    return total


def _run(order: Order, offset: int, posted: Posted) -> None:
    numbers = range(order.first + offset, order.first + order.count, CONNECTIONS)
    rate = order.rate / CONNECTIONS
    time.sleep(offset / order.rate)  # so that the connections take turns
    with _Line(order) as line:
        for number, _ in zip(numbers, steadily(rate, len(numbers) / rate + 1), strict=False):
            kind = MIX[number % len(MIX)]
            posted.kinds[kind] += 1
            took_ms = line.deliver(json.dumps(event(number, kind)).encode(), posted)
            if took_ms is not None:
                posted.took_ms.append(took_ms)
                if kind in STORED:
                    posted.took_stored_ms.append(took_ms)


class _Line:
    """A connection that is opened anew when it breaks."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._connection = http.client.HTTPConnection("127.0.0.1", order.port, timeout=10)

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def deliver(self, body: bytes, posted: Posted) -> float | None:
        """Send until it is acknowledged, at most four times, as Slack does; the milliseconds to the 200, None without."""
        for _ in range(4):
            sent_s = time.perf_counter()
            wait_s = self._attempt(body, posted)
            if wait_s is None:
                return (time.perf_counter() - sent_s) * 1000
            time.sleep(wait_s)
        posted.undelivered += 1
        return None

    def _attempt(self, body: bytes, posted: Posted) -> float | None:
        """None when acknowledged, else the seconds until the next attempt."""
        headers = {
            "Content-Type": "application/json",
            **signed_headers(self._order.secret, body, int(time.time())),
        }
        try:
            self._connection.request("POST", "/slack/events", body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            posted.broken += 1
            self._connection.close()
            return RETRY_AFTER_S
        posted.statuses[answer.status] += 1
        if answer.status == 200:
            return None
        self._connection.close()  # the server would, while we wait
        return float(answer.headers.get("Retry-After", RETRY_AFTER_S))


def event(number: int, kind: str) -> dict[str, Any]:
    """The body of event ``number``, of one of the kinds in MIX. The people are those of a `Crowd` of 500 or more."""
    user = f"U0B{number % 500:04d}"
    ts = f"{1_790_000_000 + number // 1000}.{number % 1000:06d}"
    words = f"an ordinary remark about lunch, the weather or the roadmap, number {number}"
    said = {"type": "message", "user": user, "text": words, "ts": ts, "team": TEAM_ID}
    private = {"channel": f"D{user[1:]}", "channel_type": "im"}
    public = {"channel": f"C0X{number % 20:03d}", "channel_type": "channel"}
    hidden = {"type": "message", "hidden": True, "event_ts": ts, "ts": ts}
    if kind == "retry":  # of the event before it
        return event(number - 1, MIX[(number - 1) % len(MIX)])
    events: dict[str, dict[str, Any]] = {
        "edited": {
            **hidden,
            **private,
            "subtype": "message_changed",
            "message": said,
            "previous_message": said,
        },
        "deleted": {
            **hidden,
            **private,
            "subtype": "message_deleted",
            "previous_message": said,
            "user": user,
        },
        "channel": {**said, **public},
        "reaction": {
            "type": "reaction_added",
            "user": user,
            "reaction": "eyes",
            "item": {"type": "message", "channel": public["channel"], "ts": ts},
            "event_ts": ts,
        },
        "other_bot": {**said, **private, "bot_id": "B0OTHER", "subtype": "bot_message"},
        "home": {"type": "app_home_opened", "user": user, "channel": private["channel"], "tab": "messages"},
    }
    return {
        "type": "event_callback",
        "team_id": TEAM_ID,
        "api_app_id": "A0PLAY",
        "event_id": f"EvNoise{number}",
        "event_time": int(time.time()),
        "event": events[kind],
    }
