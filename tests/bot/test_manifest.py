"""manifest.yml asks for what the code uses, no more and no less."""

import ast
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk import WebClient

from bot.heard import HEARD_EVENTS

ROOT = Path(__file__).parents[2]
SCHEMA = (
    Path(os.environ.get("FIRSTLINE_DATA", ROOT.parent / "shared" / "data")) / "manifest.schema.2.0.0.json"
)

# Slack's reference pages of the methods: https://docs.slack.dev/reference/methods
SCOPES_OF_METHODS = {
    "auth_test": set(),
    "apps_connections_open": set(),  # an app-level token's business
    "chat_postMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_update": {"chat:write"},
    "chat_scheduleMessage": {"chat:write"},
    "chat_deleteScheduledMessage": {"chat:write"},
    "conversations_open": {"im:write", "mpim:write"},
    "conversations_history": {"im:history", "mpim:history"},
    "conversations_replies": {"im:history", "mpim:history"},
    "users_conversations": {"im:read"},
    "views_publish": set(),
    "views_open": set(),
    "files_getUploadURLExternal": {"files:write"},
    "files_completeUploadExternal": {"files:write"},
}
WEB_API = {name for name in dir(WebClient) if re.match(r"[a-z]+(_[a-z]+)*_[a-zA-Z]+$", name)} - {
    "api_call"  # what each of them goes through
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """manifest.yml, read."""
    read: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return read


def calls_in_the_code() -> list[ast.Call]:
    """Every call anywhere in the bot."""
    trees = [ast.parse(path.read_text()) for path in sorted((ROOT / "bot").rglob("*.py"))]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def attributes_in_the_code() -> set[str]:
    """Every attribute named anywhere in the bot."""
    trees = [ast.parse(path.read_text()) for path in sorted((ROOT / "bot").rglob("*.py"))]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_scopes_are_those_of_the_methods_that_are_called(manifest: dict[str, Any]) -> None:
    """A method nobody calls needs no scope; one that is called has its scope."""
    methods = attributes_in_the_code() & WEB_API
    assert methods <= set(SCOPES_OF_METHODS), "name the scopes of the new method"
    needed = {"commands", "im:history"}.union(*(SCOPES_OF_METHODS[method] for method in methods))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed
    assert "user" not in manifest["oauth_config"]["scopes"]


def listened(kind: str) -> set[str]:
    """First arguments of ``bolt.<kind>(...)`` anywhere in the bot: literals, or the value of a module's constant."""
    found = set()
    for call in calls_in_the_code():
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == kind
            and getattr(call.func.value, "id", "") == "bolt"
        ):
            found.add(ast.unparse(call.args[0]).strip("'\""))
    return found


def test_events_are_those_that_are_listened_to(manifest: dict[str, Any]) -> None:
    """Each subscribed event has a listener, and each listener its event."""
    subscribed = {
        event.partition(".")[0] for event in manifest["settings"]["event_subscriptions"]["bot_events"]
    }
    assert subscribed == listened("event") == set(HEARD_EVENTS)
    assert "message.im" in manifest["settings"]["event_subscriptions"]["bot_events"]


def test_commands_are_those_that_are_listened_to(manifest: dict[str, Any]) -> None:
    """Each command has a listener, and each listener its command."""
    from bot.listeners.commands import COMMAND

    assert listened("command") == {"COMMAND"}
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [COMMAND]


def test_people_can_write_to_the_bot(manifest: dict[str, Any]) -> None:
    """Without an enabled, writable Messages tab nobody could send it a direct message."""
    home = manifest["features"]["app_home"]
    assert home == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    assert manifest["settings"]["interactivity"]["is_enabled"]


def test_it_is_a_manifest_by_slacks_own_schema(manifest: dict[str, Any]) -> None:
    """Slack's published schema of app manifests accepts it, where that schema is at hand."""
    if not SCHEMA.is_file():
        pytest.skip(
            f"Slack's manifest schema is not at {SCHEMA.name} beside the repository (or in FIRSTLINE_DATA)"
        )
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text()))
