"""The database is away, full, locked or read-only while people write: nothing is acknowledged that is not stored,
/health/ready says what is wrong, and the bot goes on by itself; Slack's retries bring what was refused.

How each is brought about. Away: PostgreSQL behind a line of the test's own that refuses or falls silent. Locked: another
process holds SQLite's write lock for longer than busy_timeout. Full: PRAGMA max_page_count, by which SQLite gives the
very error of a full disk (a small tmpfs would need root, and a limit on file sizes gives another error). Read-only:
PRAGMA query_only and default_transaction_read_only, by which both databases give the very error of a read-only file
or a standby (root, by whom tests may be run, can write read-only files).
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, make_url, select

from bot.app import Bot
from bot.storage.tables import RequestMessage
from playground.delivery import SLACK_RETRY_DELAYS_S
from playground.manifest import read_manifest
from playground.testing import DeliveryTiming, Outcome, PlaygroundServer
from tests.reliability.apparatus.broken_line import Line, LineState, line_to
from tests.reliability.apparatus.history import check
from tests.reliability.apparatus.history_record import delivered_by, seen_in
from tests.reliability.apparatus.history_rows import unsettled
from tests.scenarios.conftest import Desk, migrated
from tests.serving import ROOT, ask, is_ready
from tests.sizes import at_full_size

OUTAGE_S, EVENTS_A_SECOND, PEOPLE = (30.0, 20, 60) if at_full_size() else (1.0, 10, 12)
RETRIES_S = SLACK_RETRY_DELAYS_S if at_full_size() else (0.5, 3.0, 6.0)
BUSY_TIMEOUT_MS = 5000 if at_full_size() else 300
RECOVERED_WITHIN_S = 120
LOCK_SCRIPT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""

Trouble = Callable[[Bot], Any]  # a context manager: the database is in trouble inside of it


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A Slack that tries again: when Slack does (at once, after 1 and 5 minutes), or sooner in the quick version."""
    timing = DeliveryTiming(retry_delays_s=RETRIES_S)
    with PlaygroundServer(
        manifest=read_manifest(ROOT / "manifest.yml"), timing=timing, journal_kept=None
    ) as server:
        yield server


