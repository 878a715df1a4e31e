"""What a bot's database holds, read with plain SQL: nothing of the bot's own code has a say in it."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, create_engine, text

Place = tuple[str, str]  # channel id, ts


@dataclass(frozen=True, slots=True)
class Heard:
    """A row of the inbox. ``delivery_key`` is ``team:event id``."""

    delivery_key: str
    state: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the outbox; ``words`` is the text it shows, "" where it shows none."""

    id: int
    dedupe_key: str
    kind: str
    message_key: str | None
    state: str
    fault: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A support request and the thread it stands in."""

    id: int
    thread: Place
    state: str


@dataclass(frozen=True, slots=True)
class Assigned:
    """A request given to an agent. Times are as the database writes them: text or datetime, but of one kind."""

    id: int
    request_id: int
    agent_id: str
    state: str
    offered_at: Any
    ended_at: Any


@dataclass(frozen=True, slots=True)
class Rows:
    """Everything a history is checked against."""

    inbox: Sequence[Heard]
    outbox: Sequence[Told]
    requests: Mapping[int, Opened]
    taken: Mapping[Place, int]  # a person's message -> the request it belongs to
    assignments: Sequence[Assigned]
    events: Mapping[int, Sequence[str]]  # request -> kinds of what happened to it, oldest first


def read_rows(database_url: str) -> Rows:
    """Read all of it, in one transaction of its own."""
    with looking_into(database_url) as connection:
        return _read(connection)


def unsettled(database_url: str) -> int:
    """How many rows of inbox and outbox are neither done nor given up."""
    counted = "(SELECT count(*) FROM {} WHERE state NOT IN ('done', 'dead'))"
    with looking_into(database_url) as connection:
        asked = f"SELECT {counted.format('inbox')} + {counted.format('outbox')}"
        return int(connection.execute(text(asked)).scalar_one())


@contextmanager
def looking_into(database_url: str) -> Iterator[Connection]:
    """A connection of its own."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def moment_of(stored: Any) -> datetime:
    """A time as either database hands it out: aware on PostgreSQL, text or without a zone on SQLite."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read(connection: Connection) -> Rows:
    inbox = connection.execute(text("SELECT delivery_key, state, fault FROM inbox ORDER BY id"))
    outbox = connection.execute(
        text("SELECT id, dedupe_key, kind, message_key, state, fault, payload FROM outbox ORDER BY id")
    )
    requests = connection.execute(text("SELECT id, channel_id, thread_ts, state FROM support_requests"))
    taken = connection.execute(text("SELECT channel_id, ts, request_id FROM request_messages"))
    assignments = connection.execute(
        text(
            "SELECT id, request_id, agent_id, state, offered_at, ended_at FROM assignments ORDER BY offered_at, id"
        )
    )
    events = defaultdict(list)
    for request_id, kind in connection.execute(text("SELECT request_id, kind FROM events ORDER BY id")):
        events[request_id].append(kind)
    return Rows(
        inbox=[Heard(*row) for row in inbox],
        outbox=[Told(*row[:6], words=_words(row.payload)) for row in outbox],
        requests={row.id: Opened(row.id, (row.channel_id, row.thread_ts), row.state) for row in requests},
        taken={(row.channel_id, row.ts): row.request_id for row in taken},
        assignments=[Assigned(*row) for row in assignments],
        events=events,
    )


def _words(payload: Any) -> str:
    """The payload is JSON: parsed already on PostgreSQL, text on SQLite."""
    document = json.loads(payload) if isinstance(payload, str) else payload
    return str(document.get("text", ""))
