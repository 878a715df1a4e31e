"""The bot is killed at each named step on the way of a message, again and again; the next bot dies there too, until one lives."""

from collections.abc import Iterator

import pytest

from tests.reliability.apparatus.kill_run import (
    FOR_A_PERSON,
    QUICK_SETTINGS,
    KillPlan,
    KillRun,
    playground_for,
)
from tests.reliability.apparatus.nursery import Nursery
from tests.scenarios.crashing_bot import NEVER, STEPS
from tests.sizes import at_full_size

PLAN = KillPlan(
    kills=20,
    messages=20,
    people=20,
    agents=4,
    seed=5,
    second_s=0.02,  # Slack must not lose patience while one bot after the other dies
    quiet_s=1.0,
    words=FOR_A_PERSON,
    # Eight deaths over one row would be a row to give up; here it is not the row's fault.
    settings={**QUICK_SETTINGS, "FIRSTLINE_MAX_ATTEMPTS": "100"},
)
DIES_WITHIN_S = 60.0
QUIET_WITHIN_S = 120.0

pytestmark = pytest.mark.skipif(
    not at_full_size(), reason="make soak runs it; test_crashes.py kills once a step"
)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where the bots come from."""
    with Nursery("tests.scenarios.crashing_bot") as started:
        yield started


@pytest.fixture(params=["sqlite_url", pytest.param("postgres_database_url", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of the bot's, of each kind."""
    return str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("step", STEPS)
def test_killed_twenty_times_at_a_step(nursery: Nursery, url: str, step: str) -> None:
    """Twenty messages, twenty deaths, then a bot that lives: each message has one answer, each request one offer."""
    with playground_for(PLAN) as slack:
        run = KillRun(PLAN, slack, url, nursery, step)
        # Each by another person, so that no one's rows wait behind another's, which by now are long put off.
        for person in run.people:
            dying = run.start(may_die=True)  # what was left behind may bring it to the step at once
            run.write(1, by=person)
            dying.wait(DIES_WITHIN_S)
        run.order = NEVER
        last = run.start()
        is_quiet = run.wait_until_quiet(QUIET_WITHIN_S)
        findings = run.findings()
        last.kill()
    assert findings == [], f"step {step}, seed {PLAN.seed}"
    assert is_quiet
