"""Exported conversations, as who wrote what when.

Two forms are read. JSON lines, one conversation a line:

    {"conversation": "C1", "category": "vpn", "messages": [{"role": "user", "text": "...", "ts": "...", "bot": false}]}

or CSV and Parquet with one message a row, the rows of a conversation sharing its id. `Fields` names what stands where.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from classifier.data.dates import parse_date
from classifier.data.tables import Format, Row, as_text, format_of, read_objects, read_rows
from classifier.errors import DataRefused

# As exports write them, without case and with spaces or underscores as hyphens.
_REQUESTERS = frozenset({"client", "customer", "end-user", "requester", "user", "visitor"})
_OTHERS = frozenset(
    {"admin", "agent", "analyst", "app", "assistant", "automation", "bot", "helpdesk", "it", "moderator"}
    | {"operator", "service-desk", "staff", "support", "system", "technician", "tool", "workflow"}
)


@dataclass(frozen=True, slots=True)
class Fields:
    """Names of the columns of a table, and of the fields of a conversation and its messages in JSON lines.

    A conversation in JSON lines may have its id as `id`; without one it has its line's number.
    """

    conversation: str = "conversation"
    author: str = "author"
    role: str = "role"
    text: str = "text"
    time: str = "ts"
    bot: str = "bot"
    category: str = "category"
    language: str = "language"


@dataclass(frozen=True, slots=True)
class People:
    """Roles or authors that are requesters, and those that are not (agents and bots), beside the usual words for them."""

    requesters: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def named(self, name: str) -> bool | None:
        """Whether it was said to be a requester; None if nothing was said of it."""
        plain = _plain(name)
        if plain in map(_plain, self.requesters):
            return True
        return False if plain in map(_plain, self.others) else None


def _plain(name: str) -> str:
    return "-".join(name.casefold().replace("_", " ").replace("-", " ").split())


@dataclass(frozen=True, slots=True)
class Message:
    """`is_requester` is None where only the author's id tells who wrote it. `at` is in UTC, None if not told."""

    author: str
    is_requester: bool | None
    text: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Its messages in the order of their times, or of the file if not all have one.

    `categories`: all that its rows name, usually one. `language` is "" where it is not told.
    """

    id: str
    messages: tuple[Message, ...]
    categories: frozenset[str]
    language: str

    def requests(self) -> list[Message]:
        """What the requester wrote. Where nobody is told to be one, it is whoever of unknown role wrote first."""
        told = [message for message in self.messages if message.is_requester]
        unknown = [message for message in self.messages if message.is_requester is None]
        return told or [message for message in unknown if message.author == unknown[0].author]


def read_conversations(path: Path, fields: Fields, people: People) -> list[Conversation]:
    """All conversations of a file; raises DataRefused in one line, also for roles of which it is not known what they do."""
    if format_of(path) is Format.JSON_LINES:
        found = [_from_object(content, path, line, fields) for line, content in read_objects(path)]
    else:
        found = _from_rows(path, fields)
    messages = [message for raw in found for message in raw.messages]
    if not messages:
        raise DataRefused(f"{path} holds no messages")
    _refuse_missing(path, messages, fields)
    _refuse_unknown_roles(path, messages, fields, people)
    return [_conversation(raw, fields, people) for raw in found]


@dataclass(frozen=True, slots=True)
class _Raw:
    """A conversation as it stands in the file: cells as text; `place` says where, for a complaint."""

    place: str
    id: str
    messages: Sequence[Row]
    categories: Sequence[str]
    language: str


def _from_object(content: Mapping[str, Any], path: Path, line: int, fields: Fields) -> _Raw:
    messages = content.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise DataRefused(f"{path}, line {line}: no list of messages named 'messages'")
    return _Raw(
        place=f"{path}, line {line}",
        id=as_text(content.get(fields.conversation)) or as_text(content.get("id")) or str(line),
        messages=[{name: as_text(cell) for name, cell in message.items()} for message in messages],
        categories=[as_text(content.get(fields.category))],
        language=as_text(content.get(fields.language)),
    )


def _from_rows(path: Path, fields: Fields) -> list[_Raw]:
    together: dict[str, list[Row]] = {}
    for number, row in enumerate(read_rows(path, (fields.conversation, fields.text, fields.category)), 1):
        # A row without an id is a conversation of its own: joined, they would be one long talk among strangers.
        together.setdefault(row[fields.conversation].strip() or f"row {number}", []).append(row)
    return [
        _Raw(
            place=f"{path}, conversation {name}",
            id=name,
            messages=rows,
            categories=[row[fields.category] for row in rows],
            language=next((row[fields.language] for row in rows if row.get(fields.language)), ""),
        )
        for name, rows in together.items()
    ]


def _refuse_missing(path: Path, messages: Sequence[Row], fields: Fields) -> None:
    """A name that no message has is a wrong name; a message without one of them is only an empty cell."""
    found = list(dict.fromkeys(name for message in messages for name in message))
    if fields.text not in found:
        raise DataRefused(f"{path}: no message has {fields.text!r} (there are: {', '.join(found) or 'none'})")
    if fields.author not in found and fields.role not in found:
        raise DataRefused(
            f"{path}: no message has {fields.author!r} or {fields.role!r} (there are: {', '.join(found)})"
        )


def _refuse_unknown_roles(path: Path, messages: Sequence[Row], fields: Fields, people: People) -> None:
    roles = Counter(
        role
        for message in messages
        if (role := _cell(message, fields.role)) and _is_requester(message, fields, people) is None
    )
    if roles:
        named = ", ".join(f"{role} ({count})" for role, count in roles.most_common())
        raise DataRefused(
            f"{path}: do these roles write requests? {named}: name each with --requester or --agent"
        )


def _conversation(raw: _Raw, fields: Fields, people: People) -> Conversation:
    messages = [_message(cells, raw.place, fields, people) for cells in raw.messages]
    times = [message.at for message in messages if message.at is not None]
    if len(times) == len(messages):
        order = sorted(range(len(messages)), key=times.__getitem__)
        messages = [messages[place] for place in order]
    categories = frozenset(category.strip() for category in raw.categories if category.strip())
    return Conversation(raw.id, tuple(messages), categories, raw.language.strip())


def _message(cells: Row, place: str, fields: Fields, people: People) -> Message:
    time = _cell(cells, fields.time)
    try:
        at = parse_date(time) if time else None
    except ValueError:
        raise DataRefused(f"{place}: {time!r} in {fields.time} is no time") from None
    is_requester = _is_requester(cells, fields, people)
    return Message(_cell(cells, fields.author), is_requester, cells.get(fields.text, ""), at)


def _is_requester(cells: Row, fields: Fields, people: People) -> bool | None:
    """None if neither role nor author tells. What nobody known wrote, such as a notice of the system, is no request."""
    author, role = _cell(cells, fields.author), _cell(cells, fields.role)
    name = role or author
    if not name or _cell(cells, fields.bot).casefold() in {"true", "t", "yes", "y", "1"}:
        return False
    # Somebody named on the command line is known better than by the role an export gives them.
    told = people.named(author)
    told = people.named(name) if told is None else told
    if told is not None:
        return told
    plain = _plain(name)
    return True if plain in _REQUESTERS else False if plain in _OTHERS else None


def _cell(cells: Row, name: str) -> str:
    return cells.get(name, "").strip()
