"""The two tickets an interaction hands out: a trigger_id (once, 3 s) and a response_url (5 times, 30 minutes)."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from playground.errors import ApiError
from playground.model import TEAM_ID

TRIGGER_LIFE = timedelta(seconds=3)
RESPONSE_LIFE = timedelta(minutes=30)
RESPONSE_USES = 5


@dataclass(frozen=True, slots=True)
class Trigger:
    """The right to show one person a modal. ``view_id`` is the modal or App Home it came from, if it did."""

    user: str
    until: datetime
    view_id: str | None = None
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class ResponseTarget:
    """Where an answer by response_url goes, and which message it may replace."""

    user: str
    channel: str
    until: datetime
    message_ts: str | None = None
    thread_ts: str | None = None
    uses_left: int = RESPONSE_USES


class Tickets:
    """Every trigger and response_url handed out."""

    def __init__(self) -> None:
        self._triggers: dict[str, Trigger] = {}
        self._targets: dict[str, ResponseTarget] = {}

    def new_trigger(self, user: str, now: datetime, view_id: str | None = None) -> str:
        trigger_id = f"{int(now.timestamp() * 1000)}.{len(self._triggers) + 1}.{secrets.token_hex(16)}"
        self._triggers[trigger_id] = Trigger(user, now + TRIGGER_LIFE, view_id)
        return trigger_id

    def spend_trigger(self, trigger_id: str, now: datetime) -> Trigger:
        """Use a trigger. Raises ApiError in Slack's words when it is unknown, used or too old."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise ApiError("invalid_trigger_id")
        if trigger.is_used:
            raise ApiError("exchanged_trigger_id")
        if now > trigger.until:
            raise ApiError("expired_trigger_id")
        self._triggers[trigger_id] = replace(trigger, is_used=True)
        return trigger

    def new_response_path(self, target: ResponseTarget) -> str:
        """The path of a new response_url."""
        path = f"/actions/{TEAM_ID}/{len(self._targets) + 1}/{secrets.token_hex(12)}"
        self._targets[path] = target
        return path

    def spend_response(self, path: str, now: datetime) -> ResponseTarget:
        """Use a response_url once. Raises ApiError("expired_url" or "used_url")."""
        target = self._targets.get(path)
        if target is None or now > target.until:
            raise ApiError("expired_url")
        if target.uses_left == 0:
            raise ApiError("used_url")
        self._targets[path] = replace(target, uses_left=target.uses_left - 1)
        return target

    def remember_message(self, path: str, message_ts: str) -> None:
        """A command's answer became this message: later uses may replace it."""
        self._targets[path] = replace(self._targets[path], message_ts=message_ts)
