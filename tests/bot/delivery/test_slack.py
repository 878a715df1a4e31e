"""The Web API by its URL, and who the bot is there."""

import logging
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bot.delivery.slack import Slack, forget_proxies, is_loopback
from bot.errors import SlackAway
from playground.faults import FaultKind, FaultRule


def test_the_bot_asks_once_who_it_is(slack, make_settings) -> None:
    """The identity is cached for every later event."""
    client = Slack(make_settings(slack_api_url=slack.api_url, slack_bot_token=slack.bot_token))
    assert client.identity() == client.identity()
    assert (client.identity().team_id, client.identity().user_id) == (slack.team_id, slack.bot_user)
    assert len(slack.calls("auth.test")) == 1


def test_a_slack_that_is_away_is_asked_again_later(slack, make_settings) -> None:
    """A failure is not remembered."""
    client = Slack(make_settings(slack_api_url=slack.api_url, slack_bot_token=slack.bot_token))
    slack.set_faults(FaultRule(FaultKind.CUT_BEFORE, "auth.test", times=1))
    with pytest.raises(SlackAway, match="does not answer"):
        client.identity()
    assert client.identity().team_id == slack.team_id


def test_a_refused_token_is_named(slack, make_settings) -> None:
    """The message says what Slack said, and holds no token."""
    with pytest.raises(SlackAway, match="invalid_auth") as raised:
        Slack(make_settings(slack_api_url=slack.api_url, slack_bot_token="xoxb-wrong")).identity()
    assert "xoxb" not in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, "ok"),
        (FaultRule(FaultKind.RATE_LIMITED), "ratelimited"),
        (FaultRule(FaultKind.FAIL_BEFORE), "away"),
        (FaultRule(FaultKind.CUT_AFTER), "away"),
        (FaultRule(FaultKind.ERROR, error="service_unavailable"), "away"),
        (FaultRule(FaultKind.ERROR, error="internal_error"), "away"),
        (FaultRule(FaultKind.ERROR, error="invalid_auth"), "refused"),
        (FaultRule(FaultKind.ERROR, error="channel_not_found"), "refused"),
    ],
)
def test_how_calls_fare_is_told_for_counting(slack, make_settings, fault, outcome) -> None:
    """A Slack that cannot is away, a Slack that will not refuses: two alerts with different things to do."""
    told = []
    settings = make_settings(slack_api_url=slack.api_url, slack_bot_token=slack.bot_token)
    client = Slack(settings, lambda method, _seconds, came_to: told.append((method, came_to)))
    if fault is not None:
        slack.set_faults(fault)
    with suppress(SlackAway):
        client.identity()
    assert told == [("auth.test", outcome)]


class _Latin(BaseHTTPRequestHandler):
    """A gateway that answers in bytes that are no UTF-8, and does not say in what."""

    def do_POST(self) -> None:
        self.send_response(502)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"\xe9")

    def log_message(self, *_arguments: object) -> None:
        pass


def test_an_answer_that_is_no_text_is_a_slack_that_is_away(make_settings) -> None:
    """A gateway's page is not our bug."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Latin) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{gateway.server_port}/api/"
        with pytest.raises(SlackAway, match="does not answer"):
            Slack(make_settings(slack_api_url=url)).identity()
        gateway.shutdown()


class _Echo(BaseHTTPRequestHandler):
    """A gateway that refuses, and repeats what it was asked."""

    def do_POST(self) -> None:
        asked = f"Blocked: {self.headers['Authorization']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(asked)))
        self.end_headers()
        self.wfile.write(asked)

    def log_message(self, *_arguments: object) -> None:
        pass


def test_what_a_gateway_repeats_is_not_logged(make_settings, caplog) -> None:
    """Neither the token nor whatever else stands in an answer that is none of Slack's."""
    caplog.set_level(logging.DEBUG)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as gateway:
        threading.Thread(target=gateway.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{gateway.server_port}/api/"
        with pytest.raises(SlackAway):
            Slack(make_settings(slack_api_url=url, slack_bot_token="xoxb-canary")).identity()
        gateway.shutdown()
    assert "xoxb-canary" not in caplog.text
    assert "Blocked" not in caplog.text


def test_who_waits_for_an_answer_hears_the_same(slack, make_settings) -> None:
    """Many threads wait for a silent Slack together, not one after another."""
    settings = make_settings(
        slack_api_url=slack.api_url, slack_bot_token=slack.bot_token, firstline_slack_timeout_s=1
    )
    client, refusals = Slack(settings), []
    slack.set_faults(FaultRule(FaultKind.HANG_BEFORE, "auth.test", delay_s=1.3))

    def ask() -> None:
        with pytest.raises(SlackAway) as raised:
            client.identity()
        refusals.append(str(raised.value))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began_s < 2.5
    assert len(refusals) == 4
    assert len(set(refusals)) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000/api/", True),
        ("http://localhost/api/", True),
        ("http://[::1]:80/api/", True),
        ("https://slack.com/api/", False),
        ("http://10.0.0.7/api/", False),
        ("http://localhost.example.com/", False),
    ],
)
def test_this_machine_is_told_from_others(url: str, expected: bool) -> None:
    """Only addresses that cannot leave the machine count."""
    assert is_loopback(url) is expected


def test_proxies_are_forgotten_for_this_machine_only() -> None:
    """A proxied machine still finds its playground, and still goes to Slack through the proxy."""
    environ = {"HTTPS_PROXY": "http://proxy:3128", "http_proxy": "http://proxy:3128", "PATH": "/bin"}
    forget_proxies("https://slack.com/api/", environ)
    assert len(environ) == 3
    forget_proxies("http://127.0.0.1:8000/api/", environ)
    assert environ == {"PATH": "/bin"}
