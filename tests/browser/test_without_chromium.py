"""What becomes of the browser tests on a machine without Chromium."""

import os
import subprocess
import sys
from pathlib import Path

from tests.serving import ROOT

ONE_TEST = "tests/browser/test_page.py::test_an_example_is_sent_with_one_click"


def test_without_chromium_they_are_left_out_and_it_is_said(tmp_path: Path) -> None:
    """Run as `make test` runs them, they are skipped with the reason and the remedy in the last lines, and nothing fails."""
    # The run around this one leaves its own marks (PYTEST_XDIST_WORKER and others), which are not for the one inside.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment.pop("CHROMIUM", None)
    command = [sys.executable, "-m", "pytest", "-n", "1", "--dist", "loadfile", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, ONE_TEST],
        cwd=ROOT,
        env=environment | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [said] = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert "no Chromium on this machine (apt-get install chromium, or set CHROMIUM to its path)" in said
    assert done.stdout.splitlines()[-1].startswith("1 skipped")
