"""Slack's Web API, by its URL: one client per workspace, and who the bot is there."""

import logging
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

from bot.delivery.faults import FaultKind, fault_of
from bot.errors import SlackAway
from bot.settings import Settings

# Slack's libraries write whole bodies to the log at DEBUG; with a level of its own this one never does.
QUIET = logging.getLogger("bot.slack_sdk")
QUIET.setLevel(logging.WARNING)

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


@dataclass(frozen=True, slots=True)
class Identity:
    """The bot in its workspace, as auth.test tells."""

    team_id: str
    user_id: str
    bot_id: str | None


class Slack:
    """Clients without retries: what is sent again, and when, is the outbox's business."""

    def __init__(self, settings: Settings) -> None:
        self.token = settings.slack_bot_token
        self.base_url = settings.slack_api_url
        self.timeout_s = max(1, round(settings.firstline_slack_timeout_s))
        self._client = WebClient(
            token=self.token, base_url=self.base_url, timeout=self.timeout_s, retry_handlers=[], logger=QUIET
        )
        self._asking = threading.Lock()
        self._identity: Identity | None = None

    def client(self, team_id: str) -> WebClient:
        """The client for a workspace. There is one token as yet, so one client, which threads may share."""
        del team_id
        return self._client

    def webhook(self, response_url: str) -> WebhookClient:
        """A client for one response_url."""
        return WebhookClient(response_url, timeout=self.timeout_s, retry_handlers=[], logger=QUIET)

    def identity(self) -> Identity:
        """Who the bot is; asked once, and again only after it failed. Raises SlackAway."""
        with self._asking:
            if self._identity is None:
                self._identity = self._ask()
            return self._identity

    def _ask(self) -> Identity:
        try:
            told = self._client.auth_test()
        except (OSError, HTTPException, SlackClientError) as error:
            fault = fault_of(error)
            if fault is not None and fault.kind is FaultKind.PERMANENT:
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
