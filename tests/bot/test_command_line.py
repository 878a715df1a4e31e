"""`python -m bot ...` as a person or a supervisor runs it: processes of their own, real ports, real signals."""

import csv
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playground.manifest import read_manifest
from playground.testing import PlaygroundServer
from tests.serving import ROOT, free_port, is_ready, no_settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A small Slack with the app's own manifest."""
    with PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml")) as server:
        yield server


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No setting from outside; a database and a model folder of its own, neither made yet."""
    return no_settings() | {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{tmp_path}/bot.db",
        "MODEL_DIR": str(tmp_path / "model"),
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Run a command to its end."""

    def run_command(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            env=environment | more,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_command


def test_every_command_explains_itself(run: Run) -> None:
    """--help lists them all, and each has its own."""
    listed = run("--help")
    assert listed.returncode == 0
    for command in ("serve", "migrate", "doctor", "stats", "export", "replay", "seed"):
        assert command in listed.stdout
        assert "Usage" in run(command, "--help").stdout


def test_missing_settings_are_named_in_one_line(run: Run) -> None:
    """Exit code 2, and all of them at once."""
    ended = run("serve", PORT="nonsense")
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PORT"):
        assert name in ended.stderr


def test_serving_without_migrating_says_what_to_do(run: Run, slack: PlaygroundServer) -> None:
    """Exit code 2 and the command that helps."""
    ended = run("serve", PORT=str(free_port()), **slack.app_environment())
    assert ended.returncode == 2
    assert "python -m bot migrate" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "doctor", "stats", "seed"])
def test_only_migrating_makes_a_database(
    run: Run, slack: PlaygroundServer, tmp_path: Path, command: str
) -> None:
    """With a slip in DATABASE_URL the others would begin with an empty memory; they say so and leave nothing behind."""
    url = f"sqlite:///{tmp_path}/slip/bot.db"
    ended = run(command, DATABASE_URL=url, PORT=str(free_port()), **slack.app_environment())
    assert ended.returncode == (1 if command == "doctor" else 2)
    assert "there is no database at DATABASE_URL" in ended.stdout + ended.stderr
    assert "python -m bot migrate" in ended.stdout + ended.stderr
    assert not (tmp_path / "slip").exists()


def test_migrating_makes_one_folder_and_no_more(run: Run, tmp_path: Path) -> None:
    """var/ of a fresh clone is made; of a longer path that is not there something is probably misspelt."""
    refused = run("migrate", DATABASE_URL="sqlite:///srv/slip/bot.db")
    assert refused.returncode == 2
    assert refused.stderr.startswith("firstline: the file in DATABASE_URL cannot be made or written")
    assert not (tmp_path / "srv").exists()
    assert run("migrate", DATABASE_URL="sqlite:///var/bot.db").returncode == 0
    assert (tmp_path / "var" / "bot.db").stat().st_mode & 0o777 == 0o600


def test_a_taken_port_is_named_with_a_free_one(run: Run, slack: PlaygroundServer) -> None:
    """Where PORT is set and taken, the bot does not move by itself: it names the next free port and exits with 2."""
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("serve", PORT=str(port), **slack.app_environment())
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr
    assert "is free" in ended.stderr


@pytest.mark.parametrize(("name", "value"), [("HOST", "192.0.2.1"), ("ANSWERS_FILE", "nowhere.yml")])
def test_what_serving_needs_is_named_by_its_setting(
    run: Run, slack: PlaygroundServer, name: str, value: str
) -> None:
    """An address of another machine, answers that are not there: one line, exit code 2."""
    run("migrate")
    ended = run("serve", PORT=str(free_port()), **slack.app_environment() | {name: value})
    assert ended.returncode == 2
    (told,) = ended.stderr.splitlines()
    assert told.startswith(f"firstline: {name}")


