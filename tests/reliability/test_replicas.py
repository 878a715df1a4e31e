"""Two replicas on one PostgreSQL, one of them killed every few seconds: people notice nothing but a short wait.

At full size (`make soak ARGS=tests/reliability/test_replicas.py`): five minutes at 20 messages a second, a kill every
five seconds.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from playground.delivery import SLACK_RETRY_DELAYS_S
from playground.faults import FaultKind
from playground.manifest import read_manifest
from playground.testing import DeliveryTiming, FaultRule, PlaygroundServer, SeenMessage
from tests.reliability.apparatus.bot_process import Broken
from tests.reliability.apparatus.history import Delivered, Finding, FindingKind, check
from tests.reliability.apparatus.history_record import delivered_by, seen_in
from tests.reliability.apparatus.history_rows import looking_into, unsettled
from tests.reliability.apparatus.nursery import Nursery
from tests.reliability.apparatus.replicas import answers_in, killing, running, waits_s, write_for
from tests.serving import ROOT
from tests.sizes import at_full_size

pytestmark = pytest.mark.postgres
SEED = 7
LOST = {FindingKind.LOST, FindingKind.UNANSWERED, FindingKind.UNFINISHED}
TWICE = {FindingKind.ANSWERED_TWICE, FindingKind.SAID_TWICE}


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how fast, how many people, and how often one replica is killed.

    What a replica has in work when it dies waits for its lease to run out: ``lease_s`` decides how long people wait.
    """

    duration_s: float
    rate_per_s: float
    people: int
    kill_every_s: float
    lease_s: int
    p99_s: float
    retry_delays_s: tuple[float, ...]

    @property
    def settings(self) -> dict[str, str]:
        """The settings of each replica."""
        return {
            "FIRSTLINE_LEASE_S": str(self.lease_s),
            "FIRSTLINE_SLACK_TIMEOUT_S": str(self.lease_s / 3),
            "FIRSTLINE_POLL_S": "0.1",
        }


FULL = Plan(300, 20, 400, 5, lease_s=6, p99_s=10, retry_delays_s=SLACK_RETRY_DELAYS_S)
# Small, and patient: on a busy machine a start can take longer than Slack waits, and Slack's own second retry comes
# after a minute.
QUICK = Plan(5, 8, 40, 2, lease_s=3, p99_s=60, retry_delays_s=(0.0, 0.5, 2.0, 5.0, 10.0))
PLAN = FULL if at_full_size() else QUICK


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A Slack that, at full size, tries again as the real one does: at once, after a minute, after five."""
    timing = DeliveryTiming(ack_timeout_s=3.0, retry_delays_s=PLAN.retry_delays_s)
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml"), timing=timing) as server:
        yield server


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where replicas come from."""
    with Nursery("tests.reliability.apparatus.bot_process") as made:
        yield made


def findings(slack: PlaygroundServer, database_url: str, written: Sequence[SeenMessage]) -> list[Finding]:
    """What is wrong with the history. Slack's own record forgets the oldest, so what was written is added."""
    by_hand = [Delivered("", False, (message.channel, message.ts)) for message in written]
    return check([*delivered_by(slack), *by_hand], database_url, seen_in(slack))


def wait_until_quiet(
    slack: PlaygroundServer, database_url: str, written: Sequence[SeenMessage], timeout_s: float
) -> None:
    """Wait until everybody has an answer and no row is open, or for ``timeout_s``: the findings tell which."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        if not unsettled(database_url) and len(waits_s(written, answers_in(slack))) == len(written):
            break
        time.sleep(0.25)


def left_behind(database_url: str) -> int:
    """How many claims ran out a while ago: whole replicas look for such ones ten times a second."""
    overdue = (
        "(SELECT count(*) FROM {} WHERE state = 'claimed' AND lease_until < now() - interval '3 seconds')"
    )
    with looking_into(database_url) as connection:
        asked = f"SELECT {overdue.format('inbox')} + {overdue.format('outbox')}"
        return int(connection.execute(text(asked)).scalar_one())


@pytest.mark.timeout(900)
def test_one_of_two_replicas_dies_every_few_seconds(
    slack: PlaygroundServer,
    postgres_database_url: str,
    nursery: Nursery,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every message is answered, once, and nearly all within ten seconds."""
    slack.set_faults(FaultRule(FaultKind.SLOW, "chat.postMessage", delay_s=0.1))  # as Slack takes to post
    with running(nursery, slack, postgres_database_url, **PLAN.settings) as replicas:
        with killing(replicas, PLAN.kill_every_s):
            written = write_for(slack, PLAN.duration_s, PLAN.rate_per_s, PLAN.people, SEED)
        wait_until_quiet(slack, postgres_database_url, written, 90)
    waited = waits_s(written, answers_in(slack))
    p50_s, p99_s = (waited[int(len(waited) * share)] for share in (0.5, 0.99))
    with capsys.disabled():
        print(
            f"\n{len(written)} messages, {replicas.kills} kills (seed {SEED}): p50 {p50_s:.2f} s, p99 {p99_s:.2f} s,"
            f" longest {waited[-1]:.2f} s"
        )
    assert findings(slack, postgres_database_url, written) == []
    assert replicas.kills > 0
    assert p99_s < PLAN.p99_s


def test_without_takeover_it_is_noticed(
    slack: PlaygroundServer, postgres_database_url: str, nursery: Nursery
) -> None:
    """When a claim never runs out, what the dead replica had in work stays where it is, and the same check says so."""
    slow = FaultRule(FaultKind.SLOW, "chat.postMessage", delay_s=0.5)  # so that the kill finds it at work
    slack.set_faults(slow)
    with running(nursery, slack, postgres_database_url, Broken.TAKEOVER, **QUICK.settings) as replicas:
        written = write_for(slack, 1, 15, 15, SEED)
        replicas.kill(0)
        slack.eventually(lambda: left_behind(postgres_database_url), 60, what="a claim nobody takes over")
    assert LOST & {finding.kind for finding in findings(slack, postgres_database_url, written)}


def test_with_claims_that_are_not_exclusive_it_is_noticed(
    slack: PlaygroundServer, postgres_database_url: str, nursery: Nursery
) -> None:
    """When a claim keeps nobody else away, things are said twice, and the same check says so."""
    slack.set_faults(FaultRule(FaultKind.SLOW, "chat.postMessage", delay_s=0.5))
    with running(nursery, slack, postgres_database_url, Broken.CLAIMS, **QUICK.settings):
        written = write_for(slack, 0.5, 10, 5, SEED)
        slack.eventually(
            lambda: TWICE & {found.kind for found in findings(slack, postgres_database_url, written)}, 60
        )
