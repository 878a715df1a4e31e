"""Bots to be killed, with a classifier that goes by words; their settings come from the environment.

The order says what is broken in one on purpose, so that a test can show that the check of it would see that; the product
has no such switch.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.app import Bot
from bot.delivery import calls, outbox
from bot.delivery.sender import Sender
from bot.edge import writer
from bot.storage import claims, queries, said
from bot.storage.inbox import Delivery, store
from bot.storage.tables import InboxRow, OutboxKind, PostedMessage
from tests.reliability.apparatus.nursery import bot_of_words, nurse


class Broken(StrEnum):
    """What is broken."""

    NOTHING = "nothing"
    WORKERS = "workers"  # deliveries are stored and acknowledged, and that is all
    DELIVERY_KEY = "delivery_key"  # Slack's second delivery is news, and so is a message that is known
    LOOK = "look"  # what may have been said is said again unseen
    OUTBOX = "outbox"  # things are said in the middle of a transaction instead of being written down in it
    TAKEOVER = "takeover"  # a claim never runs out: what a dead bot had in work stays there
    CLAIMS = "claims"  # a claim keeps nobody else from the row


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
        case Broken.TAKEOVER:
            claims.sweep = lambda *_args, **_kwargs: ()  # type: ignore[assignment]
        case Broken.CLAIMS:
            share_claims()


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


def share_claims() -> None:
    """Rows that are claimed can be claimed again; whoever is done with one says so, whoever else has it."""
    exclusive_claim, release = claims.claim, claims._release

    def shared_claim(session: Session, table: Any, now: datetime, **limits: Any) -> Sequence[Any]:
        rows = exclusive_claim(session, table, now, **limits)
        for row in rows:
            session.expunge(row)  # the worker holds what it believes to be its own
        ids = [row.id for row in rows]
        session.execute(update(table).where(table.id.in_(ids)).values(state=claims.RowState.READY))
        return rows

    def shared_release(session: Session, table: Any, row_id: int, lease: str | None, **values: Any) -> bool:
        mine = update(table).where(table.id == row_id).values(state=claims.RowState.CLAIMED, lease=lease)
        session.execute(mine.execution_options(synchronize_session=False))
        return release(session, table, row_id, lease, **values)

    claims.claim, claims._release = shared_claim, shared_release


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
        _request_id: int | None = None,
    ) -> None:
        if kind is OutboxKind.POST and message_key is not None:
            channel_id = payload["channel_id"] or calls.open_conversation(self._client, payload["user_ids"])
            place = calls.post_message(self._client, channel_id, payload, f"{team_id}:{dedupe_key}")
            at = {"channel_id": place.channel_id, "ts": place.ts, "posted_at": now}
            said.remember_posted(session, [PostedMessage(team_id=team_id, message_key=message_key, **at)])
        elif kind is OutboxKind.UPDATE:
            posted = said.find_posted(session, team_id, message_key or "")
            if posted is not None:
                calls.update_message(self._client, calls.Said(posted.channel_id, posted.ts), payload)


def make(what: str) -> Bot:
    """A bot on a free port in which ``what`` is broken."""
    bot = bot_of_words()
    break_what(Broken(what), bot)
    return bot


if __name__ == "__main__":
    nurse(make)
