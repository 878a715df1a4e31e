"""Bots that can be killed: real processes, each started in a fraction of a second.

Reading all the code takes a cold process seconds; a hundred kills would take an hour. So one process reads it, the
nursery, and is forked for each start. A fork shares nothing with it but what has been read: `kill -9` is what it is.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TextIO

from bot.app import Bot, build
from bot.edge.server import listen
from bot.services.deciding import Decider
from bot.settings import load_settings
from tests.fakes import WordClassifier
from tests.serving import ROOT, no_settings

UP_WITHIN_S = 60.0  # on a busy machine
LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Child:
    """A bot in a process of its own that serves on ``port``; None when it died before it came so far."""

    pid: int
    port: int | None

    def kill(self) -> None:
        """End it as a power cut would, and wait until it is gone."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self, timeout_s: float = UP_WITHIN_S) -> None:
        """Wait until it is gone. Raises AssertionError when it is not."""
        end_s = time.monotonic() + timeout_s
        while _is_there(self.pid):
            assert time.monotonic() < end_s, f"process {self.pid} lives on"
            time.sleep(0.005)

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return _is_there(self.pid)


class Nursery:
    """Runs ``module``, which calls `nurse`, from ``with`` to its end; then every child is gone too."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._children: list[Child] = []
        self._heard = b""

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile(mode="w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            env={**no_settings(), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self._children:
            if child.is_alive:
                child.kill()
        self._process.kill()
        self._process.wait()
        self._log.close()

    def start(self, what: str, environment: Mapping[str, str], *, may_die: bool = False) -> Child:
        """A new bot with these variables; ``what`` is for the module to understand. Returns when it takes deliveries.

        With ``may_die`` also when it died before. Raises AssertionError otherwise.
        """
        assert self._process.stdin is not None
        order = {"what": what, "environment": dict(environment)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        pid = int(self._answer(lambda: True) or "0")
        port = self._answer(lambda: _is_there(pid))
        assert port or may_die, f"no bot came up:\n{self._last_words()}"
        child = Child(pid, int(port) if port else None)
        self._children.append(child)
        return child

    def _answer(self, is_to_come: Callable[[], bool]) -> str:
        """The next line, "" when none comes any more."""
        assert self._process.stdout is not None
        end_s = time.monotonic() + UP_WITHIN_S
        while b"\n" not in self._heard and time.monotonic() < end_s:
            may_come = is_to_come()  # asked first: what was written before the end is still to be read
            ready, _, _ = select.select([self._process.stdout], [], [], LOOK_EVERY_S)
            if ready:
                self._heard += os.read(self._process.stdout.fileno(), 4096)
            elif not may_come:
                break
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:]


def bot_of_words(classifier: WordClassifier | None = None) -> Bot:
    """A bot on a free port that goes by words; its settings come from the environment."""
    decider = Decider(classifier or WordClassifier())  # type: ignore[arg-type]
    return build(load_settings(), lambda: datetime.now(UTC), listen("127.0.0.1", 0), decider)


def nurse(make: Callable[[str], Bot]) -> None:
    """The nursery's side: for each order a child that runs what ``make`` makes; ends with whoever gives orders."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what bots log must not be taken for an answer
    for line in sys.stdin:
        order = json.loads(line)
        nursery = os.getpid()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ.update(order["environment"])
            print(os.getpid(), file=answers, flush=True)
            _live(make(order["what"]), nursery, answers)


def _live(bot: Bot, nursery: int, answers: TextIO) -> None:
    bot.start()
    print(bot.port, file=answers, flush=True)
    while os.getppid() == nursery:
        time.sleep(LOOK_EVERY_S)
    os._exit(0)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