def test_made_up_history_can_be_looked_at_and_exported(run: Run, tmp_path: Path) -> None:
    """seed, stats, export: the numbers agree with the events, and the same seed makes the same numbers."""
    assert run("migrate").returncode == 0
    assert run("seed", "--requests", "40", "--seed", "7").returncode == 0
    again = run("seed", "--requests", "40")
    assert again.returncode == 2
    assert "already has 40 requests" in again.stderr
    numbers = json.loads(run("stats", "all", "--json").stdout)
    assert numbers["opened"] == 40
    ends = ("deflected", "pending", "resolved", "withdrawn", "still_open")
    assert sum(numbers[end] for end in ends) == 40
    told = json.loads(run("export", "events.jsonl", "--json").stdout)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert told["events"] == len(events)
    assert sum(event["kind"] == "opened" for event in events) == 40
    assert run("export", "events.csv").returncode == 0
    with (tmp_path / "events.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(events)
    assert run("export", "events.xlsx").returncode == 2


def test_a_period_that_is_none_is_refused(run: Run) -> None:
    """One line that names the ones there are."""
    run("migrate")
    ended = run("stats", "3w")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "7d, 30d or all" in ended.stderr


@pytest.mark.parametrize(
    "url",
    ["postgresql://nobody:secret@127.0.0.1:1/nothing", "sqlite:////proc/nowhere/bot.db", "mysql://here"],
)
@pytest.mark.parametrize("command", ["migrate", "stats"])
def test_a_database_that_cannot_be_had_is_one_line(run: Run, command: str, url: str) -> None:
    """Exit code 2, no traceback, no password."""
    ended = run(command, DATABASE_URL=url)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "DATABASE_URL" in ended.stderr
    assert "secret" not in ended.stderr


def test_the_doctor_names_what_is_wrong(run: Run, slack: PlaygroundServer) -> None:
    """A missing schema and a refused token are faults; a missing model and missing people are warnings."""
    found = doctor(run, slack)
    assert found["database"]["level"] == "fault"
    assert "migrate" in found["database"]["sentence"]
    assert found["model"]["level"] == "warning"
    assert found["admins"]["level"] == found["agents"]["level"] == "warning"
    assert found["slack"]["level"] == "good"
    assert found["scopes"]["level"] == "good"
    assert doctor(run, slack, SLACK_BOT_TOKEN="xoxb-wrong")["slack"]["level"] == "fault"
    assert "settings" in doctor(run, slack, SLACK_SIGNING_SECRET="")
    run("migrate")
    mended = doctor(run, slack, FIRSTLINE_ADMINS="U0MORGAN", FIRSTLINE_AGENTS="U0ANA")
    assert [mended[name]["level"] for name in ("database", "admins", "agents")] == ["good"] * 3


def test_the_doctor_sees_missing_scopes(run: Run, environment: dict[str, str]) -> None:
    """An app installed with an older manifest is told what it lacks."""
    manifest = read_manifest(ROOT / "manifest.yml")
    from dataclasses import replace

    with PlaygroundServer(manifest=replace(manifest, scopes=manifest.scopes - {"mpim:write"})) as slack:
        scopes = doctor(run, slack)["scopes"]
    assert scopes["level"] == "fault"
    assert "mpim:write" in scopes["sentence"]


def doctor(run: Run, slack: PlaygroundServer, **more: str) -> dict[str, dict[str, str]]:
    """The doctor's findings by check."""
    told = json.loads(run("doctor", "--json", **(slack.app_environment() | more)).stdout)
    return {finding["check"]: finding for finding in told["findings"]}


def test_serve_answers_until_it_is_told_to_stop(
    run: Run, environment: dict[str, str], slack: PlaygroundServer, tmp_path: Path
) -> None:
    """Ready, a request taken without any model, SIGHUP looks for one, SIGTERM: ended with 0 within 10 s; no words of people in the log."""
    run("migrate")
    port = free_port()
    settings = environment | slack.app_environment() | {"PORT": str(port), "FIRSTLINE_AGENTS": "U0ANA"}
    log = tmp_path / "log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"], env=settings, cwd=tmp_path, stderr=written
        )
    try:
        slack.eventually(lambda: is_ready(port), 30, what="ready")
        slack.set_request_url(f"http://127.0.0.1:{port}/slack/events")
        assert slack.verify_request_url()
        slack.person("U0RILEY").dm("canary 8124: the projector is on strike")
        slack.eventually(lambda: slack.person("U0ANA").find("canary 8124"), 10)
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "manifest.json").write_text("{")
        process.send_signal(signal.SIGHUP)
        slack.eventually(lambda: "model_refused" in log.read_text(), 60, what="a look at the model")
        began_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began_s < 10
    finally:
        process.kill()
    text = log.read_text()
    assert "canary" not in text
    assert slack.bot_token not in text
    assert all(json.loads(line) for line in text.splitlines())
