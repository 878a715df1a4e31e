"""A bot told to stop ends within ten seconds and loses nothing, whatever hangs; a new one is ready within ten seconds.

Real processes, as `python -m bot serve` starts them; at full size with a real model, which takes its time to be read.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from playground.faults import FaultKind
from playground.manifest import read_manifest
from playground.testing import DeliveryTiming, FaultRule, PlaygroundServer
from tests.reliability.apparatus.history import check
from tests.reliability.apparatus.history_record import delivered_by, seen_in
from tests.reliability.apparatus.replicas import write_for
from tests.serving import ROOT, free_port, no_settings, serve
from tests.sizes import at_full_size, full_size_only

SEED = 11
AT_FULL_SIZE = at_full_size()
# The promise is ten seconds. The quick version has room for a busy machine, and Slack's silence is longer than that.
WITHIN_S = 10.0 if AT_FULL_SIZE else 90.0
SLACK_TIMEOUT_S = 10 if AT_FULL_SIZE else 150
PATIENCE_S = 120.0
HANGS = FaultRule(FaultKind.HANG_BEFORE, delay_s=300)  # every call of the Web API


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A Slack that tries again for half a minute, so that what was not acknowledged finds the next bot."""
    timing = DeliveryTiming(ack_timeout_s=3.0, retry_delays_s=(0.5,) * 60)
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml"), timing=timing) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Served:
    """A bot's process that is ready; ``ready_s`` is how long that took."""

    process: "subprocess.Popen[bytes]"
    ready_s: float

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM and wait; return exit code and seconds."""
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        return code, time.monotonic() - began_s


@dataclass(frozen=True, slots=True)
class Server:
    """Starts a bot's process with this environment, always on the same port."""

    environment: dict[str, str]
    folder: Path

    @contextmanager
    def __call__(self) -> Iterator[Served]:
        """A bot that is ready; it is killed at the end if it still runs."""
        began_s = time.monotonic()
        process = serve(self.environment, self.folder, self.folder / "log")
        try:
            yield Served(process, time.monotonic() - began_s)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def server(
    slack: PlaygroundServer, model_dir: Path, encoder_dir: Path, tmp_path: Path
) -> Callable[[str], Server]:
    """Make what starts bots on this Slack and a database."""

    def make(database_url: str) -> Server:
        port = free_port()
        slack.set_request_url(f"http://127.0.0.1:{port}/slack/events")
        environment = {
            **no_settings(),
            **slack.app_environment(),
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATABASE_URL": database_url,
            "MODEL_DIR": str(model_dir if AT_FULL_SIZE else tmp_path / "no model"),
            "ENCODER_DIR": str(encoder_dir),
            "FIRSTLINE_SLACK_TIMEOUT_S": str(SLACK_TIMEOUT_S),
            "FIRSTLINE_LEASE_S": str(3 * SLACK_TIMEOUT_S),
            "PYTHONPATH": str(ROOT),
        }
        return Server(environment, tmp_path)

    return make


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Somebody else keeps the database to themselves: every write waits, and gets nowhere."""
    engine = create_engine(database_url)
    is_sqlite = engine.dialect.name == "sqlite"
    options = {"isolation_level": "AUTOCOMMIT"} if is_sqlite else {}
    with engine.connect().execution_options(**options) as connection:
        connection.execute(
            text("BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE inbox, outbox IN ACCESS EXCLUSIVE MODE")
        )
        yield
        connection.execute(text("ROLLBACK"))
    engine.dispose()


Trouble = Callable[[PlaygroundServer, str], AbstractContextManager[None]]


@contextmanager
def slack_hangs(slack: PlaygroundServer, _database_url: str) -> Iterator[None]:
    """No call of the Web API comes back."""
    slack.set_faults(HANGS)
    yield
    slack.set_faults()


def database_locked(_slack: PlaygroundServer, database_url: str) -> AbstractContextManager[None]:
    """No write comes back."""
    return locked(database_url)


@contextmanager
def everything_hangs(slack: PlaygroundServer, database_url: str) -> Iterator[None]:
    """Neither comes back."""
    with slack_hangs(slack, database_url), locked(database_url):
        yield


TROUBLES = (everything_hangs, slack_hangs, database_locked)


def wait_until_answered(slack: PlaygroundServer, database_url: str) -> None:
    """Wait until each message is answered, once, and no row is open."""
    slack.eventually(
        lambda: time.sleep(0.3) or not check(delivered_by(slack), database_url, seen_in(slack)),
        PATIENCE_S,
        what="everything answered, once",
    )


@pytest.mark.timeout(300)
def test_told_to_stop_under_load_it_drains_and_the_next_one_finishes(
    slack: PlaygroundServer, server: Callable[[str], Server], sqlite_url: str
) -> None:
    """Exit code 0 within ten seconds; a new bot is ready within ten, and whatever was acknowledged is answered, once."""
    start = server(sqlite_url)
    with start() as bot:
        writing = threading.Thread(target=write_for, args=(slack, 2, 20, 20, SEED))
        writing.start()
        time.sleep(1)
        code, ended_s = bot.stop()
        writing.join()
    with start() as other:
        wait_until_answered(slack, sqlite_url)
    assert len(delivered_by(slack)) == 40
    report(bot.ready_s, ended_s, other.ready_s)
    assert code == 0
    assert max(bot.ready_s, ended_s, other.ready_s) < WITHIN_S


@full_size_only
@pytest.mark.timeout(400)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_told_to_stop_while_nothing_comes_back_it_ends_all_the_same(
    slack: PlaygroundServer, server: Callable[[str], Server], sqlite_url: str, trouble: Trouble
) -> None:
    """Exit code 0 within ten seconds; the next bot is ready within ten while Slack is still silent."""
    start = server(sqlite_url)
    with start() as bot, trouble(slack, sqlite_url):
        write_for(slack, 1, 20, 20, SEED)
        code, ended_s = bot.stop()
    slack.set_faults(HANGS)
    with start() as other:
        slack.set_faults()
        wait_until_answered(slack, sqlite_url)  # what was in work waits for its lease to run out
    report(bot.ready_s, ended_s, other.ready_s)
    assert code == 0
    assert max(bot.ready_s, ended_s, other.ready_s) < WITHIN_S


def report(ready_s: float, ended_s: float, ready_again_s: float) -> None:
    """Shown with -s."""
    print(
        f"ready after {ready_s:.1f} s, ended after {ended_s:.1f} s, the next ready after {ready_again_s:.1f} s"
    )
