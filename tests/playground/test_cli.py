"""python -m playground: the child's environment, ports, signals, and clear refusals."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from urllib.request import ProxyHandler, build_opener

import pytest
from typer.testing import CliRunner

from playground.child import AppConnection, child_environment
from playground.cli import app
from playground.errors import StartError
from playground.manifest import read_manifest
from playground.options import PlaygroundOptions
from playground.server import bind
from playground.testing import PlaygroundServer

APP = """
import http.server, json, os, signal, sys
seen = {k: v for k, v in os.environ.items() if k.startswith("SLACK_") or k == "PORT"}
json.dump(seen, open(sys.argv[1], "w"))
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"")
    def log_message(self, *args): pass
def end(number, frame):
    sys.exit(7 if number == signal.SIGTERM else 8)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Health).serve_forever()
"""


@pytest.fixture
def start(tmp_path):
    """Starts the playground's command line in an empty folder."""
    running = []

    def run(*arguments, **environment):
        path = os.pathsep.join(sys.path)
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "PLAYGROUND_")) and k != "PORT"
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "playground", *map(str, arguments)],
            cwd=tmp_path,
            env={**inherited, "PYTHONPATH": f"{os.getcwd()}{os.pathsep}{path}", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def free_port():
    with bind("127.0.0.1", 0) as probe:
        return probe.getsockname()[1]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 7), (signal.SIGINT, 8)])
def test_an_app_runs_beside_it(start, tmp_path, free_port, sent, code):
    """The app gets the playground as its Slack, the page's address is said, and a signal ends both with the app's code."""
    command = ["--", sys.executable, "-c", APP, tmp_path / "seen.json"]
    process = start("--port", free_port, "--json", *command, SLACK_APP_TOKEN="xapp-elsewhere")
    where = json.loads(process.stdout.readline())
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert where["url"] == f"http://127.0.0.1:{free_port}"
    assert seen["SLACK_API_URL"] == f"http://127.0.0.1:{free_port}/api/"
    assert seen["SLACK_BOT_TOKEN"].startswith("xoxb-")
    assert "SLACK_APP_TOKEN" not in seen
    assert where["request_url"] == f"http://127.0.0.1:{seen['PORT']}/slack/events"
    with build_opener(ProxyHandler({})).open(f"{where['url']}/_/state") as answer:
        assert json.load(answer)["app"]["request_url"] == where["request_url"]
    started_s = time.monotonic()
    process.send_signal(sent)
    assert process.wait(10) == code
    assert time.monotonic() - started_s < 5


def test_an_app_that_ends_ends_the_playground(start, free_port):
    """The exit code of an app that fails is the playground's."""
    process = start("--port", free_port, "--", sys.executable, "-c", "raise SystemExit(5)")
    assert process.wait(20) == 5
    assert "exit code 5" in process.stderr.read()


def test_it_runs_alone(start, free_port):
    """Without a command it says where it is and what an app needs, and ends with 0."""
    process = start("--port", free_port)
    assert process.stdout.readline().strip() == f"Open http://127.0.0.1:{free_port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert "SLACK_SIGNING_SECRET=" in process.stdout.read()


def test_tokens_are_new_at_every_start_unless_given(start):
    """Nobody can know a token or the signing secret beforehand; those set in the environment stay."""
    alone = ("--port", "0", "--json", "--socket-mode", "--request-url", "http://127.0.0.1:9/slack/events")
    given = {
        "PLAYGROUND_BOT_TOKEN": "xoxb-mine",
        "PLAYGROUND_APP_TOKEN": "xapp-mine",
        "PLAYGROUND_SIGNING_SECRET": "mine",
    }
    runs = [start(*alone), start(*alone), start(*alone, **given)]
    one, other, kept = (json.loads(run.stdout.readline())["environment"] for run in runs)
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")
    assert len({environment[name] for environment in (one, other) for name in names}) == 6
    assert [kept[name] for name in names] == list(given.values())
    for name in names:
        assert one[name] != PlaygroundServer().app_environment().get(name)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the whole of 127.0.0.0/8")
