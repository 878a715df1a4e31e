"""What nobody catches is a line of the log like any other."""

import json
import subprocess
import sys

import pytest

BROKEN = """
import sys, threading, warnings
from bot.logs import configure_logs

configure_logs()
match sys.argv[1]:
    case "thread":
        def fail():
            raise ValueError("my password is hunter2")
        thread = threading.Thread(target=fail, name="tired")
        thread.start()
        thread.join()
    case "main":
        raise ValueError("my password is hunter2")
    case "warning":
        warnings.warn("my password is hunter2", RuntimeWarning)
"""


@pytest.mark.parametrize(
    ("where", "code", "words"),
    [
        ("thread", 0, "the thread tired has ended"),
        ("main", 1, "the process ends"),
        ("warning", 0, "a warning: RuntimeWarning at <string>:16"),
    ],
)
def test_what_nobody_catches_is_one_line_without_words(where: str, code: int, words: str) -> None:
    """An error that ends a thread or the process, and a warning, are logged by class and place, as JSON."""
    ran = subprocess.run(
        [sys.executable, "-c", BROKEN, where], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == code
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert len(told) == 1
    assert words in told[0]["event"]
    assert "hunter2" not in ran.stderr
    if where != "warning":
        assert told[0]["error"] == "ValueError"
        assert told[0]["at"].startswith("<string>:")
