"""Slack's Web API, by its URL, and who the bot is there."""

import logging
import threading
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from bot.delivery.faults import AUTH_CODES, CALL_ERRORS, FaultKind, fault_of
from bot.errors import SlackAway
from bot.settings import Settings

# Slack's libraries write bodies to the log, at DEBUG whole, and the beginning of an answer that is no JSON as an error:
# a gateway's may repeat what was asked, the token too. What went wrong is logged by whoever called.
QUIET = logging.getLogger("bot.slack_sdk")
QUIET.setLevel(logging.CRITICAL)

# Told of each call: the method, how many seconds it took, and "ok", "ratelimited", "refused" or "away".
OnCall = Callable[[str, float, str], None]

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot in its workspace, as auth.test tells."""

    team_id: str
    user_id: str
    bot_id: str | None


def nobody_listens(_method: str, _seconds: float, _outcome: str) -> None:
    """Nobody wants to know how calls fare."""


class WatchedClient(WebClient):
    """A WebClient without retries that tells ``on_call`` of each call."""

    def __init__(self, base_url: str, timeout_s: int, on_call: OnCall, token: str | None = None) -> None:
        super().__init__(token, base_url, timeout_s, retry_handlers=[], logger=QUIET)
        # In a function, as Bolt copies its client deeply for each delivery: functions are left as they are.
        self._on_call: OnCall = lambda method, seconds, outcome: on_call(method, seconds, outcome)

    def api_call(self, api_method: str, **arguments: Any) -> SlackResponse:
        """As WebClient's."""
        began_s, outcome = time.perf_counter(), "ok"
        try:
            return super().api_call(api_method, **arguments)
        except Exception as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._on_call(api_method, time.perf_counter() - began_s, outcome)


class WatchedWebhook(WebhookClient):
    """A WebhookClient without retries for one response_url that tells ``on_call`` of each call."""

    def __init__(self, url: str, timeout_s: int, on_call: OnCall) -> None:
        super().__init__(url, timeout_s, retry_handlers=[], logger=QUIET)
        self._on_call = on_call

    def send_dict(self, body: dict[str, Any], headers: dict[str, str] | None = None) -> WebhookResponse:
        """As WebhookClient's."""
        began_s, outcome = time.perf_counter(), "away"
        try:
            answered = super().send_dict(body, headers)
            outcome = _outcome_of_status(answered.status_code)
            return answered
        finally:
            self._on_call("response_url", time.perf_counter() - began_s, outcome)


def outcome_of(error: Exception) -> str:
    """What a failed call came to, for counting."""
    fault = fault_of(error)
    if fault is not None and fault.kind is FaultKind.RATE_LIMITED:
        return "ratelimited"
    if fault is None or fault.kind is FaultKind.PERMANENT or fault.code in AUTH_CODES:
        return "refused"
    return "away"


def _outcome_of_status(status: int) -> str:
    if status == 429:
        return "ratelimited"
    return "ok" if status == 200 else "away" if status >= 500 else "refused"


class Slack:
    """Clients without retries: what is sent again, and when, is the outbox's business."""

    def __init__(self, settings: Settings, on_call: OnCall = nobody_listens) -> None:
        self._on_call = on_call
        self.token = settings.slack_bot_token
        self.base_url = settings.slack_api_url
        self.timeout_s = max(1, round(settings.firstline_slack_timeout_s))
        # There is one token as yet, so one client for all that is said; threads may share it.
        self.client: WebClient = WatchedClient(self.base_url, self.timeout_s, on_call, self.token)
        self._asking = threading.Lock()
        self._identity: Identity | None = None
        self._times_asked = 0
        self._refusal = ""

    def webhook(self, response_url: str) -> WebhookClient:
        """A client for one response_url."""
        return WatchedWebhook(response_url, self.timeout_s, self._on_call)

    def identity(self) -> Identity:
        """Who the bot is; asked once, and again only after it failed. Raises SlackAway.

        Who waits while another thread asks hears what that one heard: else many threads would wait for a Slack that
        is silent one after another, and longer than their leases.
        """
        times_asked = self._times_asked
        with self._asking:
            if self._identity is None:
                if self._times_asked > times_asked:
                    raise SlackAway(self._refusal)
                self._identity = self._ask_and_remember()
            return self._identity

    def _ask_and_remember(self) -> Identity:
        try:
            return self._ask()
        except SlackAway as error:
            self._refusal = str(error)
            raise
        finally:
            self._times_asked += 1

    def _ask(self) -> Identity:
        try:
            told = self.client.auth_test()
        except CALL_ERRORS as error:
            fault = fault_of(error)
            if fault is not None and (fault.kind is FaultKind.PERMANENT or fault.code in AUTH_CODES):
                raise SlackAway(f"Slack refuses the bot token: {fault.code}") from None
            raise SlackAway(
                f"Slack does not answer at {self.base_url}: {fault.code if fault else type(error).__name__}"
            ) from None
        return Identity(told["team_id"], told["user_id"], told.get("bot_id"))


def is_loopback(url: str) -> bool:
    """Whether ``url`` points to this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def forget_proxies(url: str, environ: MutableMapping[str, str]) -> None:
    """Drop the proxy variables when ``url`` points to this machine.

    slack_sdk reads them and no NO_PROXY, so a bot on a proxied machine would look for the playground at the proxy.
    """
    if is_loopback(url):
        for name in PROXY_VARIABLES:
            environ.pop(name, None)
