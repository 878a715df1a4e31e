"""`make run` as a new user meets it: a copy of the tree in a folder with an odd name, ports taken, nothing prepared."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("bot", "classifier", "routing", "playground", "migrations", "scripts", "manifest.yml")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The parts that run, in a folder with a space and an umlaut in its name."""
    folder = tmp_path / "my désk & co"
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    return folder


@pytest.fixture
def taken() -> Iterator[None]:
    """The usual ports of page and bot belong to somebody else."""
    listening = []
    for port in (3000, 3100):
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
            listening.append(probe)
        except OSError:
            probe.close()  # somebody has it already: just as good
    yield
    for probe in listening:
        probe.close()


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("taken")
def test_the_first_start_ends_at_a_page_that_answers(copied: Path) -> None:
    """Encoder, model and database are made, the next free ports are used and named, SIGTERM ends all of it with 0."""
    cleaned = {
        k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "FIRSTLINE_", "PLAYGROUND_"))
    }
    cleaned = {
        k: v
        for k, v in cleaned.items()
        if k not in {"PORT", "HOST", "DATABASE_URL", "MODEL_DIR", "ENCODER_DIR"}
    }
    # No hub is asked: the first start must do without one.
    process = subprocess.Popen(
        ["bash", "scripts/run", sys.executable],
        cwd=copied,
        env=cleaned | {"HF_ENDPOINT": "http://127.0.0.1:9"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("Open "):
                break
        address = said[-1].split()[-1]
        assert address.startswith("http://127.0.0.1:"), "".join(said)[-2000:]
        assert "Port 3100 is taken" in "".join(said)
        with closing(urllib.request.urlopen(f"{address}/_/state", timeout=5)) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        began_s = time.monotonic()
        process.communicate(timeout=15)
        assert time.monotonic() - began_s < 10
        # Ended by a signal it passed on, or with the child's 0: nothing crashed.
        assert process.returncode in (0, 128 + signal.SIGTERM)
    finally:
        process.kill()
    assert (copied / "var" / "model" / "manifest.json").is_file()
