"""More than can be worked: the backlog grows to its bound and no further, and nobody's message is lost over it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from bot.app import Bot
from bot.edge.worker import AHEAD
from bot.services.deciding import Decider
from bot.storage.tables import InboxRow, RowState, SupportRequest
from classifier import Decision
from playground.manifest import read_manifest
from playground.model import TEAM_ID
from playground.signing import signed_headers
from playground.testing import DeliveryTiming, PlaygroundServer
from tests.fakes import WordClassifier
from tests.reliability.apparatus.metrics_page import value
from tests.scenarios.conftest import Desk, migrated
from tests.serving import ROOT, ask

LIMIT = 20  # rows that may wait
SENT = 60
SETTLED_WITHIN_S = 120


class HeldClassifier(WordClassifier):
    """Decides once it is let; until then whoever asks waits, as for a machine that is far too busy."""

    def __init__(self) -> None:
        self.let = threading.Event()

    def decide(self, text: str) -> Decision:
        self.let.wait(SETTLED_WITHIN_S)
        return super().decide(text)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the edge said."""

    status: int
    retry_after: str | None


@pytest.fixture
def held() -> Iterator[HeldClassifier]:
    """A classifier that keeps every worker waiting until a test lets it decide."""
    classifier = HeldClassifier()
    yield classifier
    classifier.let.set()


def deliver(bot: Bot, slack: PlaygroundServer, number: int) -> Answered:
    """Person ``number`` writes to the bot; Slack delivers it, for the first time or again."""
    user = f"U0W{number:03d}"
    event = {
        "type": "message",
        "channel_type": "im",
        "channel": f"D{user[1:]}",
        "user": user,
        "text": "my vpn drops",
        "ts": f"1790000000.{number:06d}",
        "team": TEAM_ID,
    }
    body = {"type": "event_callback", "team_id": TEAM_ID, "event_id": f"EvWave{number}", "event": event}
    raw = json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | signed_headers(
        slack.signing_secret, raw, int(time.time())
    )
    with closing(HTTPConnection("127.0.0.1", bot.port, timeout=30)) as connection:
        connection.request("POST", "/slack/events", raw, headers)
        answer = connection.getresponse()
        return Answered(answer.status, answer.headers.get("Retry-After"))


def test_a_full_inbox_says_not_now_and_takes_everything_once_it_has_drained(
    sqlite_desk: Desk, held: HeldClassifier
) -> None:
    """503 with Retry-After and nothing stored at the bound; the same deliveries again, later: 200, and each worked once."""
    desk = sqlite_desk
    bot = desk.start_bot(Decider(held), firstline_inbox_limit=LIMIT)  # type: ignore[arg-type]
    people = [desk.slack.add_person(f"U0W{number:03d}", f"Wave {number}") for number in range(SENT)]
    answers = {number: deliver(bot, desk.slack, number) for number in range(SENT)}
    refused = [number for number, answer in answers.items() if answer.status == 503]
    assert {answer.status for answer in answers.values()} == {200, 503}
    assert all(int(answers[number].retry_after or 0) > 0 for number in refused)
    stored = desk.rows(InboxRow)
    taken = {f"{TEAM_ID}:EvWave{number}" for number, answer in answers.items() if answer.status == 200}
    assert {row.delivery_key for row in stored} == taken  # type: ignore[attr-defined]
    waiting = sum(row.state is RowState.READY for row in stored)  # type: ignore[attr-defined]
    in_work = bot.deps.settings.firstline_workers * AHEAD
    assert LIMIT - in_work <= waiting <= LIMIT  # it is counted once a second
    assert value(bot, "firstline_ack_seconds_count", status="503") == len(refused)
    assert value(bot, "firstline_inbox_rows", state="ready") == waiting
    status, page = ask(bot.port, "/health/ready")
    assert (status, "inbox" in json.loads(page)["degraded"]) == (200, True)
    held.let.set()

    def all_taken() -> bool:
        refused[:] = [number for number in refused if deliver(bot, desk.slack, number).status != 200]
        return not refused

    desk.slack.eventually(all_taken, SETTLED_WITHIN_S, what="room in the inbox")
    desk.slack.eventually(
        lambda: {row.state for row in desk.rows(InboxRow)} == {RowState.DONE},  # type: ignore[attr-defined]
        SETTLED_WITHIN_S,
        what="everything worked",
    )
    assert len(desk.rows(SupportRequest)) == len(desk.rows(InboxRow)) == len(people)


def test_slacks_own_retries_bring_everything_through_a_narrow_door(tmp_path: Path) -> None:
    """Far more is written at once than may wait: it comes in by and by, and everybody is answered once."""
    timing = DeliveryTiming(ack_timeout_s=30, retry_delays_s=(0.2,) * 500)
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml"), timing=timing) as slack:
        desk = Desk(slack, migrated(f"sqlite:///{tmp_path}/bot.db"))
        held = HeldClassifier()
        bot = desk.start_bot(Decider(held), firstline_inbox_limit=4)  # type: ignore[arg-type]
        try:
            people = [slack.add_person(f"U0N{n:02d}", f"Narrow {n}") for n in range(12)]
            for person in people:
                person.dm("my vpn drops")
            slack.eventually(
                lambda: value(bot, "firstline_ack_seconds_count", status="503"),
                SETTLED_WITHIN_S,
                what="somebody turned away",
            )
            held.let.set()
            slack.eventually(lambda: all(len(desk.cards(person)) == 1 for person in people), SETTLED_WITHIN_S)
            assert len(desk.rows(SupportRequest)) == len(people)
        finally:
            held.let.set()
            desk.stop_bots()
