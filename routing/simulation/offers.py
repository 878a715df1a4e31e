"""What an agent does with an offer: take it, decline it, or never look.

A draw hangs on the seed, the task and the agent alone, so every policy meets the same people. Assumed: a median of 25 s to
react (lognormal), 12 % of offers never answered, 5 % declined.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import ndtri

_MEDIAN_S = 25.0
_SPREAD = 0.6
_NEVER = 0.12
_DECLINES = 0.05
HEDGE_MINUTES = 0.5
"""The best agent is asked first; every 30 s without an answer one more is."""
EXPIRES_MINUTES = 2.0
"""An unanswered offer is taken back after this time."""


class Answer(StrEnum):
    """What comes of an offer."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reaction:
    """An answer and the minutes until it comes; for none, until the offer expires."""

    answer: Answer
    minutes: float


def react(seed: int, task_id: str, agent_id: str) -> Reaction:
    """The reaction of this agent to an offer of this task."""
    digest = hashlib.blake2b(repr((seed, task_id, agent_id)).encode(), digest_size=16).digest()
    first, second = ((int.from_bytes(part, "big") + 0.5) / 2.0**64 for part in (digest[:8], digest[8:]))
    if first < _NEVER:
        return Reaction(Answer.NONE, EXPIRES_MINUTES)
    seconds = _MEDIAN_S * float(np.exp(_SPREAD * ndtri(second)))
    if seconds / 60.0 >= EXPIRES_MINUTES:
        return Reaction(Answer.NONE, EXPIRES_MINUTES)
    declines = first < _NEVER + _DECLINES
    return Reaction(Answer.DECLINED if declines else Answer.ACCEPTED, seconds / 60.0)
