"""What a simulated day assumes. Sources where there are any; the rest is chosen to be plausible and never to suit a policy."""

from dataclasses import dataclass

from routing.checks import (
    refuse_negative,
    refuse_unless_count,
    refuse_unless_positive,
    refuse_unless_share,
)
from routing.errors import InvalidParams


@dataclass(frozen=True, slots=True)
class Office:
    """A place with its time zone, its language, and its markets with their shares of its requests."""

    zone: str
    language: str
    markets: tuple[tuple[str, float], ...]


OFFICES = (
    Office("Europe/Berlin", "de", (("DE", 0.5), ("AT", 0.3), ("NL", 0.2))),
    Office("Europe/London", "en", (("GB", 0.5), ("IE", 0.3), ("US", 0.2))),
    Office("Europe/Bucharest", "ro", (("RO", 0.5), ("BG", 0.3), ("GR", 0.2))),
)
SIMILARITY = {
    ("DE", "AT"): 0.8,
    ("DE", "NL"): 0.6,
    ("AT", "NL"): 0.6,
    ("GB", "IE"): 0.8,
    ("GB", "US"): 0.6,
    ("IE", "US"): 0.6,
    ("RO", "BG"): 0.8,
    ("RO", "GR"): 0.6,
    ("BG", "GR"): 0.6,
    ("DE", "GB"): 0.4,
    ("NL", "GB"): 0.4,
    ("NL", "IE"): 0.4,
    ("AT", "RO"): 0.3,
    ("AT", "BG"): 0.3,
    ("DE", "IE"): 0.3,
    ("GR", "GB"): 0.3,
}
"""Values and proportions as in the published table (half of all pairs .2, a tenth .6 or more)."""
LEAST_ALIKE = 0.2
EXTRA_MARKETS = (0.61, 0.17, 0.22)
"""Shares of agents with one, two and all three of their office's markets; published: 61 % one, 17 % two, 22 % more."""
PRIORITY_SHARES = (0.05, 0.15, 0.5, 0.3)
"""Of priorities 1 to 4."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A team and the work that comes to it. Raises InvalidParams."""

    agents: int = 60
    capacity: int = 1
    hours: float = 8.0
    """Length of everybody's shift, from nine o'clock on the office's clock."""
    offices: int = 3
    """1 to 3: Berlin; London, an hour later; Bucharest, an hour earlier. Agents are spread evenly."""
    load: float = 0.95
    """Work that arrives, over what those at work can do if anybody with the skill and language takes anything."""
    mean_minutes: float = 8.8
    """Mean handling time by an average agent who fits perfectly; service desks report about 9 minutes."""
    spread: float = 0.6
    """Standard deviation of the logarithm of the handling time, which is lognormal."""
    deadline_minutes: tuple[float, ...] = (15.0, 60.0, 240.0, 480.0)
    """For a first response, by priority 1 to 4: what help desks promise."""
    patience_minutes: float = 120.0
    """Mean of the exponential time after which a requester gives up waiting; 0: nobody does."""
    categories: int = 4
    skills_each: int = 3
    local_language_share: float = 0.2
    """Of the requests to an office whose language is not English; everybody speaks English and their office's language."""
    offers: bool = False
    """Whether an agent must accept first: a push otherwise."""
    rerank_s: float = 0.0
    """Seconds between two matchings; 0 matches at every event, and every 30 s besides."""

    def __post_init__(self) -> None:
        for count in ("agents", "capacity", "categories", "skills_each", "offices"):
            refuse_unless_count(InvalidParams, count, getattr(self, count))
            refuse_unless_positive(InvalidParams, count, getattr(self, count))
        for size in ("hours", "load", "mean_minutes", "spread"):
            refuse_unless_positive(InvalidParams, size, getattr(self, size))
        for size in ("patience_minutes", "rerank_s"):
            refuse_negative(InvalidParams, size, getattr(self, size))
        refuse_unless_share(InvalidParams, "local_language_share", self.local_language_share)
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        if len(self.deadline_minutes) != len(PRIORITY_SHARES):
            raise InvalidParams(f"deadline_minutes must have {len(PRIORITY_SHARES)} entries, one a priority")
        for minutes in self.deadline_minutes:
            refuse_unless_positive(InvalidParams, "deadline_minutes", minutes)
        if 0.0 < self.rerank_s < 1.0:
            raise InvalidParams(f"rerank_s must be 0 (at every event) or at least 1, not {self.rerank_s:g}")
        if self.hours > 12.0:
            raise InvalidParams(f"hours must be at most 12, not {self.hours:g}: a shift ends before midnight")
        if self.skills_each > self.categories:
            raise InvalidParams("skills_each must not exceed categories")
        if self.offices > len(OFFICES):
            raise InvalidParams(f"offices must be at most {len(OFFICES)}, not {self.offices}")
        if self.offices > self.agents:
            raise InvalidParams("every office needs an agent: offices must not exceed agents")