@contextmanager
def every_connection(bot: Bot, *statements: str, afterwards: tuple[str, ...]) -> Iterator[None]:
    """Have each connection run ``statements`` when it is taken from the pool, and ``afterwards`` from the end on."""
    current = list(statements)

    def run(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
        cursor = dbapi_connection.cursor()
        for statement in current:
            cursor.execute(statement)
        cursor.close()
        if hasattr(dbapi_connection, "pgconn"):
            dbapi_connection.commit()

    event.listen(bot.deps.db.engine, "checkout", run)
    try:
        yield
    finally:
        current[:] = afterwards


def full(bot: Bot) -> Any:
    """SQLite's file may not grow by a page."""
    return every_connection(bot, "PRAGMA max_page_count=1", afterwards=("PRAGMA max_page_count=1073741823",))


def read_only(bot: Bot) -> Any:
    """SQLite takes no writes."""
    return every_connection(bot, "PRAGMA query_only=ON", afterwards=("PRAGMA query_only=OFF",))


def standby(bot: Bot) -> Any:
    """PostgreSQL takes no writes."""
    setting = "SET default_transaction_read_only = "
    return every_connection(bot, setting + "on", afterwards=(setting + "off",))


@contextmanager
def locked(bot: Bot) -> Iterator[None]:
    """Another process holds SQLite's write lock."""
    path = str(make_url(bot.deps.settings.database_url).database)
    command = [sys.executable, "-c", LOCK_SCRIPT, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        yield
        holder.communicate("\n", timeout=30)


@contextmanager
def broken(line: Line, state: LineState) -> Iterator[None]:
    """The line to PostgreSQL refuses, or is silent."""
    line.turn(state)
    yield
    line.turn(LineState.OPEN)


class Writing:
    """People who write in turns, EVENTS_A_SECOND in all, from `start` to `stop`."""

    def __init__(self, desk: Desk) -> None:
        self._people = [desk.slack.add_person(f"U0P{n}", f"Person {n}") for n in range(PEOPLE)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)
        self.written = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> int:
        """End; return how many messages were written."""
        self._stopping.set()
        self._thread.join(60)
        return self.written

    def _run(self) -> None:
        began_s = time.monotonic()
        while not self._stopping.wait(max(0.0, began_s + self.written / EVENTS_A_SECOND - time.monotonic())):
            person = self._people[self.written % PEOPLE]
            person.dm(f"vpn trouble, number {self.written}")
            self.written += 1


def says(bot: Bot, words: str) -> bool:
    """Whether the bot is not ready, says why in these words, and what to do."""
    status, page = ask(bot.port, "/health/ready")
    if status != 503:
        return False
    told = json.loads(page)
    return words in json.dumps(told["checks"]) and bool(told["what_to_do"])


def live_through(desk: Desk, troubles: dict[str, Any], words: dict[str, str]) -> None:
    """People write while one trouble follows the other; each is told, and ends without a restart."""
    bot, slack = desk.bots[0], desk.slack
    writing = Writing(desk)
    writing.start()
    for name, trouble in troubles.items():
        slack.eventually(lambda: is_ready(bot.port), RECOVERED_WITHIN_S, what=f"ready before {name}")
        began_s = time.monotonic()
        with trouble:
            slack.eventually(lambda name=name: says(bot, words[name]), 30, what=f"{words[name]!r}")
            time.sleep(max(0.0, began_s + OUTAGE_S - time.monotonic()))
        ended_s = time.monotonic()
        slack.eventually(lambda: is_ready(bot.port), RECOVERED_WITHIN_S, what=f"ready after {name}")
        print(f"{name}: ready again after {time.monotonic() - ended_s:.1f} s")
    written = writing.stop()
    end_s = time.monotonic() + 600
    while not is_settled(bot, written) and time.monotonic() < end_s:
        time.sleep(0.5)
    told = slack.deliveries("message.im")
    refused = sum(d.outcome is not Outcome.OK for d in told if "bot_id" not in d.payload["event"])
    assert refused > 0
    assert check(delivered_by(slack), desk.database_url, seen_in(slack)) == []
    print(f"{written} messages, {refused} attempts refused, none lost")


def is_settled(bot: Bot, written: int) -> bool:
    """Whether each message belongs to a request, and no row waits."""
    with bot.deps.db.reading() as session:
        taken = session.scalar(select(func.count()).select_from(RequestMessage)) or 0
    return taken >= written and not unsettled(bot.deps.settings.database_url)


def test_sqlite_full_locked_or_read_only(sqlite_desk: Desk) -> None:
    """No 200 without a row, a reason that helps, nothing lost, and no restart."""
    bot = sqlite_desk.start_bot(firstline_lease_s=3, firstline_slack_timeout_s=1)
    with every_connection(bot, f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}", afterwards=()):
        troubles = {"full": full(bot), "locked": locked(bot), "read-only": read_only(bot)}
        words = {
            "full": "the disk is full",
            "locked": "locked by another process",
            "read-only": "is read-only",
        }
        live_through(sqlite_desk, troubles, words)


@pytest.mark.postgres
def test_postgres_away_silent_or_a_standby(slack: PlaygroundServer, postgres_schema_url: str) -> None:
    """No 200 without a row, a reason that helps, nothing lost, and no restart."""
    with line_to(migrated(postgres_schema_url)) as line:
        desk = Desk(slack, line.url)
        bot = desk.start_bot(firstline_lease_s=3, firstline_slack_timeout_s=1)
        try:
            troubles = {
                "away": broken(line, LineState.REFUSING),
                "silent": broken(line, LineState.SILENT),
                "standby": standby(bot),
            }
            words = {"away": "cannot be reached", "silent": "no answer within", "standby": "is read-only"}
            live_through(desk, troubles, words)
        finally:
            line.turn(LineState.OPEN)
            desk.stop_bots()
