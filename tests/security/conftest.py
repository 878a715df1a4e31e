"""The signed front door of a running bot: what Slack would send, true or forged, and what came of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from bot.app import Bot
from bot.storage.tables import SETTLED, InboxRow
from playground.model import TEAM_ID
from playground.signing import signed_headers
from tests.scenarios.conftest import (
    Desk,
    database_url,
    desk,
    postgres_database_url,
    slack,
    sqlite_desk,
    sqlite_url,
)
from tests.sizes import at_full_size

__all__ = ["database_url", "desk", "postgres_database_url", "slack", "sqlite_desk", "sqlite_url"]
FORM = "application/x-www-form-urlencoded"


@dataclass
class FrontDoor:
    """Sends signed deliveries to one bot. Each gets an id of its own, so that what came of it can be told apart."""

    desk: Desk
    bot: Bot
    _numbers: Any = field(default_factory=lambda: count(1))

    def post(
        self, body: bytes, content_type: str = "application/json", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """POST ``body``, signed unless there are ``headers``; return status and answer."""
        if headers is None:
            headers = signed_headers(self.desk.slack.signing_secret, body, int(time.time()))
        connection = HTTPConnection("127.0.0.1", self.bot.port, timeout=20)
        try:
            connection.request("POST", "/slack/events", body, {"Content-Type": content_type, **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def message(self, user: str, text: str, team: str = TEAM_ID, **more: Any) -> tuple[int, bytes]:
        """``user`` writes to the bot in their DM."""
        number = next(self._numbers)
        event = {
            "type": "message",
            "channel_type": "im",
            "channel": f"D{user[1:]}",
            "user": user,
            "text": text,
            "ts": f"{time.time():.0f}.{number:06d}",
            "team": team,
        }
        body = {
            "type": "event_callback",
            "team_id": TEAM_ID,
            "event_id": f"EvF{number}",
            "event": event | more,
        }
        return self.post(json.dumps(body).encode())

    def press(self, user: str, action_id: str, value: str, team: str = TEAM_ID) -> str:
        """``user`` of ``team`` presses a button; returns the response_url of this press."""
        payload = self._interaction("block_actions", user, team)
        payload["actions"] = [{"type": "button", "action_id": action_id, "block_id": "b", "value": value}]
        self._hand_in(payload)
        return str(payload["response_url"])

    def hand_in(
        self, user: str, callback_id: str, values: dict[str, Any], team: str = TEAM_ID, metadata: str = ""
    ) -> bytes:
        """``user`` of ``team`` submits a modal; returns what the bot answers at once."""
        payload = self._interaction("view_submission", user, team)
        payload["view"] = {
            "id": "V1",
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": metadata,
            "state": {"values": values},
        }
        return self._hand_in(payload)

    def command(self, user: str, text: str, team: str = TEAM_ID) -> str:
        """``user`` of ``team`` types ``/firstline text``; returns the response_url."""
        number = next(self._numbers)
        url = self._response_url(number)
        fields = {
            "command": "/firstline",
            "text": text,
            "team_id": team,
            "user_id": user,
            "channel_id": f"D{user[1:]}",
            "trigger_id": f"trigger.{number}",
            "response_url": url,
        }
        assert self.post(urlencode(fields).encode(), FORM)[0] == 200
        return url

    def settle(self) -> None:
        """Wait until every delivery has been worked."""

        def is_settled() -> bool:
            with self.bot.deps.db.reading() as session:
                waiting = select(func.count()).select_from(InboxRow).where(InboxRow.state.not_in(SETTLED))
                return session.scalar(waiting) == 0

        self.desk.slack.eventually(is_settled, 600 if at_full_size() else 30, what="all deliveries worked")

    def _interaction(self, kind: str, user: str, team: str) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "type": kind,
            "team": {"id": team},
            "user": {"id": user, "team_id": team},
            "trigger_id": f"trigger.{number}",
            "response_url": self._response_url(number),
        }

    def _hand_in(self, payload: dict[str, Any]) -> bytes:
        status, answer = self.post(urlencode({"payload": json.dumps(payload)}).encode(), FORM)
        assert status == 200
        return answer

    def _response_url(self, number: int) -> str:
        return f"{self.desk.slack.url}/no-such-response/{number}"  # the playground knows none of these: a 404


@pytest.fixture
def open_door() -> Callable[..., FrontDoor]:
    """Start a bot at a desk and stand at its door."""

    def start(at: Desk, **given: object) -> FrontDoor:
        return FrontDoor(at, at.start_bot(**given))

    return start
