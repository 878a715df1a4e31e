"""One call of a Web API method: its arguments read safely, and what a method needs."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from playground.core import Playground
from playground.errors import ApiError
from playground.model import BOT_USER, Channel, ConversationKind, JsonObject, Message


class TokenKind(StrEnum):
    """Which of the app's tokens a method takes."""

    BOT = "bot"
    APP = "app"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Args:
    """Arguments as they came: strings from forms, anything from JSON."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """A string; empty when it is missing."""
        value = self.values.get(name)
        if value is None:
            return ""
        if isinstance(value, dict | list):
            raise ApiError("invalid_arguments", messages=[f"[ERROR] must be a string [json-pointer:/{name}]"])
        return str(value)

    def required(self, name: str) -> str:
        """A string that must be there. Raises ApiError("invalid_arguments")."""
        value = self.text(name)
        if not value:
            raise ApiError("invalid_arguments", messages=[f"[ERROR] missing required field: {name}"])
        return value

    def structure(self, name: str, refusal: str) -> Any:
        """A list or object, given as such or as JSON text; None when missing. Raises ApiError(refusal) when it is not JSON."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ApiError(refusal) from error

    def flag(self, name: str) -> bool:
        return str(self.values.get(name, "")).lower() in ("1", "true", "yes")

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """An integer within bounds. Raises ApiError("invalid_limit")."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            number = int(value)
        except (TypeError, ValueError) as error:
            raise ApiError("invalid_limit") from error
        if not low <= number <= high:
            raise ApiError("invalid_limit")
        return number

    def names(self, name: str) -> list[str]:
        """A list given as such or with commas."""
        value = self.values.get(name)
        items = value if isinstance(value, list) else str(value or "").split(",")
        return [str(item).strip() for item in items if str(item).strip()]


Handler = Callable[[Playground, Args], JsonObject]


@dataclass(frozen=True, slots=True)
class Method:
    """A method, the scopes it needs at any rate, and the token it takes."""

    run: Handler
    scopes: tuple[str, ...] = ()
    token: TokenKind = TokenKind.BOT


_PREFIX = {
    ConversationKind.IM: "im",
    ConversationKind.MPIM: "mpim",
    ConversationKind.CHANNEL: "channels",
    ConversationKind.GROUP: "groups",
}


def need_scope(playground: Playground, *any_of: str) -> None:
    """Raises ApiError("missing_scope") unless the app has one of these scopes."""
    provided = playground.options.manifest.scopes
    if not provided.intersection(any_of):
        raise ApiError("missing_scope", needed=",".join(any_of), provided=",".join(sorted(provided)))


def need_kind_scope(playground: Playground, kind: ConversationKind, right: str) -> None:
    """The scope for this right ("history", "read") on this kind of conversation."""
    need_scope(playground, f"{_PREFIX[kind]}:{right}")


def channel_of(playground: Playground, channel_id: str) -> Channel:
    """A conversation the app can know of. Raises ApiError("channel_not_found")."""
    channel = playground.workspace.channels.get(channel_id)
    if channel is None or (channel.kind is not ConversationKind.CHANNEL and BOT_USER not in channel.members):
        raise ApiError("channel_not_found")
    return channel


def channel_to_post(playground: Playground, args: Args) -> Channel:
    """Where to post: a conversation the app is in, or a person's DM by the person's id."""
    target = args.required("channel")
    person = playground.workspace.people.get(target)
    if person is not None:
        if person.is_app:
            raise ApiError("channel_not_found")
        return playground.workspace.app_dm(target)
    by_name = {f"#{c.name}": c.id for c in playground.workspace.channels.values() if c.name}
    channel = channel_of(playground, by_name.get(target, target))
    if BOT_USER not in channel.members and "chat:write.public" not in playground.options.manifest.scopes:
        raise ApiError("not_in_channel")
    return channel


def message_of(playground: Playground, channel: Channel, ts: str) -> Message:
    """A message everybody in the conversation sees. Raises ApiError("message_not_found")."""
    message = playground.workspace.message(channel.id, ts)
    if message is None or message.ephemeral_to is not None:
        raise ApiError("message_not_found")
    return message


def page_of(items: list[Any], args: Args, limit: int) -> tuple[list[Any], str]:
    """One page of a list and the cursor of the next ("" at the end). Raises ApiError("invalid_cursor")."""
    start = 0
    cursor = args.text("cursor")
    if cursor:
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except (binascii.Error, ValueError) as error:
            raise ApiError("invalid_cursor") from error
    end = start + limit
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], following
