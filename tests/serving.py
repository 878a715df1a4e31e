"""A bot as a supervisor runs it, in a process of its own, and what any bot shows to whoever asks at its port."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).parents[1]
READY_WITHIN_S = 120.0  # on a busy machine
LOOK_EVERY_S = 0.05


def no_settings() -> dict[str, str]:
    """This process's environment without what a bot would take for its settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SLACK_", "FIRSTLINE_")) and name not in {"PORT", "HOST"}
    }


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text of a page; (0, "") when nobody answers within 20 seconds."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, HTTPException):
            return 0, ""


def is_ready(port: int) -> bool:
    """Whether /health/ready says so."""
    return ask(port, "/health/ready")[0] == 200


def serve(environment: Mapping[str, str], folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    """`python -m bot serve` in ``folder``, its words added to ``log``; returned when it is ready at PORT.

    Raises AssertionError with the log's end when it dies before that or takes too long; nothing of it is left then.
    """
    end_s = time.monotonic() + READY_WITHIN_S
    with log.open("ab") as written:
        command = [sys.executable, "-m", "bot", "serve"]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=written, stderr=written)
    while not is_ready(int(environment["PORT"])):
        if process.poll() is not None or time.monotonic() > end_s:
            process.kill()
            process.wait()
            raise AssertionError(f"the bot did not come up:\n{log.read_text()[-2000:]}")
        time.sleep(LOOK_EVERY_S)
    return process
