"""The values of the small Slack: what a person, a conversation, a message, a view and a file are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]
"""A JSON object as it came over the wire, or will go."""

Values = Mapping[str, Mapping[str, JsonObject]]
"""What stands in the inputs: block_id -> action_id -> Slack's state object."""

TEAM_ID = "T0PLAY"
TEAM_DOMAIN = "playground"
TEAM_NAME = "Playground"
APP_ID = "A0PLAY"
BOT_ID = "B0PLAY"
BOT_USER = "U0BOT"
SLACKBOT = "USLACKBOT"


class Role(StrEnum):
    """What a person is in the story the page tells; Slack knows nothing of it."""

    REQUESTER = "requester"
    AGENT = "agent"
    ADMIN = "admin"
    APP = "app"


class ConversationKind(StrEnum):
    """Slack's ``channel_type``."""

    IM = "im"
    MPIM = "mpim"
    CHANNEL = "channel"
    GROUP = "group"


class ViewKind(StrEnum):
    """Slack's view types."""

    MODAL = "modal"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the workspace, the app's bot user included. ``tz`` is an IANA zone name."""

    id: str
    name: str
    handle: str
    role: Role
    title: str = ""
    tz: str = "UTC"
    color: str = "#4a6fa5"
    is_workspace_admin: bool = False

    @property
    def is_app(self) -> bool:
        return self.role is Role.APP

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split()[:2]).upper()


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation of any kind. ``name`` is empty for DMs."""

    id: str
    kind: ConversationKind
    members: tuple[str, ...]
    created_s: int
    name: str = ""
    creator: str = BOT_USER


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file. ``shared_in`` lists conversation ids; empty: only the uploader sees it."""

    id: str
    name: str
    title: str
    mimetype: str
    content: bytes
    user: str
    created_s: int
    shared_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands now; an edit replaces the value.

    ``text`` is mrkdwn as Slack stores it. ``ephemeral_to`` is the one person who sees it, or nothing.
    ``live_mentions`` are the mentions that would really notify ("channel", "here", "everyone", user and channel ids).
    """

    ts: str
    channel: str
    user: str
    text: str
    blocks: list[JsonObject] | None = None
    thread_ts: str | None = None
    by_app: bool = False
    subtype: str | None = None
    edited_ts: str | None = None
    edited_by: str | None = None
    metadata: JsonObject | None = None
    ephemeral_to: str | None = None
    files: tuple[str, ...] = ()
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    client_msg_id: str | None = None
    live_mentions: tuple[str, ...] = ()
    is_broadcast: bool = False

    @property
    def is_tombstone(self) -> bool:
        return self.subtype == "tombstone"


@dataclass(frozen=True, slots=True)
class View:
    """A modal or an App Home of one person. ``values`` is what stands in its inputs."""

    id: str
    kind: ViewKind
    user: str
    blocks: list[JsonObject]
    hash: str
    title: JsonObject | None = None
    submit: JsonObject | None = None
    close: JsonObject | None = None
    private_metadata: str = ""
    callback_id: str = ""
    external_id: str = ""
    clear_on_close: bool = False
    notify_on_close: bool = False
    root_id: str = ""
    previous_id: str | None = None
    values: Values = field(default_factory=dict)


def ts_to_datetime(ts: str) -> datetime:
    """The moment a Slack ``ts`` names, in UTC."""
    return datetime.fromtimestamp(float(ts), UTC)
