"""The history checker finds what is wrong: a sound history of a real bot is spoiled in one way at a time."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from playground.manifest import read_manifest
from playground.testing import PlaygroundServer
from tests.reliability.apparatus.history import Delivered, Finding, FindingKind, Seen, check
from tests.reliability.apparatus.history_record import delivered_by, seen_in
from tests.scenarios.conftest import Desk, migrated
from tests.serving import ROOT


@dataclass
class History:
    """One that can be spoiled: a database of its own, and lists."""

    database: Path
    delivered: list[Delivered]
    seen: list[Seen]

    def sql(self, statement: str) -> None:
        """Change rows behind the bot's back; it must change at least one."""
        connection = sqlite3.connect(self.database)
        with connection:
            assert connection.execute(statement).rowcount > 0
        connection.close()

    def the(self, kind: str) -> Seen:
        """The first message of this kind that people see."""
        return next(seen for seen in self.seen if seen.kind == kind)

    def findings(self) -> list[Finding]:
        """What the checker says of it."""
        return check(self.delivered, f"sqlite:///{self.database}", self.seen)


def live(desk: Desk) -> tuple[list[Delivered], list[Seen]]:
    """Let two people be helped, by way of a suggestion, a decline and an agent; what Slack knows of it."""
    desk.start_bot()
    desk.riley.dm("vpn")
    desk.riley.press(desk.sees(desk.riley, "This may help"), "Ask a person")
    holder, offer = desk.offer_to()
    holder.press(offer, "Decline")
    holder, offer = desk.offer_to(*(agent for agent in desk.agents if agent.id != holder.id))
    holder.press(offer, "Accept")
    desk.sees(desk.riley, "has taken your request")
    desk.sam.dm("the printer has feelings")
    desk.offer_to()
    desk.slack.eventually(lambda: not check([], desk.database_url, seen_in(desk.slack)), what="all quiet")
    desk.stop_bots()
    return delivered_by(desk.slack), seen_in(desk.slack)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A sound history, made once."""
    database = tmp_path_factory.mktemp("history") / "bot.db"
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml")) as slack:
        yield History(database, *live(Desk(slack, migrated(f"sqlite:///{database}"))))


@pytest.fixture
def history(lived: History, tmp_path: Path) -> History:
    """A copy of it, to be spoiled."""
    source, copy = sqlite3.connect(lived.database), sqlite3.connect(tmp_path / "copy.db")
    source.backup(copy)
    source.close()
    copy.close()
    return History(tmp_path / "copy.db", list(lived.delivered), list(lived.seen))


def test_a_sound_history_has_no_findings(history: History) -> None:
    """Two messages and three clicks, all acknowledged, worked and answered."""
    assert history.findings() == []
    assert [delivered.is_acknowledged for delivered in history.delivered] == [True] * 5
    assert {seen.kind for seen in history.seen} >= {"card", "line", "offer", "group"}


@pytest.mark.postgres
def test_a_sound_history_on_postgres(slack: PlaygroundServer, postgres_database_url: str) -> None:
    """Both databases are read alike."""
    desk = Desk(slack, postgres_database_url)
    try:
        delivered, seen = live(desk)
    finally:
        desk.stop_bots()
    assert check(delivered, postgres_database_url, seen) == []
    assert {f.kind for f in check(delivered, postgres_database_url, seen[1:])} >= {FindingKind.UNSEEN}


def _message_without_a_request(history: History) -> None:
    history.delivered.append(Delivered("EvNever", False, ("D0SAM", "1.0")))


def _acknowledged_and_forgotten(history: History) -> None:
    history.sql(f"DELETE FROM inbox WHERE delivery_key LIKE '%{history.delivered[0].delivery_id}'")


def _click_forgotten(history: History) -> None:
    click = next(delivered for delivered in history.delivered if delivered.message is None)
    history.sql(f"DELETE FROM inbox WHERE delivery_key LIKE '%{click.delivery_id}'")


def _answer_never_said(history: History) -> None:
    history.seen.remove(card := history.the("card"))
    history.sql(f"DELETE FROM outbox WHERE dedupe_key = '{card.key}' OR kind = 'update'")


def _answer_said_again(history: History) -> None:
    history.seen.append(replace(history.the("card"), ts="9.9"))


def _answer_under_another_name(history: History) -> None:
    """Two rows, each said once: as if one message had opened two requests."""
    card = history.the("card")
    columns = "team_id, lane, kind, message_key, payload, state, attempts, created_at, due_at"
    history.sql(
        f"INSERT INTO outbox (dedupe_key, {columns}) "
        f"SELECT 'T0PLAY:card:77', {columns} FROM outbox WHERE dedupe_key = '{card.key}'"
    )
    history.seen.append(replace(card, ts="9.9", key="T0PLAY:card:77"))


def _offer_said_again(history: History) -> None:
    history.seen.append(replace(history.the("offer"), ts="9.9"))


def _offered_while_offered(history: History) -> None:
    history.sql(
        "UPDATE assignments SET agent_id = 'U0ANA', ended_at = NULL WHERE request_id = 1 AND state IN ('declined', 'accepted')"
    )


def _offered_after_declining(history: History) -> None:
    history.sql("UPDATE assignments SET agent_id = 'U0ANA' WHERE request_id = 1")


def _escalated_again(history: History) -> None:
    history.sql(
        "INSERT INTO events (team_id, at, kind, request_id, data) "
        "SELECT team_id, at, kind, request_id, data FROM events WHERE kind = 'escalated'"
    )


def _line_said_again(history: History) -> None:
    history.seen.append(replace(history.the("line"), ts="9.9"))


def _line_nobody_saw(history: History) -> None:
    history.seen.remove(history.the("line"))


def _change_nobody_saw(history: History) -> None:
    card = history.the("card")
    history.seen[history.seen.index(card)] = replace(card, words="as it was first")


def _said_without_a_row(history: History) -> None:
    history.seen.append(Seen("D0SAM", "9.9", None, None, "out of nowhere"))


def _row_gone(history: History) -> None:
    history.sql(f"DELETE FROM outbox WHERE dedupe_key = '{history.the('line').key}'")


def _given_up_unheard(history: History) -> None:
    history.sql("UPDATE inbox SET state = 'dead', fault = 'RuntimeError' WHERE id = 1")


def _given_up_unsaid(history: History) -> None:
    history.sql("UPDATE outbox SET state = 'dead', fault = 'channel_not_found' WHERE id = 1")


def _still_to_be_said(history: History) -> None:
    history.sql("UPDATE outbox SET state = 'ready' WHERE id = 1")


SPOILED = [
    (_message_without_a_request, FindingKind.LOST),
    (_acknowledged_and_forgotten, FindingKind.NOT_STORED),
    (_click_forgotten, FindingKind.NOT_STORED),
    (_answer_never_said, FindingKind.UNANSWERED),
    (_answer_said_again, FindingKind.ANSWERED_TWICE),
    (_answer_under_another_name, FindingKind.ANSWERED_TWICE),
    (_offer_said_again, FindingKind.OFFERED_TWICE),
    (_offered_while_offered, FindingKind.OFFERED_TWICE),
    (_offered_after_declining, FindingKind.OFFERED_TWICE),
    (_escalated_again, FindingKind.ESCALATED_TWICE),
    (_line_said_again, FindingKind.SAID_TWICE),
    (_line_nobody_saw, FindingKind.UNSEEN),
    (_change_nobody_saw, FindingKind.UNSEEN),
    (_said_without_a_row, FindingKind.UNWRITTEN),
    (_row_gone, FindingKind.UNWRITTEN),
    (_given_up_unheard, FindingKind.DEAD_LETTER),
    (_given_up_unsaid, FindingKind.DEAD_LETTER),
    (_still_to_be_said, FindingKind.UNFINISHED),
]


@pytest.mark.parametrize(("spoil", "expected"), SPOILED, ids=lambda each: getattr(each, "__name__", None))
def test_what_is_wrong_is_found(
    history: History, spoil: Callable[[History], None], expected: FindingKind
) -> None:
    """One thing wrong, one kind of finding, and no other."""
    spoil(history)
    assert {finding.kind for finding in history.findings()} == {expected}


def test_every_kind_of_finding_is_tried() -> None:
    """A kind that no spoiled history shows might never be found."""
    assert {kind for _spoil, kind in SPOILED} == set(FindingKind)
