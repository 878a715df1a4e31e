"""The schema goes up, down and up again with people's rows in it, and the version before runs on the schema of this one."""

import subprocess
import sys
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, inspect, select

from bot.storage import schema
from bot.storage.database import open_engine
from bot.storage.tables import Base, Feedback, FeedbackKind
from tests.reliability.apparatus.filling import fill
from tests.scenarios.conftest import CLOSE, Desk
from tests.serving import ROOT, no_settings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REQUESTS = 60
OTHERS = {  # a row of each table that a desk's history does not fill
    "agents": {
        "team_id": "T1",
        "user_id": "U1",
        "is_on": True,
        "is_active": True,
        "skills": {},
        "languages": [],
        "created_at": NOW,
    },
    "conversations": {"team_id": "T1", "members": "U1", "channel_id": "D1"},
    "requesters": {"team_id": "T1", "user_id": "U1", "site": "berlin"},
    "routing_decisions": {"team_id": "T1", "at": NOW, "reason": "offer", "record": {}},
    "job_slots": {"job": "prune", "slot": 1, "claimed_at": NOW},
    "locks": {"name": "matching:T1", "taken_at": NOW},
}


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    """A database at this version's schema with rows in every table."""
    engine = open_engine(database_url)
    fill(engine, NOW, REQUESTS)
    with engine.begin() as connection:
        for name, row in OTHERS.items():
            connection.execute(Base.metadata.tables[name].insert(), row)
    yield engine
    engine.dispose()


def rows_of(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is there, by the database's own account of its columns."""
    there = MetaData()
    there.reflect(engine)
    with engine.connect() as connection:
        return {
            name: [
                dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))
            ]
            for name, table in there.tables.items()
            if name != "alembic_version"
        }


def test_every_table_has_rows(filled: Engine) -> None:
    """What follows says something of every table: a new one needs a row here, too."""
    rows = rows_of(filled)
    assert set(rows) == set(Base.metadata.tables)
    assert [name for name, found in rows.items() if not found] == []


def test_down_and_up_again_keeps_what_both_schemas_know(filled: Engine) -> None:
    """Step by step to the first schema and back: each row keeps every column that was there all the way."""
    before = rows_of(filled)
    revisions = [step.revision for step in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()]
    for revision in revisions[1:]:
        schema.downgrade(filled, revision)
        assert schema.current(filled) == revision
    oldest = rows_of(filled)
    schema.upgrade(filled)
    assert schema.differences(filled) == []
    after = rows_of(filled)
    for name, rows in oldest.items():
        columns = set(rows[0])
        for was, now in zip(before[name], after[name], strict=True):
            assert {c: now[c] for c in columns} == {c: was[c] for c in columns}, name
    schema.downgrade(filled)
    assert set(inspect(filled).get_table_names()) <= {"alembic_version"}
    schema.upgrade(filled)
    assert schema.differences(filled) == []


def git(*arguments: str) -> bytes:
    """What git says of this repository's past; the test is left out where there is none."""
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if ran.returncode:
        pytest.skip("there is no git history here: a tarball, or git itself is missing")
    return ran.stdout


@pytest.fixture
def old_code(tmp_path: Path) -> Path:
    """The code of the last commit before the newest migration came."""
    head = next(iter(ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()))
    path = Path(head.path).relative_to(ROOT)
    added = git("log", "--diff-filter=A", "--format=%H", "--", str(path)).decode().split()
    before = (
        f"{added[-1]}^" if added else "HEAD"
    )  # not committed yet: what is committed is the version before
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        pytest.skip("the clone is shallow: the version before is not in it")
    code = tmp_path / "old"
    with tarfile.open(fileobj=BytesIO(git("archive", "--format=tar", before))) as archive:
        archive.extractall(code, filter="data")
    assert not (code / path).exists()
    return code


RUNS_OLD_BOT = """
import sys, threading
from datetime import UTC, datetime
from bot.app import build
from bot.edge.server import listen
from bot.services.deciding import Decider
from bot.settings import load_settings
from bot.storage import schema
from tests.fakes import WordClassifier
schema.require_head = lambda _engine: None  # it started before the schema changed under it
bot = build(load_settings(), lambda: datetime.now(UTC), listen("127.0.0.1", 0), Decider(WordClassifier()))
bot.start()
print(bot.port, flush=True)
threading.Event().wait(120)
"""


@pytest.fixture
def old_bot(desk: Desk, old_code: Path) -> Iterator["subprocess.Popen[str]"]:
    """That code's bot as a process of its own, on this version's schema; Slack is told its address."""
    environment = {
        **no_settings(),
        **desk.slack.app_environment(),
        "DATABASE_URL": desk.database_url,
        "FIRSTLINE_AGENTS": "U0ANA,U0BEN",
        "FIRSTLINE_POLL_S": "0.05",
        "PYTHONPATH": str(old_code),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", RUNS_OLD_BOT], env=environment, cwd=old_code, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    assert port, "the version before did not start"
    desk.slack.set_request_url(f"http://127.0.0.1:{port}/slack/events")
    yield process
    process.kill()
    process.wait()


def test_the_version_before_runs_on_the_new_schema(desk: Desk, old_bot: "subprocess.Popen[str]") -> None:
    """During an upgrade it answers a message and counts a click; this version's bot goes on with what it left."""
    desk.riley.dm("the vpn drops")
    card = desk.sees(desk.riley, "VPN", timeout_s=30)
    desk.riley.press(card, CLOSE)
    desk.sees(desk.riley, "Undo", timeout_s=30)
    old_bot.kill()
    old_bot.wait()
    (click,) = desk.rows(Feedback)
    assert click.kind is FeedbackKind.CLOSED  # type: ignore[attr-defined]
    desk.start_bot()
    card = desk.riley.find("Undo")
    assert card is not None
    desk.riley.press(card, "Undo")
    desk.offer_to(timeout_s=30)
