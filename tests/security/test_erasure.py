"""Forgetting: a person, a workspace, what ended long ago. Looked for byte by byte, in every file and every table."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, cast, event, func, make_url, select, text
from typer.testing import CliRunner

from bot.__main__ import app
from bot.erase import read_person
from bot.errors import BotError
from bot.export import export_events
from bot.ids import EventKind
from bot.jobs.forget import forget_words
from bot.jobs.prune import prune
from bot.jobs.reconcile import reconcile
from bot.services.purge import erase_workspace
from bot.storage.database import Database, open_engine
from bot.storage.forgotten import erased_mark
from bot.storage.scrubbing import SCRUB, scrub, scrub_if_due
from bot.storage.tables import (
    Assignment,
    Base,
    Conversation,
    Event,
    InboxRow,
    Lock,
    RequestMessage,
    SatisfactionQuestion,
    SupportRequest,
)
from tests.scenarios.conftest import ASK_ONE, CLOSE, Desk, utc_now

CANARY = "xylophonequokka"
RILEY = "U0RILEY"


def bytes_of(url: str, *words: str) -> dict[str, int]:
    """How often each word stands in the database's files (SQLite, its log and index) or columns (PostgreSQL)."""
    if url.startswith("sqlite"):
        path = Path(make_url(url).database or "")
        content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
        return {word: content.count(word.encode()) for word in words}
    return dict.fromkeys(words, 0)


def cells_with(db: Database, word: str) -> list[str]:
    """Every column that still holds ``word`` somewhere."""
    found = []
    with db.reading() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                held = cast(column, String).contains(word, autoescape=True)
                if session.scalar(select(func.count()).select_from(table).where(held)):
                    found.append(f"{table.name}.{column.name}")
    return found


def live_a_little(desk: Desk) -> None:
    """Riley writes, closes, undoes, adds, asks; an agent takes it, and takes Sam's too; both open App Home."""
    desk.start_bot()
    riley, sam = desk.riley, desk.sam
    riley.dm(f"the vpn of {CANARY} drops", files=[riley.upload(f"{CANARY}.png", b"png")])
    card = desk.sees(riley, "This may help")
    riley.press(card, CLOSE)
    riley.press(desk.sees(riley, "Closed with"), "Undo")
    agent, offer = desk.offer_to()
    riley.reply(card, f"and {CANARY} again")
    agent.press(offer, "Accept")
    desk.sees(riley, "has taken your request")
    riley.reply(card, f"still {CANARY}")
    desk.sees(agent, f"still {CANARY}")
    riley.dm(f"a printer for {CANARY}")
    desk.offer_to()
    riley.open_home()
    agent.open_home()
    sam.dm(f"my password, says <@{RILEY}>")
    sam.press(desk.sees(sam, "This may help"), ASK_ONE)
    desk.slack.eventually(lambda: riley.home)
    settle(desk)


def settle(desk: Desk) -> None:
    """Wait until nothing waits to be worked."""
    db = desk.bots[0].deps.db

    def is_settled() -> bool:
        with db.reading() as session:
            return not session.scalar(select(func.count()).where(InboxRow.done_at.is_(None)))

    desk.slack.eventually(is_settled, 15, what="all deliveries worked")


def test_an_administrator_forgets_a_person(desk: Desk, tmp_path: Path) -> None:
    """After the confirmation no byte of what they wrote is left, nor their id; the numbers are; others lose nothing."""
    live_a_little(desk)
    db = desk.bots[0].deps.db
    assert {"inbox.body", "outbox.payload", "request_messages.text", "support_requests.text"} <= set(
        cells_with(db, CANARY)
    )
    morgan = desk.person("U0MORGAN")
    morgan.command("/firstline", "erase @Riley Chen")
    asked = desk.sees(morgan, "Forget")
    morgan.press(asked, "Forget this person")
    desk.sees(morgan, "Forgotten: 2 requests")
    settle(desk)
    desk.stop_bots()
    scrub_if_due(db)
    assert cells_with(db, CANARY) == cells_with(db, RILEY) == cells_with(db, desk.riley.dm_channel) == []
    assert cells_with(db, "my password") != []
    with db.reading() as session:
        requests = session.scalars(select(SupportRequest).order_by(SupportRequest.id)).all()
        kinds = session.scalars(select(Event.kind)).all()
    assert [request.state for request in requests[:2]] == ["withdrawn", "withdrawn"]
    assert requests[0].requester_id == requests[1].requester_id != requests[2].requester_id == "U0SAM"
    assert kinds.count(EventKind.CLOSED_BY_SUGGESTION) == kinds.count(EventKind.ERASED) == 1
    out = tmp_path / "events.jsonl"
    export_events(db, out)
    assert not [word for word in (CANARY, RILEY) if word in out.read_text()]
    db.dispose()
    assert bytes_of(desk.database_url, CANARY, RILEY) == {CANARY: 0, RILEY: 0}


