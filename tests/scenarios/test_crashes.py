"""The bot is killed between any two steps; the next one finishes what was begun, and says nothing twice."""

from collections.abc import Iterator

import pytest

from bot.storage.tables import Assignment, InboxRow, OutboxRow, RowState, SupportRequest
from playground.manifest import read_manifest
from playground.testing import DeliveryTiming, PlaygroundServer
from tests.reliability.apparatus.nursery import Child, Nursery
from tests.scenarios.conftest import Desk
from tests.scenarios.crashing_bot import STEPS
from tests.serving import ROOT

LEASE_S = 3.0


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A Slack whose retries leave time for the next bot to come up."""
    timing = DeliveryTiming(ack_timeout_s=3.0, retry_delays_s=(4.0, 4.0, 4.0))
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml"), timing=timing) as server:
        yield server


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where the bots come from that die."""
    with Nursery("tests.scenarios.crashing_bot") as started:
        yield started


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_nothing_is_lost_or_said_twice(
    sqlite_desk: Desk, step: str, nursery: Nursery
) -> None:
    """One message, a kill at the step, a new bot: one request, one answer, one offer."""
    die_and_recover(sqlite_desk, step, nursery)


@pytest.mark.postgres
@pytest.mark.parametrize("step", ["stored", "written", "committed", "offered", "sent"])
def test_killed_at_a_step_on_postgres(
    slack: PlaygroundServer, postgres_database_url: str, step: str, nursery: Nursery
) -> None:
    """The steps whose transactions the two databases handle differently, on PostgreSQL."""
    desk = Desk(slack, postgres_database_url)
    try:
        die_and_recover(desk, step, nursery)
    finally:
        desk.stop_bots()


def die_and_recover(desk: Desk, step: str, nursery: Nursery) -> None:
    """Kill a bot at ``step``, start another, and look at what people saw."""
    dying = start_dying_bot(desk, step, nursery)
    desk.riley.dm("the printer has feelings")
    dying.wait(20)
    desk.start_bot(firstline_lease_s=LEASE_S, firstline_slack_timeout_s=1)

    holder, offer = desk.offer_to(timeout_s=20)
    desk.sees(desk.riley, "A person will look at this")
    holder.press(offer, "Accept")
    desk.sees(desk.riley, "has taken your request")
    desk.slack.eventually(lambda: settled(desk), 10, what="everything settled")

    assert len(desk.rows(SupportRequest)) == 1
    assert len(desk.rows(Assignment)) == 1
    assert desk.said_to(desk.riley, *desk.agents) == ["card", "line", "offer"]


def start_dying_bot(desk: Desk, step: str, nursery: Nursery) -> Child:
    """Start a bot of tests/scenarios/crashing_bot.py on the desk's database and point Slack to it."""
    environment = {
        **desk.slack.app_environment(),
        "DATABASE_URL": desk.database_url,
        "FIRSTLINE_AGENTS": "U0ANA,U0BEN",
        "FIRSTLINE_LEASE_S": str(LEASE_S),
        "FIRSTLINE_SLACK_TIMEOUT_S": "1",
        "FIRSTLINE_POLL_S": "0.05",
        "FIRSTLINE_MATCH_TICK_S": "0.5",
    }
    child = nursery.start(step, environment)
    desk.slack.set_request_url(f"http://127.0.0.1:{child.port}/slack/events")
    return child


def settled(desk: Desk) -> bool:
    """Whether nothing waits and nothing was given up."""
    rows = [*desk.rows(InboxRow), *desk.rows(OutboxRow)]
    return all(row.state is RowState.DONE for row in rows)  # type: ignore[attr-defined]
