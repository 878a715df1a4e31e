"""Slack as the bot's tokens see it: who it is there, what it may do, and whom it can reach."""

import re
from collections.abc import Callable, Generator, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import yaml
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.delivery.faults import CALL_ERRORS, FaultKind, fault_of
from bot.delivery.slack import QUIET, is_loopback
from bot.doctor.finding import Finding, fault, good, warning
from bot.settings import Settings, SlackMode
from bot.storage.database import Clock

MANIFEST = Path(__file__).resolve().parents[2] / "manifest.yml"
LIMIT_S = 5
CLOCKS_APART = timedelta(minutes=5)  # beyond that no signature of Slack's is taken
SIGNING_SECRET = re.compile(r"[0-9a-f]{32}")
LATER = timedelta(days=100)  # chat.scheduleMessage takes 120; it is taken back at once
COPY_TOKEN = "copy the Bot User OAuth Token (xoxb-...) from OAuth & Permissions into SLACK_BOT_TOKEN, after installing the app"
PASTE = "paste manifest.yml into the app's settings and reinstall it"


def check(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Ask Slack. Nothing is said to anybody; opening a DM shows nothing there."""
    if not is_loopback(settings.slack_api_url) and not SIGNING_SECRET.fullmatch(
        settings.slack_signing_secret
    ):
        yield warning(
            "signing secret",
            "SLACK_SIGNING_SECRET does not look like one (32 hexadecimal digits)",
            "copy it from Basic Information; a token or the client secret is something else",
        )
    client = WebClient(
        settings.slack_bot_token, settings.slack_api_url, LIMIT_S, retry_handlers=[], logger=QUIET
    )
    told = yield from _asked("slack", client.auth_test, "the bot token", COPY_TOKEN)
    if told is None:
        return
    headers = {name.lower(): value for name, value in told.headers.items()}
    yield from _identity(told)
    yield from _clock(headers.get("date"), clock())
    yield _scopes(str(headers.get("x-oauth-scopes", "")))
    if settings.mode is SlackMode.SOCKET:
        yield from _socket(client, settings)
    yield from _people(client, settings)
    if settings.firstline_agent_channel is not None:
        yield from _channel(client, settings.firstline_agent_channel, clock())


def _asked(check: str, ask: Callable[[], Any], subject: str, remedy: str) -> Generator[Finding, None, Any]:
    """Yield the finding when Slack refuses or is away; return its answer otherwise."""
    try:
        return ask()
    except SlackApiError as error:
        yield fault(check, f"Slack refuses {subject}: {error.response.get('error')}", remedy)
    except CALL_ERRORS as error:
        yield fault(
            check,
            f"Slack does not answer ({type(error).__name__})",
            "see that this machine reaches it, and that SLACK_API_URL is right",
        )
    return None


def _identity(told: Any) -> Iterator[Finding]:
    if not told.get("bot_id"):
        yield fault("slack", "SLACK_BOT_TOKEN is a person's token, not the app's", COPY_TOKEN)
    elif told.get("is_enterprise_install"):
        yield fault("slack", "the app is installed for a whole organisation", "install it to one workspace")
    else:
        yield good("slack", f"workspace {told.get('team')}, bot user {told.get('user_id')}")


def _clock(date: str | None, now: datetime) -> Iterator[Finding]:
    if date is None:
        return
    apart = abs(now - parsedate_to_datetime(date))
    if apart > CLOCKS_APART:
        yield fault(
            "clock",
            f"this machine's clock and Slack's are {apart.total_seconds():.0f} s apart, so every signature looks stale",
            "let the machine ask an NTP server",
        )
    else:
        yield good("clock", "agrees with Slack's")


def _scopes(granted_header: str) -> Finding:
    granted = {scope.strip() for scope in granted_header.split(",") if scope.strip()}
    wanted = set(yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"])
    if missing := wanted - granted:
        return fault("scopes", f"the app lacks {', '.join(sorted(missing))}", PASTE)
    if extra := granted - wanted:
        return warning("scopes", f"the app has more than it needs: {', '.join(sorted(extra))}", PASTE)
    return good("scopes", "as in manifest.yml")


def _socket(client: WebClient, settings: Settings) -> Iterator[Finding]:
    remedy = "make an app-level token with connections:write (Basic Information), and enable Socket Mode"
    token = settings.slack_app_token or ""
    opened = yield from _asked(
        "socket mode", lambda: client.apps_connections_open(app_token=token), "SLACK_APP_TOKEN", remedy
    )
    if opened is not None:
        yield good("socket mode", "Slack opens a connection for the app token")


def _people(client: WebClient, settings: Settings) -> Iterator[Finding]:
    """Open the DM with each, as the bot does before it offers or tells: scopes to look people up are not needed."""
    listed = [("FIRSTLINE_AGENTS", user_id) for user_id in settings.firstline_agents]
    listed += [("FIRSTLINE_ADMINS", user_id) for user_id in settings.firstline_admins]
    is_well = True
    for number, (setting, user_id) in enumerate(listed):
        try:
            client.conversations_open(users=user_id)
        except SlackApiError as error:
            is_well = False
            known = fault_of(error)
            if known is not None and known.kind is FaultKind.RATE_LIMITED:
                left = len(listed) - number
                yield warning(
                    "people", f"Slack asks for patience: {left} were not tried", "ask again in a minute"
                )
                break
            yield fault(
                "people",
                f"{user_id} in {setting} cannot be written to: {error.response.get('error')}",
                f"take it out of {setting}, or correct it (profile, More, Copy member ID)",
            )
    if is_well:
        yield good("people", "everybody listed can be written to")


def _channel(client: WebClient, channel_id: str, now: datetime) -> Iterator[Finding]:
    """Schedule a message for a far day and take it back: Slack says whether it would be let in."""
    post_at = int((now + LATER).timestamp())
    remedy = "type /invite @Firstline there, or correct FIRSTLINE_AGENT_CHANNEL"
    planned = yield from _asked(
        "channel",
        lambda: client.chat_scheduleMessage(channel=channel_id, post_at=post_at, text="Firstline: a check"),
        f"FIRSTLINE_AGENT_CHANNEL {channel_id}",
        remedy,
    )
    if planned is not None:
        client.chat_deleteScheduledMessage(
            channel=channel_id, scheduled_message_id=planned["scheduled_message_id"]
        )
        yield good("channel", f"the bot may post in {channel_id}")
