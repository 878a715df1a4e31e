"""Bots to be killed, with a classifier that goes by words; their settings come from the environment.

The order says what is broken in one on purpose, so that a test can show that the check of it would see that.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select

from bot.app import Bot, build
from bot.delivery import calls, outbox
from bot.delivery.sender import Sender
from bot.edge import writer
from bot.edge.server import listen
from bot.services.deciding import Decider
from bot.settings import load_settings
from bot.storage import queries, said
from bot.storage.inbox import Delivery, store
from bot.storage.tables import InboxRow, OutboxKind
from tests.fakes import WordClassifier
from tests.reliability.nursery import nurse


class Broken(StrEnum):
    """What is broken."""

    NOTHING = "nothing"
    WORKERS = "workers"  # deliveries are stored and acknowledged, and that is all
    DELIVERY_KEY = "delivery_key"  # Slack's second delivery is news, and so is a message that is known
    LOOK = "look"  # what may have been said is said again unseen
    OUTBOX = "outbox"  # things are said in the middle of a transaction instead of being written down in it


def break_what(broken: Broken, bot: Bot) -> None:
    """Break it."""
    match broken:
        case Broken.NOTHING:
            pass
        case Broken.WORKERS:
            for part in (bot.worker, bot.sender, bot.matcher):
                part.start = lambda: None  # type: ignore[method-assign]
        case Broken.DELIVERY_KEY:
            writer.store = store_again  # type: ignore[assignment]
            look = queries.whereabouts
            queries.whereabouts = lambda *message: replace(look(*message), is_known=False)
        case Broken.LOOK:
            Sender._look_for = lambda *_arguments: None  # type: ignore[method-assign]
        case Broken.OUTBOX:
            outbox._write = SayAtOnce(bot)  # type: ignore[assignment]


def store_again(session: Any, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Store all of them; a second one under a key of its own."""
    known = set(session.scalars(select(InboxRow.delivery_key)))
    store(
        session,
        [
            replace(d, delivery_key=f"{d.delivery_key}:{now.timestamp()}") if d.delivery_key in known else d
            for d in deliveries
        ],
        now,
    )


class SayAtOnce:
    """Calls Slack where a row should be written; what fails takes its transaction with it, and both are tried again."""

    def __init__(self, bot: Bot) -> None:
        self._client = bot.slack.client

    def __call__(
        self,
        session: Any,
        now: datetime,
        kind: OutboxKind,
        team_id: str,
        _lane: str,
        dedupe_key: str,
        message_key: str | None,
        payload: dict[str, Any],
    ) -> None:
        if kind is OutboxKind.POST and message_key is not None:
            channel_id = payload["channel_id"] or calls.open_conversation(self._client, payload["user_ids"])
            place = calls.post_message(self._client, channel_id, payload, f"{team_id}:{dedupe_key}")
            said.remember_posted(
                session, team_id, message_key, channel_id=place.channel_id, ts=place.ts, now=now
            )
        elif kind is OutboxKind.UPDATE:
            posted = said.find_posted(session, team_id, message_key or "")
            if posted is not None:
                calls.update_message(self._client, calls.Said(posted.channel_id, posted.ts), payload)


def make(what: str) -> Bot:
    """A bot on a free port in which ``what`` is broken."""
    decider = Decider(WordClassifier())  # type: ignore[arg-type]
    bot = build(load_settings(), lambda: datetime.now(UTC), listen("127.0.0.1", 0), decider)
    break_what(Broken(what), bot)
    return bot


if __name__ == "__main__":
    nurse(make)
