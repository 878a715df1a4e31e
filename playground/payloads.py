"""What Slack tells an app, as JSON: messages, files, views, and the wrappers around events and interactions."""

from typing import Any

from playground.block_tree import settled
from playground.markup import rich_text
from playground.model import (
    APP_ID,
    BOT_ID,
    BOT_USER,
    TEAM_DOMAIN,
    TEAM_ID,
    File,
    JsonObject,
    Message,
    Person,
    View,
    ViewKind,
)
from playground.workspace import Workspace

VERIFICATION_TOKEN = "playground-verification-token"


def file_json(file: File, base_url: str) -> JsonObject:
    """A file object."""
    url = f"{base_url}/files/{file.id}/{file.name}"
    return {
        "id": file.id,
        "created": file.created_s,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2],
        "user": file.user,
        "size": len(file.content),
        "url_private": url,
        "url_private_download": url,
        "channels": [c for c in file.shared_in if c.startswith("C")],
        "ims": [c for c in file.shared_in if c.startswith("D")],
        "groups": [c for c in file.shared_in if c.startswith("G")],
    }


def message_json(
    workspace: Workspace, message: Message, base_url: str, *, with_metadata: bool = False
) -> JsonObject:
    """A message as conversations.history answers and events carry."""
    shown: JsonObject = {
        "type": "message",
        "user": message.user,
        "text": message.text,
        "ts": message.ts,
        "team": TEAM_ID,
    }
    if message.by_app:
        shown |= {"bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": _bot_profile(workspace)}
    if message.subtype:
        shown["subtype"] = message.subtype
    if message.client_msg_id:
        shown["client_msg_id"] = message.client_msg_id
    if message.blocks is not None:
        shown["blocks"] = message.blocks
    elif not message.by_app and message.text and not message.is_tombstone:
        shown["blocks"] = rich_text(message.text, f"rt{message.ts[-6:]}")
    if message.files:
        shown["files"] = [file_json(workspace.files[file_id], base_url) for file_id in message.files]
    if message.edited_ts:
        shown["edited"] = {"user": message.edited_by, "ts": message.edited_ts}
    if message.reactions:
        shown["reactions"] = [
            {"name": n, "users": list(u), "count": len(u)} for n, u in message.reactions.items()
        ]
    if with_metadata and message.metadata is not None:
        shown["metadata"] = message.metadata
    return shown | _thread_fields(workspace, message)


def _thread_fields(workspace: Workspace, message: Message) -> JsonObject:
    if message.thread_ts is not None:
        parent = workspace.message(message.channel, message.thread_ts)
        return {"thread_ts": message.thread_ts, "parent_user_id": parent.user if parent else ""}
    replies = workspace.replies(message.channel, message.ts)
    if not replies:
        return {}
    users = list(dict.fromkeys(reply.user for reply in replies))
    return {
        "thread_ts": message.ts,
        "reply_count": len(replies),
        "reply_users_count": len(users),
        "reply_users": users,
        "latest_reply": replies[-1].ts,
        "is_locked": False,
        "subscribed": False,
    }


def _bot_profile(workspace: Workspace) -> JsonObject:
    name = workspace.people[BOT_USER].name
    return {
        "id": BOT_ID,
        "deleted": False,
        "name": name,
        "updated": 0,
        "app_id": APP_ID,
        "icons": {},
        "team_id": TEAM_ID,
    }


def view_json(view: View) -> JsonObject:
    """A view as views.open answers and interactions carry."""
    shown: JsonObject = {
        "id": view.id,
        "team_id": TEAM_ID,
        "type": view.kind.value,
        "blocks": view.blocks,
        "private_metadata": view.private_metadata,
        "callback_id": view.callback_id,
        "state": {"values": settled(view.blocks, view.values)},
        "hash": view.hash,
        "title": view.title,
        "clear_on_close": view.clear_on_close,
        "notify_on_close": view.notify_on_close,
        "close": view.close,
        "submit": view.submit,
        "previous_view_id": view.previous_id,
        "root_view_id": view.root_id,
        "app_id": APP_ID,
        "external_id": view.external_id,
        "app_installed_team_id": TEAM_ID,
        "bot_id": BOT_ID,
    }
    if view.kind is ViewKind.HOME:
        shown["title"] = view.title or {"type": "plain_text", "text": "View Title", "emoji": True}
    return shown


def event_json(event: JsonObject, event_id: str, now_s: int) -> JsonObject:
    """The wrapper in which every event travels."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": TEAM_ID,
        "context_team_id": TEAM_ID,
        "context_enterprise_id": None,
        "api_app_id": APP_ID,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": now_s,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM_ID,
                "user_id": BOT_USER,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def interaction_json(kind: str, person: Person, trigger_id: str, **rest: Any) -> JsonObject:
    """What every interaction carries, and its own ``rest``."""
    return {
        "type": kind,
        "user": {"id": person.id, "username": person.handle, "name": person.handle, "team_id": TEAM_ID},
        "api_app_id": APP_ID,
        "token": VERIFICATION_TOKEN,
        "trigger_id": trigger_id,
        "team": {"id": TEAM_ID, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        **rest,
    }