def test_it_answers_under_the_address_that_it_was_told_to_listen_on(start):
    """An app finds the playground under the address of --host."""
    where = json.loads(start("--port", "0", "--host", "127.0.0.2", "--json").stdout.readline())
    assert where["url"].startswith("http://127.0.0.2:")
    with build_opener(ProxyHandler({})).open(where["environment"]["SLACK_API_URL"] + "api.test") as answer:
        assert json.load(answer)["ok"]


@pytest.fixture
def refused(monkeypatch, tmp_path):
    """Runs a command line that must not start; returns its exit code and the one line that it says."""

    def run(*arguments, **environment):
        monkeypatch.chdir(tmp_path)
        for name in ("PORT", "PLAYGROUND_PORT"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        [line] = result.stderr.splitlines()
        return result.exit_code, line

    return run


def test_a_taken_port_that_was_asked_for_is_refused(refused):
    """The refusal is one line, names a free port, and exits 2."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        for code, line in (refused("--port", port), refused(PLAYGROUND_PORT=str(port))):
            assert code == 2
            assert f"port {port} is taken; the next free one is" in line


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (("--manifest", "nowhere.yml"), {}, "cannot read the manifest nowhere.yml"),
        (("--port", "99999"), {}, "99999 is not a port number"),
        (("--port", "0"), {"PORT": "abc"}, "PORT=abc is not a port number"),
        (("--port", "0", "--host", "192.0.2.1"), {}, "cannot listen on 192.0.2.1"),
    ],
)
def test_what_cannot_start_says_why(refused, arguments, environment, words):
    """A wrong setting is one line on stderr and exit 2."""
    code, line = refused(*arguments, **environment)
    assert code == 2
    assert words in line


def test_a_command_that_is_not_there_is_named(start):
    """A program that cannot be started is one line and exit 2."""
    process = start("--port", "0", "--", "no-such-program")
    assert process.wait(20) == 2
    # Why, is the system's word: a folder of PATH that may not be read makes it "Permission denied".
    assert re.fullmatch(r"playground: cannot start no-such-program: .+\n", process.stderr.read())


def test_the_childs_environment():
    """Socket Mode gives the app token and no proxies; HTTP gives neither token nor proxy on the way to this machine."""
    inherited = {
        "HTTPS_PROXY": "http://proxy",
        "NO_PROXY": "intranet",
        "SLACK_MODE": "http",
        "HOME": "/home/me",
    }
    http = child_environment(inherited, AppConnection("http://127.0.0.1:1", 2, False, PlaygroundOptions()))
    assert (http["HTTPS_PROXY"], http["NO_PROXY"], http["PORT"]) == (
        "http://proxy",
        "intranet,127.0.0.1,localhost",
        "2",
    )
    assert "SLACK_APP_TOKEN" not in http
    assert "SLACK_MODE" not in http
    socket = child_environment(inherited, AppConnection("http://127.0.0.1:1", 2, True, PlaygroundOptions()))
    assert socket["SLACK_APP_TOKEN"].startswith("xapp-")
    assert "HTTPS_PROXY" not in socket


def test_a_manifest_says_what_slack_needs_to_know(tmp_path):
    """Name, scopes, events and commands are read from YAML; anything else is refused by name."""
    path = tmp_path / "manifest.yml"
    path.write_text(
        "display_information: {name: Desk}\n"
        "features: {app_home: {home_tab_enabled: true}, slash_commands: [{command: /desk, description: d}]}\n"
        "oauth_config: {scopes: {bot: [chat:write]}}\n"
        "settings: {event_subscriptions: {bot_events: [message.im]}}\n"
    )
    manifest = read_manifest(path)
    assert (manifest.name, manifest.scopes, manifest.events) == ("Desk", {"chat:write"}, {"message.im"})
    assert [c.command for c in manifest.commands] == ["/desk"]
    assert (manifest.home_tab, manifest.messages_tab) == (True, False)
    path.write_text("just: words")
    with pytest.raises(StartError, match="not an app manifest"):
        read_manifest(path)