def test_the_command_line_forgets_a_person_while_the_bot_runs(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python -m bot erase` leaves no byte in the file, its log or its index, with a bot on the same database."""
    live_a_little(sqlite_desk)
    monkeypatch.setenv("DATABASE_URL", sqlite_desk.database_url)
    assert bytes_of(sqlite_desk.database_url, CANARY)[CANARY] > 0
    refused = CliRunner().invoke(app, ["erase", "--person", "T0PLAY/U0RILEY"], input="n\n")
    assert refused.exit_code == 1
    assert bytes_of(sqlite_desk.database_url, CANARY)[CANARY] > 0
    done = CliRunner().invoke(app, ["erase", "--person", "T0PLAY/U0RILEY", "--yes", "--json"])
    assert json.loads(done.stdout)["requests"] == 2
    assert bytes_of(sqlite_desk.database_url, CANARY, RILEY) == {CANARY: 0, RILEY: 0}
    again = CliRunner().invoke(app, ["erase", "--person", "T0PLAY/U0RILEY", "--yes", "--json"])
    assert json.loads(again.stdout) == {"requests": 0, "messages": 0, "deliveries": 0}


@pytest.mark.parametrize("person", ["U0RILEY", "riley@example.com", "T0PLAY/", "t0play/u0riley", ""])
def test_whom_to_forget_is_said_by_workspace_and_id(person: str) -> None:
    """Names and addresses are no persons."""
    with pytest.raises(BotError, match="TEAM/USER"):
        read_person(person)


def test_an_agent_can_be_forgotten(sqlite_desk: Desk) -> None:
    """Work in hand is offered anew; what they did is counted under a made-up name."""
    sqlite_desk.start_bot()
    sqlite_desk.riley.dm("the printer has feelings")
    agent, offer = sqlite_desk.offer_to()
    agent.press(offer, "Accept")
    sqlite_desk.sees(sqlite_desk.riley, "has taken your request")
    morgan = sqlite_desk.person("U0MORGAN")
    morgan.command("/firstline", f"erase {agent.id}")
    morgan.press(sqlite_desk.sees(morgan, "Forget"), "Forget this person")
    sqlite_desk.sees(morgan, "Forgotten: 0 requests")
    sqlite_desk.offer_to()
    db = sqlite_desk.bots[0].deps.db
    with db.reading() as session:
        first = session.scalars(select(Assignment).order_by(Assignment.id)).first()
        accepted = session.scalars(select(Event).where(Event.kind == EventKind.ACCEPTED)).one()
    assert first is not None
    assert first.agent_id == accepted.actor_id != agent.id
    assert str(accepted.actor_id).startswith("erased-")


def test_what_was_forgotten_does_not_come_back(sqlite_desk: Desk) -> None:
    """Old messages are in Slack still; the reading of missed ones leaves them there, and takes new ones."""
    bot = sqlite_desk.start_bot()
    sqlite_desk.riley.dm(f"vpn {CANARY}")
    sqlite_desk.sees(sqlite_desk.riley, "This may help")
    settle(sqlite_desk)
    morgan = sqlite_desk.person("U0MORGAN")
    morgan.command("/firstline", "erase @Riley Chen")
    morgan.press(sqlite_desk.sees(morgan, "Forget"), "Forget this person")
    sqlite_desk.sees(morgan, "Forgotten: 1 requests")
    sqlite_desk.slack.set_request_url(None)
    sqlite_desk.riley.dm("password, and nobody hears of it")
    db = bot.deps.db
    with db.writing() as session:
        session.add(Conversation(team_id="T0PLAY", members=RILEY, channel_id=sqlite_desk.riley.dm_channel))
    later = lambda: utc_now() + timedelta(minutes=5)  # noqa: E731  # what is younger than a minute may still arrive
    with db.writing() as session:
        session.get(Conversation, ("T0PLAY", RILEY)).last_event_ts = f"{time.time() - 60:.6f}"
    at_once = lambda _seconds: None  # noqa: E731
    assert reconcile(db, later, bot.slack, threading.Event(), threading.Event(), wait=at_once) == 1
    assert cells_with(db, CANARY) == []
    assert cells_with(db, "nobody hears") == ["inbox.body"]


@pytest.mark.parametrize("told", ["app_uninstalled", "tokens_revoked"])
def test_a_workspace_that_takes_the_app_out_leaves_nothing(desk: Desk, told: str) -> None:
    """All of its rows are deleted, another workspace's stay; one event says that it was done."""
    live_a_little(desk)
    db = desk.bots[0].deps.db
    with db.writing() as session:
        session.add(Event(team_id="T0OTHER", at=utc_now(), kind=EventKind.OPENED, data={}))
    if told == "app_uninstalled":
        desk.slack.uninstall()
    else:
        desk.slack.send_event(told, {"type": told, "tokens": {"oauth": [], "bot": [desk.slack.bot_user]}})

    def is_purged() -> bool:
        with db.reading() as session:
            return bool(session.scalar(select(func.count()).where(Event.kind == EventKind.PURGED)))

    desk.slack.eventually(is_purged, 10, what="the purge")
    settle(desk)
    desk.stop_bots()
    scrub_if_due(db)
    assert cells_with(db, CANARY) == cells_with(db, RILEY) == []
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(SupportRequest)) == 0
        assert session.scalars(select(Event.kind).where(Event.team_id == "T0OTHER")).all() == ["opened"]
        assert session.scalars(select(Event.kind).where(Event.team_id == "T0PLAY")).all() == ["purged"]
    db.dispose()
    assert bytes_of(desk.database_url, CANARY, RILEY) == {CANARY: 0, RILEY: 0}


def test_a_person_who_revokes_their_own_token_takes_nothing_along(sqlite_desk: Desk) -> None:
    """Only the bot's token is the workspace's word."""
    bot = sqlite_desk.start_bot()
    sqlite_desk.riley.dm("vpn")
    sqlite_desk.sees(sqlite_desk.riley, "This may help")
    sqlite_desk.slack.send_event("tokens_revoked", {"type": "tokens_revoked", "tokens": {"oauth": [RILEY]}})
    settle(sqlite_desk)
    assert cells_with(bot.deps.db, "vpn") != []


@pytest.fixture
def old_request(sqlite_url: str) -> Callable[..., Database]:
    """A database with one request that has ended ``ended_days`` ago."""

    def make(ended_days: float, state: str = "closed") -> Database:
        db = Database(open_engine(sqlite_url))
        at = utc_now() - timedelta(days=ended_days)
        with db.writing() as session:
            session.add(
                SupportRequest(
                    id=1,
                    team_id="T1",
                    requester_id="U1",
                    channel_id="D1",
                    thread_ts="1.0",
                    text=CANARY,
                    state=state,
                    opened_at=at,
                    closed_at=at,
                    reopened_count=0,
                )
            )
            session.flush()
            session.add(
                RequestMessage(
                    team_id="T1", request_id=1, channel_id="D1", ts="1.0", text=CANARY, received_at=at
                )
            )
            helped = Assignment(
                id=1,
                team_id="T1",
                request_id=1,
                agent_id="U2",
                state="resolved",
                cost=0,
                reason="",
                terms={},
                offered_at=at,
            )
            session.add(helped)
            session.flush()
            session.add(
                SatisfactionQuestion(
                    team_id="T1", request_id=1, assignment_id=1, asked_at=at, answer="bad", comment=CANARY
                )
            )
        return db

    return make


def test_words_of_old_requests_are_removed_and_the_count_stays(old_request: Any, sqlite_url: str) -> None:
    """A year after its end a request is a row without words; no byte of them is left in the files."""
    db = old_request(366)
    assert bytes_of(sqlite_url, CANARY)[CANARY] > 0
    assert forget_words(db, utc_now, 365 * 86400, threading.Event()) == 1
    assert forget_words(db, utc_now, 365 * 86400, threading.Event()) == 0
    assert cells_with(db, CANARY) == []
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(SupportRequest)) == 1
        assert session.scalars(select(SatisfactionQuestion.answer)).all() == ["bad"]
    assert bytes_of(sqlite_url, CANARY) == {CANARY: 0}
    db.dispose()


@pytest.mark.parametrize(("days", "state"), [(364, "closed"), (366, "resolved"), (366, "in_progress")])
def test_words_that_may_be_needed_stay(old_request: Any, days: float, state: str) -> None:
    """Neither a younger request nor one that has not ended for good loses its words."""
    db = old_request(days, state)
    assert forget_words(db, utc_now, 365 * 86400, threading.Event()) == 0
    assert cells_with(db, CANARY) == [
        "support_requests.text",
        "request_messages.text",
        "satisfaction_questions.comment",
    ]
    db.dispose()


def test_marks_of_forgotten_conversations_go_with_the_deliveries(sqlite_url: str) -> None:
    """They are kept as long as deliveries are; other locks stay."""
    db = Database(open_engine(sqlite_url))
    with db.writing() as session:
        old, new = utc_now() - timedelta(days=31), utc_now()
        session.add_all([Lock(name=erased_mark("T1", "D1"), taken_at=old), Lock(name="scrub", taken_at=old)])
        session.add(Lock(name=erased_mark("T1", "D2"), taken_at=new))
    assert prune(db, utc_now, 30 * 86400, 0, threading.Event()) == 1
    with db.reading() as session:
        assert set(session.scalars(select(Lock.name))) == {erased_mark("T1", "D2"), "scrub"}
    db.dispose()


def test_another_process_that_writes_puts_a_scrub_off(sqlite_url: str) -> None:
    """It is said in words, and tried again."""
    engine = open_engine(sqlite_url)
    event.listen(engine, "connect", lambda made, _record: made.execute("PRAGMA busy_timeout=100"))
    other = sqlite3.connect(make_url(sqlite_url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(BotError, match="still"):
        scrub(Database(engine))
    other.execute("ROLLBACK")
    other.close()
    scrub(Database(engine))
    engine.dispose()


def test_a_scrub_that_was_asked_for_is_not_forgotten(sqlite_url: str) -> None:
    """While somebody reads, the files cannot be written anew; the wish stays until they could."""
    engine = open_engine(sqlite_url)
    event.listen(engine, "connect", lambda made, _record: made.execute("PRAGMA busy_timeout=100"))
    db = Database(engine)
    with db.writing() as session:
        erase_workspace(session, utc_now(), team_id="T1", row_id=None)
    with db.reading() as reader:
        reader.scalars(select(Event)).all()
        with pytest.raises(BotError, match="still"):
            scrub_if_due(db)
    assert scrub_if_due(db)
    assert not scrub_if_due(db)
    with db.reading() as session:
        assert SCRUB not in session.scalars(select(Lock.name)).all()
    db.dispose()


@pytest.fixture
def postgres_with_words(postgres_database_url: str) -> Iterator[Database]:
    """A PostgreSQL with one request."""
    engine = open_engine(postgres_database_url)
    db, now = Database(engine), utc_now()
    row = {"channel_id": "D1", "thread_ts": "1.0", "state": "closed", "opened_at": now, "reopened_count": 0}
    with db.writing() as session:
        session.add(SupportRequest(id=1, team_id="T1", requester_id=RILEY, text=CANARY, **row))
    yield db
    engine.dispose()


def is_on_disk(db: Database) -> bool:
    """Whether the word stands in the file that PostgreSQL keeps the requests in."""
    path = "pg_read_binary_file(pg_relation_filepath('support_requests'))"
    with db.engine.connect() as connection:
        connection.execute(text("CHECKPOINT"))
        return bool(connection.scalar(text(f"SELECT position(CAST('{CANARY}' AS bytea) IN {path}) > 0")))


@pytest.mark.postgres
@pytest.mark.parametrize("holds", ["a snapshot", "a transaction"])
def test_a_scrub_waits_for_whoever_still_sees_what_was_deleted(
    postgres_with_words: Database, postgres_url: str, holds: str
) -> None:
    """A reader that began before, though it has touched no table of ours, keeps the bytes: that is said, and tried again."""
    db = postgres_with_words
    with old_reader(postgres_url, holds):
        with db.writing() as session:
            erase_workspace(session, utc_now(), team_id="T1", row_id=None)
        with pytest.raises(BotError, match="still"):
            scrub(db, ended_within_s=0.3)
    assert scrub_if_due(db)
    assert not is_on_disk(db)


@contextmanager
def old_reader(url: str, holds: str) -> Iterator[None]:
    """Somebody else on the same server who holds on to how things stand now."""
    ask = {
        "a snapshot": "SELECT pg_current_snapshot()",
        "a transaction": "SELECT pg_current_xact_id()",
    }
    engine = open_engine(url)
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.execute(text(ask[holds]))
        yield
    engine.dispose()


@pytest.mark.postgres
def test_a_scrub_waits_for_no_younger_reader(postgres_with_words: Database, postgres_url: str) -> None:
    """Whoever began after the deletion does not see it."""
    db = postgres_with_words
    with db.writing() as session:
        erase_workspace(session, utc_now(), team_id="T1", row_id=None)
    with old_reader(postgres_url, "a snapshot"):
        scrub(db, ended_within_s=0)
    assert not is_on_disk(db)


@pytest.mark.postgres
def test_a_scrub_waits_for_what_ends_soon(postgres_with_words: Database, postgres_url: str) -> None:
    """On a bot at work somebody is always in the middle of something, and at its end a moment later."""
    db, has_begun = postgres_with_words, threading.Event()

    def read() -> None:
        with old_reader(postgres_url, "a snapshot"):
            has_begun.set()
            time.sleep(0.5)

    reading = threading.Thread(target=read)
    reading.start()
    assert has_begun.wait(10)
    with db.writing() as session:
        erase_workspace(session, utc_now(), team_id="T1", row_id=None)
    scrub(db)
    reading.join()
    assert not is_on_disk(db)
