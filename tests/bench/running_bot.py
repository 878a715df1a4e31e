"""A bot as `make run` starts it, in a process of its own, and what that process uses."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from playground.testing import PlaygroundServer
from tests.serving import ROOT, free_port, no_settings, serve

STOP_WITHIN_S = 20
TABLES = (
    "inbox",
    "outbox",
    "posted_messages",
    "routing_decisions",
    "job_slots",
    "conversations",
    "support_requests",
    "events",
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process holds at a moment; ``cpu_s`` is all it has used so far."""

    resident_mb: float
    threads: int
    files: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Of the process ``pid``, its children left out."""
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            return cls(
                resident_mb=round(process.memory_info().rss / 1e6, 1),
                threads=process.num_threads(),
                files=process.num_fds(),
                cpu_s=times.user + times.system,
            )


class RunningBot:
    """`python -m bot serve` on a fresh database in ``folder``; ``given`` are further variables of its environment."""

    def __init__(self, slack: PlaygroundServer, folder: Path, **given: str) -> None:
        self.port = free_port()
        self.database = folder / "bench.db"
        self.log = folder / "bot.log"
        environment = {
            **no_settings(),
            **slack.app_environment(),
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "FIRSTLINE_AGENTS": "U0ANA,U0BEN,U0CHLOE",
            **given,
        }
        subprocess.run(
            [sys.executable, "-m", "bot", "migrate", "--quiet"], env=environment, check=True, cwd=ROOT
        )
        began_s = time.perf_counter()
        try:
            self.process = serve(environment, ROOT, self.log)
        except AssertionError as error:
            raise SystemExit(f"{error}\ntry `make run` first") from None
        self.start_s = round(time.perf_counter() - began_s, 1)
        slack.set_request_url(f"http://127.0.0.1:{self.port}/slack/events")

    @property
    def usage(self) -> Usage:
        """What it uses now."""
        return Usage.of(self.process.pid)

    @property
    def errors(self) -> int:
        """How many lines of its log tell of an error."""
        return sum('"level": "error"' in line for line in self.log.read_text().splitlines())

    def backlog(self) -> dict[str, int]:
        """Rows of inbox and outbox that are not settled, read without asking the bot."""
        unsettled = "SELECT count(*) FROM {} WHERE state IN ('ready', 'claimed')"
        return self._count({name: unsettled.format(name) for name in ("inbox", "outbox")})

    def rows(self) -> dict[str, int]:
        """Rows of each table that could grow."""
        return self._count({name: f"SELECT count(*) FROM {name}" for name in TABLES})

    def dead_letters(self) -> dict[str, int]:
        """Rows that were given up, by table and fault."""
        dead = "SELECT '{0}: ' || fault, count(*) FROM {0} WHERE state = 'dead' GROUP BY fault"
        with self._looking() as connection:
            return dict(row for name in ("inbox", "outbox") for row in connection.execute(dead.format(name)))

    def _count(self, statements: dict[str, str]) -> dict[str, int]:
        with self._looking() as connection:
            return {name: connection.execute(sql).fetchone()[0] for name, sql in statements.items()}

    def _looking(self) -> "closing[sqlite3.Connection]":
        return closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10))

    @property
    def database_mb(self) -> float:
        """Size of the database's files, its log (WAL) among them."""
        return round(sum(file.stat().st_size for file in self.database.parent.glob("bench.db*")) / 1e6, 1)

    def wait_until_worked(self, timeout_s: float) -> float:
        """Wait until nothing is unsettled; return the seconds it took, or ``timeout_s`` when some still is."""
        began_s = time.perf_counter()
        while any(self.backlog().values()) and time.perf_counter() - began_s < timeout_s:
            time.sleep(0.1)
        return round(time.perf_counter() - began_s, 1)

    def stop(self) -> float:
        """End it; return the seconds it took."""
        began_s = time.perf_counter()
        self.process.terminate()
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return round(time.perf_counter() - began_s, 1)
