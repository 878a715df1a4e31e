"""Runs the app beside the playground: gives it the environment of its Slack, waits until it is healthy, passes signals on."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from playground.errors import StartError
from playground.options import PlaygroundOptions

POLL_S = 0.1
STOP_S = 9.0
"""How long the app may take to end; with the playground's own end this stays below ten seconds."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True, slots=True)
class AppConnection:
    """How the app reaches the playground, and where it listens itself."""

    playground_url: str
    port: int
    socket_mode: bool
    options: PlaygroundOptions

    @property
    def slack_variables(self) -> dict[str, str]:
        """The variables that make the playground the app's Slack."""
        variables = {
            "SLACK_API_URL": f"{self.playground_url}/api/",
            "SLACK_BOT_TOKEN": self.options.bot_token,
            "SLACK_SIGNING_SECRET": self.options.signing_secret,
        }
        return variables | ({"SLACK_APP_TOKEN": self.options.app_token} if self.socket_mode else {})


def child_environment(inherited: Mapping[str, str], connection: AppConnection) -> dict[str, str]:
    """The app's environment: what was inherited, but this Slack and no other, and no proxy on the way to it."""
    environment = {
        name: value for name, value in inherited.items() if name not in ("SLACK_APP_TOKEN", "SLACK_MODE")
    }
    environment |= connection.slack_variables | {"PORT": str(connection.port)}
    for name in ("NO_PROXY", "no_proxy"):
        already = [environment[name]] if environment.get(name) else []
        environment[name] = ",".join([*already, "127.0.0.1", "localhost"])
    if connection.socket_mode:
        # slack_sdk's Socket Mode client asks a proxy even for hosts named in NO_PROXY.
        environment = {name: value for name, value in environment.items() if name not in _PROXIES}
    return environment


class Child:
    """The app's process, in a session of its own so that Ctrl-C reaches it once, through us."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        try:
            self._process = subprocess.Popen(list(command), env=dict(environment), start_new_session=True)
        except OSError as error:
            raise StartError(f"cannot start {command[0]}: {error.strerror}") from error

    @property
    def exit_code(self) -> int | None:
        """As a shell counts: 128 + n for an end by signal n. None while it runs."""
        code = self._process.poll()
        return 128 - code if code is not None and code < 0 else code

    def wait_until_ready(self, url: str, timeout_s: float, is_stopping: Callable[[], bool]) -> bool:
        """Whether GET ``url`` answered 2xx in time; False also when the process or the user ended it."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s and self.exit_code is None and not is_stopping():
            if _answers_ok(url):
                return True
            time.sleep(POLL_S)
        return False

    def stop(self, sent: signal.Signals) -> int:
        """Pass the signal on, wait, and end it by force if it does not end. Returns the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(sent)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        return self.exit_code or 0


def _answers_ok(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)
    try:
        connection.request("GET", parts.path)
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
