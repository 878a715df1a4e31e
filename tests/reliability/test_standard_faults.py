"""The standard faults are what they say."""

from collections import Counter

import pytest

from playground.faults import FaultKind, FaultPlan
from tests.reliability.apparatus.faults import StandardFaults, slack_timing

CALLS = 20_000


def test_calls_fail_in_the_shares_that_are_named() -> None:
    """Of many calls a twentieth each is refused, fails before the write, and fails or is cut off after it."""
    plan = FaultPlan(StandardFaults(seed=3).rules, seed=3)
    struck = [plan.strike("chat.postMessage", {}) for _ in range(CALLS)]
    shares = {kind: count / CALLS for kind, count in Counter(rule.kind for rule in struck if rule).items()}
    assert shares == {
        FaultKind.RATE_LIMITED: pytest.approx(0.05, abs=0.006),
        FaultKind.FAIL_BEFORE: pytest.approx(0.05, abs=0.006),
        FaultKind.FAIL_AFTER: pytest.approx(0.025, abs=0.005),
        FaultKind.CUT_AFTER: pytest.approx(0.025, abs=0.005),
    }


def test_slacks_seconds_can_be_made_shorter() -> None:
    """What comes late and what is tried again come sooner by the same factor; the three seconds for a 200 stay."""
    faults = StandardFaults(second_s=0.1)
    assert (faults.delivery.duplicate, faults.delivery.late, faults.delivery.late_s) == (0.1, 0.1, 30.0)
    assert slack_timing(0.1).retry_delays_s == (0.0, 6.0, 30.0)
    assert slack_timing(0.1).ack_timeout_s == 3.0


@pytest.mark.parametrize("wrong", [{"second_s": 0}, {"second_s": 2}, {"events": 1.1}, {"calls": 0.4}])
def test_senseless_faults_are_refused(wrong: dict[str, float]) -> None:
    """Shares that cannot be, or a Slack that is slower than Slack."""
    with pytest.raises(ValueError, match="second"):
        StandardFaults(**wrong)  # type: ignore[arg-type]
