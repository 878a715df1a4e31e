"""What the playground takes from an app's manifest: its name, scopes, events and commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from playground.errors import StartError

DEFAULT_SCOPES = frozenset(
    [
        "app_mentions:read",
        "channels:history",
        "channels:join",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "groups:write",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "mpim:write",
        "reactions:read",
        "reactions:write",
        "users:read",
        "users:read.email",
    ]
)
DEFAULT_EVENTS = frozenset(
    [
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "reaction_added",
        "reaction_removed",
        "tokens_revoked",
    ]
)


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command the app declares."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True, slots=True)
class AppManifest:
    """The part of a manifest that changes what Slack does. The default stands for an app without one: all is allowed."""

    name: str = "App"
    scopes: frozenset[str] = DEFAULT_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    commands: tuple[SlashCommand, ...] | None = None
    home_tab: bool = True
    messages_tab: bool = True
    messages_read_only: bool = False
    interactivity: bool = True


def read_manifest(path: Path) -> AppManifest:
    """Read a YAML or JSON manifest file. Raises StartError, naming the file, when it is not one."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartError(f"cannot read the manifest {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise StartError(f"the manifest {path} is not YAML") from error
    if not isinstance(document, dict) or "display_information" not in document:
        raise StartError(f"{path} is not an app manifest: it has no display_information")
    return _from_document(document)


def _from_document(document: Mapping[str, Any]) -> AppManifest:
    features = document.get("features") or {}
    home = features.get("app_home") or {}
    settings = document.get("settings") or {}
    scopes = ((document.get("oauth_config") or {}).get("scopes") or {}).get("bot") or []
    events = (settings.get("event_subscriptions") or {}).get("bot_events") or []
    bot_name = (features.get("bot_user") or {}).get("display_name")
    return AppManifest(
        name=bot_name or document["display_information"].get("name") or "App",
        scopes=frozenset(scopes),
        events=frozenset(events),
        commands=tuple(_command(entry) for entry in features.get("slash_commands") or []),
        home_tab=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", False)),
        messages_read_only=bool(home.get("messages_tab_read_only_enabled", False)),
        interactivity=bool((settings.get("interactivity") or {}).get("is_enabled", False)),
    )


def _command(entry: Mapping[str, Any]) -> SlashCommand:
    return SlashCommand(
        command=str(entry["command"]),
        description=str(entry.get("description", "")),
        usage_hint=str(entry.get("usage_hint", "")),
        should_escape=bool(entry.get("should_escape", False)),
    )
