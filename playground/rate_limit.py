"""Slack's limit on posting: about one message a second in each conversation, short bursts let through."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """``per_s`` messages a second and channel in the long run, ``burst`` at once."""

    per_s: float = 1.0
    burst: int = 8

    def __post_init__(self) -> None:
        if self.per_s <= 0 or self.burst < 1:
            raise ValueError("a rate limit needs per_s > 0 and burst >= 1")


class Buckets:
    """One token bucket for each conversation."""

    def __init__(self, limit: RateLimit, monotonic_s: Callable[[], float]) -> None:
        self._limit = limit
        self._monotonic_s = monotonic_s
        self._held: dict[str, tuple[float, float]] = {}

    def wait_s(self, channel: str) -> int:
        """Take one token: 0, or the whole seconds to wait when there is none."""
        now_s = self._monotonic_s()
        tokens, since_s = self._held.get(channel, (float(self._limit.burst), now_s))
        tokens = min(self._limit.burst, tokens + (now_s - since_s) * self._limit.per_s)
        if tokens < 1:
            self._held[channel] = (tokens, now_s)
            return max(1, math.ceil((1 - tokens) / self._limit.per_s))
        self._held[channel] = (tokens - 1, now_s)
        return 0
