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
    """Remembers, for this process, when each place may be spoken to again. Times are arguments.

    One thing each ``every_s`` seconds in the long run; after a rest ``burst`` at once.
    """

    def __init__(self, *, every_s: float = MESSAGE_EVERY_S, burst: int = BURST) -> None:
        self._every_s = every_s
        self._burst = burst
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._closed_until: dict[str, datetime] = {}

    def take(self, place: str, now: datetime, *, at_once: int | None = None) -> datetime | None:
        """None: speak now (and it is counted). Otherwise: when to ask again. ``at_once`` allows a smaller burst."""
        burst = float(self._burst if at_once is None else min(at_once, self._burst))
        with self._lock:
            closed_until = self._closed_until.get(place)
            if closed_until is not None and closed_until > now:
                return closed_until
            bucket = self._buckets.pop(place, _Bucket(burst, now))
            gained = max(0.0, (now - bucket.at).total_seconds()) / self._every_s
            tokens = min(burst, bucket.tokens + gained)
            may_speak = tokens >= 1
            self._buckets[place] = _Bucket(tokens - 1 if may_speak else tokens, now)
            _forget_oldest(self._buckets)
            return None if may_speak else now + timedelta(seconds=(1 - tokens) * self._every_s)

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
