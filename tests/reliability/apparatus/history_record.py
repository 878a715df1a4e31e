"""Reads the playground's own record: what it told the bot, and what people see of the bot."""

from collections.abc import Iterable, Iterator

from playground.journal import DeliveryKind, DeliveryRecord, Outcome
from playground.model import Message
from playground.testing import PlaygroundServer
from tests.reliability.apparatus.history import Delivered, Seen


def delivered_by(slack: PlaygroundServer) -> list[Delivered]:
    """Every direct message of a person and every click, once, however often it was tried."""
    acknowledged: dict[str, bool] = {}
    first: dict[str, DeliveryRecord] = {}
    for record in slack.deliveries():
        delivery_id = _delivery_id(record)
        if delivery_id is not None:
            first.setdefault(delivery_id, record)
            acknowledged[delivery_id] = acknowledged.get(delivery_id, False) or record.outcome is Outcome.OK
    return [
        _delivered(delivery_id, acknowledged[delivery_id], record) for delivery_id, record in first.items()
    ]


def seen_in(slack: PlaygroundServer) -> list[Seen]:
    """Every message of the bot's that stands in a conversation for all its members."""

    def look(messages: Iterable[Iterable[Message]]) -> Iterator[Message]:
        for conversation in messages:
            yield from (m for m in conversation if m.by_app and m.ephemeral_to is None)

    said = slack.look(lambda p: list(look(each.values() for each in p.workspace.messages.values())))
    return [_seen(message) for message in said]


def _delivery_id(record: DeliveryRecord) -> str | None:
    """None for what the bot need not keep: echoes of its own words, commands, modals."""
    if record.kind is DeliveryKind.INTERACTION and record.name == "block_actions":
        return str(record.payload["trigger_id"])
    event = record.payload.get("event", {})
    is_by_person = record.name == "message.im" and "bot_id" not in event and "subtype" not in event
    return record.event_id if is_by_person else None


def _delivered(delivery_id: str, is_acknowledged: bool, record: DeliveryRecord) -> Delivered:
    if record.kind is DeliveryKind.INTERACTION:
        return Delivered(delivery_id, is_acknowledged)
    event = record.payload["event"]
    place = (event["channel"], event["ts"])
    return Delivered(delivery_id, is_acknowledged, place, event.get("thread_ts"))


def _seen(message: Message) -> Seen:
    payload = (message.metadata or {}).get("event_payload") or {}
    return Seen(message.channel, message.ts, message.thread_ts, payload.get("dedupe_key"), message.text)
