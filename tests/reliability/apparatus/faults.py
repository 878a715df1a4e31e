"""The faults under which the bot is tested: what Slack and the way to it do wrong on an ordinary bad day.

One second of Slack's can be made to last less here, so that what takes Slack minutes takes a test seconds.
"""

from dataclasses import dataclass

from playground.faults import DeliveryFaults, FaultKind, FaultRule
from playground.testing import DeliveryTiming, PlaygroundServer

SLACK_RETRIES_S = (0.0, 60.0, 300.0)
SLACK_LATE_S = 300.0


@dataclass(frozen=True, slots=True)
class StandardFaults:
    """A tenth of the events twice, a tenth (of both copies) up to 300 of Slack's seconds late; of the Web API's calls a
    twentieth each: 429; 500 before the write; and 500, or a cut line, after the write.

    ``second_s`` is how long one of Slack's seconds lasts, in (0, 1]; Retry-After is in real seconds all the same.
    """

    second_s: float = 1.0
    seed: int = 1
    events: float = 0.1
    calls: float = 0.05

    def __post_init__(self) -> None:
        if not (0 < self.second_s <= 1 and 0 <= self.events <= 1 and 0 <= self.calls <= 1 / 3):
            raise ValueError(
                "a second lasts at most 1 s; of the events all may go wrong, of the calls three times a third"
            )

    @property
    def delivery(self) -> DeliveryFaults:
        """What goes wrong with events."""
        return DeliveryFaults(duplicate=self.events, late=self.events, late_s=SLACK_LATE_S * self.second_s)

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """What goes wrong with calls; the first rule that strikes wins, so each has the share it names of all calls."""
        shares = {
            FaultKind.RATE_LIMITED: self.calls,
            FaultKind.FAIL_BEFORE: self.calls,
            FaultKind.FAIL_AFTER: self.calls / 2,
            FaultKind.CUT_AFTER: self.calls / 2,
        }
        left, rules = 1.0, list[FaultRule]()
        for kind, share in shares.items():
            rules.append(FaultRule(kind, share=share / left))
            left -= share
        return tuple(rules)

    def befall(self, slack: PlaygroundServer) -> None:
        """From now on this is what goes wrong."""
        slack.set_faults(*self.rules, delivery=self.delivery, seed=self.seed)


def slack_timing(second_s: float = 1.0, retries_s: tuple[float, ...] = SLACK_RETRIES_S) -> DeliveryTiming:
    """When Slack gives an acknowledgement up (three real seconds), and when it tries again."""
    return DeliveryTiming(ack_timeout_s=3.0, retry_delays_s=tuple(delay * second_s for delay in retries_s))
