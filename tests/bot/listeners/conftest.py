"""A desk to try the product at: a real Bolt app and a real database; what would be said is read from the outbox."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import select

from bot.deps import Deps
from bot.edge.bolt import Dispatched, build_bolt, dispatch
from bot.jobs.matching import match_all
from bot.listeners import register
from bot.services.deciding import Decider
from bot.settings import Settings
from bot.storage.database import Clock, Database
from bot.storage.tables import OutboxKind, OutboxRow, SupportRequest
from bot.storage.work import Wake, Work
from classifier import Answer
from tests.fakes import WordClassifier

TEAM = "T0TEST"
ANSWERS = {
    "network_vpn": Answer(
        "network_vpn",
        "Network & VPN",
        "Connect to the VPN again",
        ("Quit it.", "Sign in."),
        "https://example.com/vpn",
        True,
    ),
    "account_password": Answer(
        "account_password", "Account & password", "Reset your password", ("Open the page.",), "", True
    ),
}


WORDS = WordClassifier()


@dataclass
class Desk:
    """Everybody's hands and eyes. Messages are found by what they are called in the outbox."""

    bolt: App
    deps: Deps
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def dm(self, user: str, text: str, *, thread_ts: str | None = None, **more: Any) -> str:
        """``user`` writes to the bot; returns the message's ts."""
        ts = more.pop("ts", None) or f"{self.deps.clock().timestamp():.0f}.{next(self._ids):06d}"
        event = {
            "type": "message",
            "channel_type": "im",
            "user": user,
            "channel": f"D{user}",
            "text": text,
            "ts": ts,
        }
        if thread_ts is not None:
            event |= {"thread_ts": thread_ts, "parent_user_id": user}
        assert self.event(event | more).failure is None
        return ts

    def event(self, event: dict[str, Any]) -> Dispatched:
        """Slack tells of anything."""
        body = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{next(self._ids)}", "event": event}
        return dispatch(self.bolt, body, None)

    def press(self, user: str, key: str, label: str) -> None:
        """``user`` presses the button so labelled on the message called ``key``, as it stands now."""
        found = [b for b in self.buttons(key) if b["text"]["text"] == label]
        assert found, f"no button {label!r} on {key}, but {[b['text']['text'] for b in self.buttons(key)]}"
        self.press_raw(user, found[0]["action_id"], found[0].get("value", ""))

    def press_raw(self, user: str, action_id: str, value: str) -> str:
        """Any click, forged ones too; returns the response_url, at which what is said privately can be found."""
        number = next(self._ids)
        url = f"https://hooks.slack.com/actions/{number}"
        body = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": TEAM},
            "trigger_id": f"trigger.{number}",
            "response_url": url,
            "actions": [
                {"type": "button", "action_id": action_id, "value": value, "action_ts": f"{number}.0"}
            ],
        }
        answered = dispatch(self.bolt, body, None)
        assert answered.failure is None
        assert answered.status == 200
        return url

    def command(self, user: str, text: str) -> str:
        """``user`` types ``/firstline text``; returns what they alone are shown."""
        number = next(self._ids)
        body = {
            "command": "/firstline",
            "text": text,
            "team_id": TEAM,
            "user_id": user,
            "channel_id": "C1",
            "trigger_id": f"trigger.{number}",
            "response_url": f"https://hooks.slack.com/commands/{number}",
        }
        answered = dispatch(self.bolt, body, None)
        assert answered.failure is None
        return self.private()[-1]

    def match(self) -> int:
        """The matcher runs once."""
        return match_all(self.deps)

    def rows(self) -> list[OutboxRow]:
        """The outbox, oldest first."""
        with self.deps.db.reading() as session:
            return list(session.scalars(select(OutboxRow).order_by(OutboxRow.id)))

    def keys(self, prefix: str = "") -> list[str]:
        """The names of the messages posted so far."""
        posted = [row.message_key or "" for row in self.rows() if row.kind is OutboxKind.POST]
        return [key for key in posted if key.startswith(prefix)]

    def shown(self, key: str) -> dict[str, Any]:
        """The message called ``key`` as it stands now."""
        return [row.payload for row in self.rows() if row.message_key == key][-1]

    def seen(self, key: str) -> str:
        """All of its texts, in one string."""
        payload = self.shown(key)
        return "\n".join([payload["text"], *_texts(payload["blocks"])])

    def buttons(self, key: str) -> list[dict[str, Any]]:
        """The buttons on it."""
        blocks = self.shown(key)["blocks"]
        return [e for block in blocks if block["type"] == "actions" for e in block["elements"]]

    def labels(self, key: str) -> list[str]:
        """What its buttons are called."""
        return [button["text"]["text"] for button in self.buttons(key)]

    def private(self) -> list[str]:
        """What was answered privately, oldest first; where a sender runs, it lets go of what it has said."""
        answers = [row.payload for row in self.rows() if row.kind is OutboxKind.RESPOND and row.payload]
        return ["\n".join([a["text"], *_texts(a["blocks"])]) for a in answers]

    def homes(self) -> list[dict[str, Any]]:
        """The App Homes published so far."""
        return [row.payload for row in self.rows() if row.kind is OutboxKind.PUBLISH_HOME]

    def requests(self) -> list[SupportRequest]:
        """The support requests, oldest first."""
        with self.deps.db.reading() as session:
            return list(session.scalars(select(SupportRequest).order_by(SupportRequest.id)))


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _texts(item)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        for value in node.values():
            yield from _texts(value)


def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    return AuthorizeResult(
        enterprise_id=enterprise_id,
        team_id=team_id,
        bot_id="B0BOT",
        bot_user_id="U0BOT",
        bot_token="xoxb-test",
    )


def sit_down(
    database: Database,
    clock: Clock,
    settings: Settings,
    *,
    classifier: Any = WORDS,
    answers: Mapping[str, Answer] = ANSWERS,
    ids: Iterator[int] | None = None,
) -> Desk:
    """A desk on ``database``. Desks that share one share ``ids`` too, or their clicks could not be told apart."""
    wake = Wake()
    fault = None if classifier else "no model folder"
    decider = Decider(classifier, fault)
    deps = Deps(settings, database, Work(database, clock, wake), wake, clock, decider, answers)
    bolt = build_bolt(settings, _authorize)
    register(bolt, deps)
    return Desk(bolt, deps, ids or count(1))


@pytest.fixture
def open_desk(
    sqlite_database: Database, clock: Any, make_settings: Callable[..., Settings]
) -> Callable[..., Desk]:
    """Make a desk; ``classifier=None`` leaves it without a model, everything else is a setting."""

    def make(*, classifier: Any = WORDS, **given: Any) -> Desk:
        defaults = {"firstline_agents": ("UANA", "UBEN"), "firstline_admins": ("UBOSS",)}
        settings = make_settings(**(defaults | given))
        return sit_down(sqlite_database, clock, settings, classifier=classifier)

    return make


@pytest.fixture
def desk(open_desk: Callable[..., Desk]) -> Desk:
    """A desk with two agents (UANA, UBEN), one administrator (UBOSS), and a model that knows two words."""
    return open_desk()
