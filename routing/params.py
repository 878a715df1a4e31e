"""The settings of a matching: which policy, what each reason weighs, how long a filter holds."""

from dataclasses import dataclass, fields
from enum import StrEnum

from routing.checks import (
    refuse_negative,
    refuse_unless_count,
    refuse_unless_positive,
    refuse_unless_share,
)
from routing.errors import InvalidParams


class Policy(StrEnum):
    """How work is given out."""

    HUNGARIAN = "hungarian"
    """All waiting tasks at once, lowest total cost."""
    GREEDY_CLOCK = "greedy_clock"
    """The highest task to the highest agent among the least busy, one after another."""
    RANDOM = "random"
    """First come, first served, by any eligible agent: the baseline of every comparison."""
    LONGEST_IDLE = "longest_idle"
    """First come, first served, by the agent idle longest: what most help desks do."""


@dataclass(frozen=True, slots=True)
class MatchParams:
    """Weights and limits of a matching. Scales are fixed, so a batch of one pair prices like one of a thousand.

    A weight of 0 switches its reason off. The patience shares are of the time between creation and deadline:
    once a task has waited that long, the language (and later the skill) no longer bars an agent, it only costs.
    Raises InvalidParams.
    """

    policy: Policy = Policy.HUNGARIAN
    weight_gap: float = 0.3
    weight_market: float = 0.3
    weight_load: float = 0.4
    weight_skill: float = 0.6
    weight_language: float = 0.6
    weight_age: float = 1.5
    weight_late: float = 2.0
    weight_priority: float = 0.8
    gap_scale: float = 0.25
    """A score gap of this size costs one whole weight_gap."""
    market_scale: float = 0.25
    """Markets this much less alike cost one whole weight_market."""
    overqualified: float = 0.5
    """What an agent's score above the task's counts, beside 1 for a score below it."""
    late_from_share: float = 0.6
    """Share of the deadline from which waiting counts extra."""
    language_patience_share: float = 0.25
    skill_patience_share: float = 0.5
    typical_minutes: float = 30.0
    """Handling time at which a task weighs as one place of load; also stands in for an unknown one."""
    seed: int = 0
    """For the random policy: same seed, same answer."""

    def __post_init__(self) -> None:
        if not isinstance(self.policy, Policy):
            raise InvalidParams(f"policy must be one of {', '.join(Policy)}, not {self.policy!r}")
        for weight in (f.name for f in fields(self) if f.name.startswith("weight_")):
            refuse_negative(InvalidParams, weight, getattr(self, weight))
        for share in ("overqualified", "late_from_share", "language_patience_share", "skill_patience_share"):
            refuse_unless_share(InvalidParams, share, getattr(self, share))
        for scale in ("gap_scale", "market_scale", "typical_minutes"):
            refuse_unless_positive(InvalidParams, scale, getattr(self, scale))
        refuse_unless_count(InvalidParams, "seed", self.seed)
        if self.language_patience_share > self.skill_patience_share:
            raise InvalidParams(
                "language_patience_share must not exceed skill_patience_share: the language gives way first"
            )
