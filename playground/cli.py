"""python -m playground: serve the small Slack, and run an app against it."""

import errno
import json
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from playground.child import AppConnection, Child, child_environment
from playground.errors import StartError
from playground.manifest import AppManifest, read_manifest
from playground.options import PlaygroundOptions
from playground.server import ServerThread, bind

DEFAULT_PORT = 3100
APP_PORT = 3000
PORTS_TRIED = 100
POLL_S = 0.1

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"allow_interspersed_args": False}
)


@app.command(no_args_is_help=False)
def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND ...]", help="The app to run against this Slack."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help=f"Port of the page and the APIs. Left out: {DEFAULT_PORT} or the next free one.",
            envvar="PLAYGROUND_PORT",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen on. Requests have to name it or localhost; with another than a loopback address whoever can reach it can be anybody here."
        ),
    ] = "127.0.0.1",
    request_url: Annotated[
        str | None, typer.Option(help="Where to send events. Left out: the COMMAND's own /slack/events.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="The app's manifest. Left out: manifest.yml, if it is here.")
    ] = None,
    socket_mode: Annotated[
        bool, typer.Option("--socket-mode", help="Give the app an app token too.")
    ] = False,
    ready_timeout: Annotated[
        float, typer.Option(help="Seconds to wait for COMMAND's /health/ready.")
    ] = 180.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Say where everything is as one line of JSON.")
    ] = False,
) -> None:
    """A small Slack on this machine: its Web API, signed events, Socket Mode, and a page with several people's screens."""
    try:
        code = _run(command or [], port, host, request_url, manifest, socket_mode, ready_timeout, as_json)
    except StartError as error:
        print(f"playground: {error}", file=sys.stderr)
        code = 2
    raise typer.Exit(code)


def _run(
    command: list[str],
    port: int | None,
    host: str,
    request_url: str | None,
    manifest: Path | None,
    socket_mode: bool,
    ready_timeout_s: float,
    as_json: bool,
) -> int:
    options = _options(_manifest(manifest))
    listening = _listen(host, port)
    url = f"http://{_reachable(host)}:{listening.getsockname()[1]}"
    server = ServerThread(listening, options, base_url=url)
    server.start()
    connection = AppConnection(url, _app_port(), socket_mode, options)
    if command and request_url is None:
        request_url = f"http://127.0.0.1:{connection.port}/slack/events"
    server.call(lambda playground: setattr(playground.delivery, "request_url", request_url))
    stop = _StopRequest()
    child: Child | None = None
    try:
        if command:
            child = Child(command, child_environment(os.environ, connection))
            _await_child(child, connection, ready_timeout_s, stop)
        if child is None or child.exit_code is None:
            _announce(connection, request_url, child is not None, as_json)
        while stop.received is None and (child is None or child.exit_code is None):
            time.sleep(POLL_S)
        if child is None:
            return 0
        return child.stop(stop.received or signal.SIGTERM)
    finally:
        server.stop()


class _StopRequest:
    """Remembers the first SIGINT or SIGTERM instead of dying of it."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)


def _await_child(child: Child, connection: AppConnection, timeout_s: float, stop: _StopRequest) -> None:
    health = f"http://127.0.0.1:{connection.port}/health/ready"
    if not child.wait_until_ready(health, timeout_s, lambda: stop.received is not None) and not stop.received:
        if child.exit_code is None:
            print(
                f"playground: the app is not ready after {timeout_s:g} s ({health}); going on",
                file=sys.stderr,
            )
        else:
            print(f"playground: the app ended with exit code {child.exit_code}", file=sys.stderr)


def _announce(connection: AppConnection, request_url: str | None, has_child: bool, as_json: bool) -> None:
    if as_json:
        where = {
            "url": connection.playground_url,
            "request_url": request_url,
            "app_port": connection.port if has_child else None,
            "environment": connection.slack_variables,
        }
        print(json.dumps(where), flush=True)
        return
    print(f"Open {connection.playground_url}", flush=True)
    if not has_child:
        print("An app finds this Slack by:", flush=True)
        for name, value in connection.slack_variables.items():
            print(f"  {name}={value}", flush=True)


def _options(manifest: AppManifest) -> PlaygroundOptions:
    """Tokens that are new at every start, as what is known to everybody would be known to every page of a browser here too.

    PLAYGROUND_BOT_TOKEN, PLAYGROUND_APP_TOKEN and PLAYGROUND_SIGNING_SECRET keep them.
    """
    return PlaygroundOptions(
        manifest=manifest,
        bot_token=os.environ.get("PLAYGROUND_BOT_TOKEN") or f"xoxb-playground-{secrets.token_hex(16)}",
        app_token=os.environ.get("PLAYGROUND_APP_TOKEN") or f"xapp-1-playground-{secrets.token_hex(16)}",
        signing_secret=os.environ.get("PLAYGROUND_SIGNING_SECRET") or secrets.token_hex(16),
    )


def _manifest(path: Path | None) -> AppManifest:
    if path is None:
        path = Path("manifest.yml")
        if not path.is_file():
            return AppManifest()
    return read_manifest(path)


def _app_port() -> int:
    """PORT if it is set, else the first that is free from 3000 on. Raises StartError when PORT is no port."""
    wanted = os.environ.get("PORT", "")
    if wanted:
        if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
            raise StartError(f"PORT={wanted} is not a port number (1 to 65535)")
        return int(wanted)
    for candidate in (*range(APP_PORT, APP_PORT + PORTS_TRIED), 0):
        probe = _try_bind("127.0.0.1", candidate)
        if probe is not None:
            with probe:
                return int(probe.getsockname()[1])
    raise StartError("no port is free for the app")


def _listen(host: str, port: int | None) -> socket.socket:
    """The listening socket. Raises StartError, naming the next free port, when the wanted one is taken."""
    first = DEFAULT_PORT if port is None else port
    listening = _try_bind(host, first)
    if listening is not None:
        return listening
    for candidate in range(first + 1, min(first + PORTS_TRIED, 65536)):
        listening = _try_bind(host, candidate)
        if listening is None:
            continue
        if port is None:
            print(f"Port {first} is taken; using {candidate}.", file=sys.stderr, flush=True)
            return listening
        listening.close()
        raise StartError(f"port {first} is taken; the next free one is {candidate} (--port {candidate})")
    raise StartError(f"port {first} is taken, and so are the next {PORTS_TRIED}")


def _reachable(host: str) -> str:
    """The address by which this machine reaches what listens on ``host``, as it stands in a URL."""
    if host in ("0.0.0.0", "::", "localhost"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _try_bind(host: str, port: int) -> socket.socket | None:
    """None when the port is taken. Raises StartError for an address that cannot be had at all."""
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return None
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    except OverflowError as error:
        raise StartError(f"{port} is not a port number (0 to 65535)") from error
