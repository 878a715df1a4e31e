"""The settings of a matching: which policy, what each reason weighs, how long a filter holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from routing.checks import (
    refuse_negative,
    refuse_unless_count,
    refuse_unless_positive,
    refuse_unless_share,
)
from routing.errors import InvalidParams


class Policy(StrEnum):
    """How work is given out."""

    ADAPTIVE = "adaptive"
    """All waiting tasks at once, on fixed scales, with a ladder of filters that give way and holds for who is free soon."""
    HUNGARIAN = "hungarian"
    """All waiting tasks at once, lowest total cost."""
    GREEDY_CLOCK = "greedy_clock"
    """The highest task to the highest agent among the least busy, one after another."""
    RANDOM = "random"
    """First come, first served, by any eligible agent: the baseline of every comparison."""
    LONGEST_IDLE = "longest_idle"
    """First come, first served, by the agent idle longest: what most help desks do."""


@dataclass(frozen=True, slots=True)
class AdaptiveParams:
    """Numbers of the adaptive policy. A weight of 0 switches its reason off; `hold` and `fairness` are kill switches.

    The ladder holds shares of the time between creation and deadline. From its first share on a task no longer insists on
    the market, the score and an end of shift after its work; from the second no longer on the language; from the third
    no longer on the skill. Where the numbers differ from the published idea (.3 gap, .3 similarity, .4 work, a hold at 4),
    they were chosen on simulated days (`routing.simulation`, seeds 100 to 102), never on those that are reported.
    Raises InvalidParams.
    """

    gap: float = 0.3
    gap_scale: float = 0.25
    """An agent's score this much below the task's costs one whole `gap`."""
    overqualified: float = 1.0
    """What the square of a surplus of the agent's score counts, beside 1 for a lack."""
    similarity: float = 0.75
    similarity_scale: float = 0.25
    """Markets this much less alike cost one whole `similarity`."""
    work: float = 0.8
    """For an expected handling time of `typical_minutes`."""
    typical_minutes: float = 30.0
    """Also stands in for an unknown handling time."""
    skill: float = 0.6
    """For a skill at level 0."""
    in_hand: float = 0.4
    """For an agent whose capacity is all taken by the time this task comes on top."""
    overflow: float = 0.6
    """For each filter that gave way for the pair."""
    fairness: float = 0.3
    """For an agent who was busy all of the time; 0 switches fairness off."""
    sticky: float = 0.5
    """Taken off for the agent who had the task before."""
    age: float = 1.5
    late: float = 2.0
    late_from_share: float = 0.6
    priority: float = 0.8
    ladder: tuple[float, float, float] = (0.25, 0.5, 0.75)
    least_similarity: float = 0.5
    """Markets less alike than this bar an agent, on the lowest rung."""
    market_minutes: float = 0.5
    """After this time a task no longer insists on the market, whatever its deadline: an office that is overrun would
    otherwise keep its queue to itself while others idle."""
    most_lack: float = 0.42
    """An agent's score further below the task's than this bars them, on the lowest rung."""
    hold: bool = True
    """Whether a task may wait for an agent who is about to be free."""
    hold_within_minutes: float = 4.0
    hold_price: float = 7.0
    hold_floor: float = 0.04
    hold_sla: float = 1.5
    """A minute of holding costs hold_price x (hold_floor + hold_sla / minutes from creation to deadline)."""
    hold_late: float = 3.0
    """On top when holding would take more than half of the time that is left."""

    def __post_init__(self) -> None:
        shares = ("overqualified", "late_from_share", "least_similarity", "most_lack")
        scales = ("gap_scale", "similarity_scale", "typical_minutes")
        for name in (f.name for f in fields(self) if f.name not in {*shares, *scales, "ladder", "hold"}):
            refuse_negative(InvalidParams, name, getattr(self, name))
        for share in shares:
            refuse_unless_share(InvalidParams, share, getattr(self, share))
        for scale in scales:
            refuse_unless_positive(InvalidParams, scale, getattr(self, scale))
        if type(self.hold) is not bool:
            raise InvalidParams(f"hold must be true or false, not {self.hold!r}")
        if not isinstance(self.ladder, tuple) or len(self.ladder) != 3:
            raise InvalidParams(f"ladder must have three shares, not {self.ladder!r}")
        for share_of_time in self.ladder:
            refuse_unless_share(InvalidParams, "each rung of the ladder", share_of_time)
        if list(self.ladder) != sorted(self.ladder):
            raise InvalidParams("ladder must rise: what matters less gives way first")


@dataclass(frozen=True, slots=True)
class MatchParams:
    """Weights and limits of a matching. `weight_*`, scales and patience shares are the hungarian policy's, the patience
    shares those of every policy but the adaptive one, whose numbers are in `adaptive`. Scales are fixed, so a batch of one pair prices like one of a thousand.

    A weight of 0 switches its reason off. The patience shares are of the time between creation and deadline:
    once a task has waited that long, the language (and later the skill) no longer bars an agent, it only costs.
    Raises InvalidParams.
    """

    policy: Policy = Policy.ADAPTIVE
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
    adaptive: AdaptiveParams = field(default_factory=AdaptiveParams)

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
        if not isinstance(self.adaptive, AdaptiveParams):
            raise InvalidParams(f"adaptive must be AdaptiveParams, not {self.adaptive!r}")
        if self.language_patience_share > self.skill_patience_share:
            raise InvalidParams(
                "language_patience_share must not exceed skill_patience_share: the language gives way first"
            )


class Switch(StrEnum):
    """Reasons of the adaptive policy that can be switched off, to see what each is worth."""

    HOLD = "hold"
    FAIRNESS = "fairness"


_OFF: dict[Switch, dict[str, Any]] = {
    Switch.HOLD: {"hold": False},
    Switch.FAIRNESS: {"fairness": 0.0},
}


def switched_off(switches: Iterable[Switch]) -> MatchParams:
    """The defaults without these reasons."""
    changes: dict[str, Any] = {}
    for switch in switches:
        changes |= _OFF[switch]
    return MatchParams(adaptive=AdaptiveParams(**changes))
