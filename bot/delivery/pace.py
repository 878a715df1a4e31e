"""Slack takes about one message a second per channel, with short bursts; and says so with 429 when it is more."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

MESSAGE_EVERY_S = 1.0
BURST = 3
REMEMBERED = 10_000  # places; more than that are forgotten, oldest first: a 429 would tell again


@dataclass(frozen=True, slots=True)
class _Bucket:
    tokens: float
    at: datetime


class Pace:
    """Remembers, for this process, when each place may be spoken to again. Times are arguments."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._closed_until: dict[str, datetime] = {}

    def take(self, place: str, now: datetime) -> datetime | None:
        """None: speak now (and it is counted). Otherwise: when to ask again."""
        with self._lock:
            closed_until = self._closed_until.get(place)
            if closed_until is not None and closed_until > now:
                return closed_until
            bucket = self._buckets.pop(place, _Bucket(BURST, now))
            gained = max(0.0, (now - bucket.at).total_seconds()) / MESSAGE_EVERY_S
            tokens = min(float(BURST), bucket.tokens + gained)
            may_speak = tokens >= 1
            self._buckets[place] = _Bucket(tokens - 1 if may_speak else tokens, now)
            _forget_oldest(self._buckets)
            return None if may_speak else now + timedelta(seconds=(1 - tokens) * MESSAGE_EVERY_S)

    def closed_until(self, place: str, now: datetime) -> datetime | None:
        """When a place that Slack has closed opens again; None when it is open. Counts nothing."""
        with self._lock:
            until = self._closed_until.get(place)
            return until if until is not None and until > now else None

    def close(self, place: str, until: datetime) -> None:
        """Slack has said 429 for this place: nothing before ``until``."""
        with self._lock:
            self._closed_until.pop(place, None)
            self._closed_until[place] = until
            _forget_oldest(self._closed_until)


def _forget_oldest(places: dict[str, object] | dict[str, _Bucket] | dict[str, datetime]) -> None:
    while len(places) > REMEMBERED:
        del places[next(iter(places))]
