"""What shall go wrong, on purpose: for calls of the Web API and for the delivery of events. Seeded, so that a run repeats."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from playground.errors import bad_request


class FaultKind(StrEnum):
    """How a call fails; `after` means that what was asked was done, and only the answer is lost."""

    RATE_LIMITED = "rate_limited"
    FAIL_BEFORE = "fail_before"
    FAIL_AFTER = "fail_after"
    CUT_BEFORE = "cut_before"
    CUT_AFTER = "cut_after"
    HANG_BEFORE = "hang_before"
    HANG_AFTER = "hang_after"
    SLOW = "slow"
    ERROR = "error"

    @property
    def is_done(self) -> bool:
        """Whether the call's work is done all the same."""
        return self in (FaultKind.FAIL_AFTER, FaultKind.CUT_AFTER, FaultKind.HANG_AFTER, FaultKind.SLOW)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """Which calls fail, and how. ``times`` None means all of them; ``share`` is in [0, 1]; ``skip`` spares the first ones."""

    kind: FaultKind
    method: str = "*"
    times: int | None = None
    share: float = 1.0
    skip: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)
    retry_after_s: int = 1
    delay_s: float = 5.0
    error: str = "internal_error"

    def __post_init__(self) -> None:
        if (
            not 0 <= self.share <= 1
            or self.skip < 0
            or self.delay_s < 0
            or (self.times is not None and self.times < 0)
        ):
            raise bad_request("a fault rule needs share in [0, 1], and times, skip and delay_s of 0 or more")

    def fits(self, method: str, arguments: Mapping[str, Any]) -> bool:
        return self.method in ("*", method) and all(
            str(arguments.get(key)) == str(value) for key, value in self.where.items()
        )


@dataclass(frozen=True, slots=True)
class DeliveryFaults:
    """Shares of the events that are sent twice, never, or ``late``: by up to ``late_s``, each copy by itself, so that
    others overtake it. Events of one ``reorder_window_s`` are shuffled, all of them.
    """

    duplicate: float = 0.0
    drop: float = 0.0
    late: float = 0.0
    late_s: float = 300.0
    reorder_window_s: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.duplicate, self.drop, self.late)
        if not (all(0 <= share <= 1 for share in shares) and self.reorder_window_s >= 0 and self.late_s >= 0):
            raise bad_request("delivery faults need shares in [0, 1], and late_s and a window of 0 or more")


class FaultPlan:
    """The rules with their counters and their dice."""

    def __init__(
        self, rules: tuple[FaultRule, ...] = (), delivery: DeliveryFaults | None = None, seed: int = 0
    ) -> None:
        self.delivery = delivery or DeliveryFaults()
        self.dice = random.Random(seed)
        self._rules = rules
        self._met = [0] * len(rules)
        self._struck = [0] * len(rules)

    def strike(self, method: str, arguments: Mapping[str, Any]) -> FaultRule | None:
        """The rule that this call falls under, if one does; the first wins."""
        for index, rule in enumerate(self._rules):
            if not rule.fits(method, arguments) or (
                rule.times is not None and self._struck[index] >= rule.times
            ):
                continue
            self._met[index] += 1
            if self._met[index] > rule.skip and self.dice.random() < rule.share:
                self._struck[index] += 1
                return rule
        return None


def read_fault_plan(document: Mapping[str, Any]) -> FaultPlan:
    """A plan from its JSON (API.md). Raises ControlError when it is not one."""
    try:
        rules = tuple(
            FaultRule(**{**entry, "kind": FaultKind(entry["kind"])}) for entry in document.get("api", ())
        )
        delivery = DeliveryFaults(**document.get("delivery", {}))
        return FaultPlan(rules, delivery, int(document.get("seed", 0)))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise bad_request(f"not a fault plan: {error}") from error
