"""The bot is killed at random moments while people write and Slack has its faults: nothing is lost or said twice."""

import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from statistics import median

import pytest

from tests.reliability.apparatus.bot_process import Broken
from tests.reliability.apparatus.history import FindingKind
from tests.reliability.apparatus.kill_figures import first_rows_s, spans
from tests.reliability.apparatus.kill_run import QUICK_SETTINGS, KillPlan, KillRun, playground_for
from tests.reliability.apparatus.nursery import Nursery
from tests.sizes import at_full_size, full_size_only

# Few messages, so more than usual goes wrong with each.
SHORT = KillPlan(
    kills=3,
    messages=30,
    people=15,
    agents=6,
    seed=5,
    second_s=0.005,
    quiet_s=1.0,
    events=0.3,
    calls=0.1,
    settings=QUICK_SETTINGS,
)
FULL = KillPlan(kills=200, messages=2_000, people=200, agents=20, seed=5)
FULL_SIZE = at_full_size()
FIRST_ROW_WITHIN_S = 5.0 if FULL_SIZE else 30.0  # the quick run shares its machine with other tests
DRAINED_WITHIN_S = 120.0
BOTS = "tests.reliability.apparatus.bot_process"
PLAN = FULL if FULL_SIZE else SHORT
PATIENCE_S = 600 if FULL_SIZE else 150  # where many tests run at once
TWICE = (FindingKind.ANSWERED_TWICE, FindingKind.OFFERED_TWICE, FindingKind.SAID_TWICE)


pytestmark = pytest.mark.timeout(3600 if FULL_SIZE else 300)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where the bots come from."""
    with Nursery(BOTS) as started:
        yield started


@pytest.fixture(
    params=["sqlite_url", *([pytest.param("postgres_database_url", marks=pytest.mark.postgres)] * FULL_SIZE)]
)
def url(request: pytest.FixtureRequest) -> str:
    """A migrated database: SQLite, and at full size PostgreSQL too."""
    return str(request.getfixturevalue(request.param))


def test_killed_anywhere_nothing_is_lost_or_said_twice(nursery: Nursery, url: str) -> None:
    """Whenever the bot dies: each message has one answer, each request one offer and one escalation."""
    with playground_for(PLAN) as slack:
        run = KillRun(PLAN, slack, url, nursery)
        began_s = time.time()
        run.go_through()
        last_s = time.time()
        is_quiet = run.wait_until_quiet(PATIENCE_S)
        findings = run.findings()
    first_s = first_rows_s(run.lives, spans(url, "inbox"))
    print(
        f"\n{len(run.lives)} kills within {last_s - began_s:.0f} s, {len(run.said)} messages, {len(run.pressed)} presses; "
        f"first row {_worst(first_s)} after the order to start; {_drained(url, last_s)}"
    )
    assert findings == [], f"seed {PLAN.seed}"
    assert is_quiet
    assert len(run.said) == PLAN.messages
    assert all(seconds < FIRST_ROW_WITHIN_S for seconds in first_s)


@full_size_only
def test_a_backlog_is_drained(nursery: Nursery, url: str) -> None:
    """What was stored and not worked when the bot died, its next process works: soon the first, within minutes all of it."""
    with playground_for(PLAN) as slack:
        run = KillRun(PLAN, slack, url, nursery, Broken.WORKERS)
        idle = run.start()
        run.write(PLAN.messages)
        slack.eventually(run.all_arrived, PATIENCE_S, what="all messages stored")
        idle.kill()
        ordered_s = time.time()
        # At full size a cold process, which has all of its code still to read.
        with Nursery(BOTS) if FULL_SIZE else nullcontext(nursery) as run.nursery:
            run.order = Broken.NOTHING
            last = run.start()
            is_quiet = run.wait_until_quiet(PATIENCE_S)
            findings = run.findings()
            last.kill()
    worked_s = [span.done_s - ordered_s for span in spans(url, "inbox")]
    print(
        f"\na backlog of {len(worked_s)}: the first row {min(worked_s):.2f} s after the start; {_drained(url, ordered_s)}"
    )
    assert findings == [], f"seed {PLAN.seed}"
    assert is_quiet
    assert min(worked_s) < FIRST_ROW_WITHIN_S
    assert max(worked_s) < DRAINED_WITHIN_S


def _worst(seconds: Sequence[float]) -> str:
    """A life that is too short, or had nothing waiting, does not tell; of a few lives none may."""
    if not seconds:
        return "(in no life to be told)"
    return f"{median(seconds):.2f} s (median), {max(seconds):.2f} s (longest of {len(seconds)})"


def _drained(url: str, since_s: float) -> str:
    worked_s, said_s = (max(span.done_s for span in spans(url, table)) for table in ("inbox", "outbox"))
    return f"all worked {worked_s - since_s:.1f} s and all said {said_s - since_s:.1f} s after the last start"


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (Broken.LOOK, TWICE),
        # A message is known by its ts as well, and each table has a key of its own: what is left for people is an apology.
        (Broken.DELIVERY_KEY, (*TWICE, FindingKind.DEAD_LETTER)),
        (Broken.OUTBOX, TWICE),
    ],
)
def test_a_bot_without_its_precautions_is_found_out(
    nursery: Nursery, sqlite_url: str, broken: Broken, expected: tuple[FindingKind, ...]
) -> None:
    """The same day with one precaution taken away: people see something twice, or an apology."""
    settings = {**QUICK_SETTINGS, "FIRSTLINE_MAX_ATTEMPTS": "4"}
    plan = replace(SHORT, kills=1, messages=60, calls=0.15, settings=settings)
    with playground_for(plan) as slack:
        run = KillRun(plan, slack, sqlite_url, nursery, broken)
        last = run.go_through()
        found = run.finding_within(expected, 150)
        last.kill()
    assert found
