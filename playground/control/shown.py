"""What a person sees, as the control API's JSON."""

import copy
from datetime import UTC, datetime
from typing import Any

from playground.block_tree import image_file, images, settled
from playground.core import Playground
from playground.journal import CallRecord, DeliveryRecord
from playground.model import (
    APP_ID,
    BOT_USER,
    SLACKBOT,
    TEAM_DOMAIN,
    TEAM_ID,
    TEAM_NAME,
    Channel,
    ConversationKind,
    JsonObject,
    Message,
    Person,
    View,
    ts_to_datetime,
)
from playground.payloads import view_json

_VIEW_FIELDS = (
    "id",
    "type",
    "callback_id",
    "title",
    "submit",
    "close",
    "blocks",
    "state",
    "hash",
    "previous_view_id",
    "notify_on_close",
    "clear_on_close",
)


def iso(moment: datetime) -> str:
    """A moment as the control API writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def state(playground: Playground) -> JsonObject:
    """Everything that is the same for everybody."""
    manifest = playground.options.manifest
    sockets = len(playground.sockets)
    request_url = playground.delivery.request_url
    return {
        "ok": True,
        "team": {"id": TEAM_ID, "name": TEAM_NAME, "domain": TEAM_DOMAIN},
        "app": {
            "id": APP_ID,
            "name": manifest.name,
            "bot_user": BOT_USER,
            "installed": playground.is_installed,
            "connected": "socket" if sockets else "http" if request_url else "none",
            "sockets": sockets,
            "request_url": request_url,
            "commands": [
                {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
                for c in manifest.commands or ()
            ],
            "home_tab": manifest.home_tab,
            "messages_tab": manifest.messages_tab,
        },
        "people": [person(p) for p in playground.workspace.people.values()],
        "channels": [
            {"id": c.id, "kind": c.kind.value, "name": c.name, "members": list(c.members)}
            for c in playground.workspace.channels.values()
            if c.kind is ConversationKind.CHANNEL
        ],
        "seq": playground.changes.seq,
    }


def person(someone: Person) -> JsonObject:
    """PERSON of API.md."""
    return {
        "id": someone.id,
        "name": someone.name,
        "handle": someone.handle,
        "role": someone.role.value,
        "title": someone.title,
        "tz": someone.tz,
        "initials": someone.initials,
        "color": someone.color,
        "is_app": someone.is_app,
        "is_workspace_admin": someone.is_workspace_admin,
    }


def conversations(playground: Playground, user: str) -> list[JsonObject]:
    """A person's side bar: the DM with the app always, other DMs once something was said, channels and group DMs always."""
    workspace = playground.workspace
    rows = []
    for channel in workspace.channels.values():
        if user not in channel.members:
            continue
        last = next(reversed(workspace.seen_by(user, channel.id)), None)
        rows.append(
            {
                "id": channel.id,
                "kind": channel.kind.value,
                "title": _title(playground, channel, user),
                "members": list(channel.members),
                "with_app": channel.kind is ConversationKind.IM and BOT_USER in channel.members,
                "unread": workspace.unread(user, channel.id),
                "last_ts": last.ts if last else None,
                "last_text": last.text if last else None,
            }
        )
    return sorted(rows, key=lambda row: (row["last_ts"] or "", row["with_app"]), reverse=True)


def _title(playground: Playground, channel: Channel, user: str) -> str:
    if channel.kind in (ConversationKind.CHANNEL, ConversationKind.GROUP):
        return channel.name
    return ", ".join(playground.workspace.people[member].name for member in channel.members if member != user)


def message(playground: Playground, said: Message, user: str) -> JsonObject:
    """MESSAGE of API.md, as this person sees it."""
    workspace = playground.workspace
    author = workspace.people.get(said.user)
    replies = workspace.replies(said.channel, said.ts)
    held = workspace.message_values.get((user, said.channel, said.ts), {})
    return {
        "ts": said.ts,
        "channel": said.channel,
        "thread_ts": said.thread_ts,
        "at": iso(ts_to_datetime(said.ts)),
        "author": said.user,
        "author_name": author.name if author else "Slackbot" if said.user == SLACKBOT else said.user,
        "is_app": said.by_app,
        "own": said.user == user,
        "text": said.text,
        "blocks": with_images(playground, said.blocks, user),
        "edited": said.edited_ts is not None,
        "deleted": said.is_tombstone,
        "ephemeral": said.ephemeral_to is not None,
        "files": [_file(playground, file_id, user) for file_id in said.files],
        "reactions": [{"name": name, "users": list(users)} for name, users in said.reactions.items()],
        "reply_count": len(replies),
        "reply_users": list(dict.fromkeys(reply.user for reply in replies)),
        "latest_reply": replies[-1].ts if replies else None,
        "state": settled(said.blocks, held),
        "live_mentions": list(said.live_mentions),
    }


def view(playground: Playground, shown: View) -> JsonObject:
    """VIEW of API.md."""
    whole = view_json(shown)
    picked = {name: whole[name] for name in _VIEW_FIELDS}
    return {**picked, "blocks": with_images(playground, shown.blocks, shown.user)}


def with_images(
    playground: Playground, blocks: list[JsonObject] | None, user: str
) -> list[JsonObject] | None:
    """Blocks whose uploaded images have an address that this person can load."""
    if blocks is None or not any(map(image_file, images(blocks))):
        return blocks
    shown = copy.deepcopy(blocks)
    for image in images(shown):
        file_id = image_file(image)
        if file_id in playground.workspace.files:
            image["image_url"] = _file_url(file_id, user)
    return shown


def _file(playground: Playground, file_id: str, user: str) -> JsonObject:
    file = playground.workspace.files[file_id]
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "size_bytes": len(file.content),
        "url": _file_url(file.id, user),
    }


def _file_url(file_id: str, user: str) -> str:
    return f"/_/files/{file_id}?user={user}"


def delivery_row(record: DeliveryRecord) -> JsonObject:
    """One attempt in GET /_/log; people's words stay out of it."""
    return {
        "id": record.id,
        "kind": record.kind.value,
        "name": record.name,
        "event_id": record.event_id,
        "via": record.via.value,
        "at": iso(record.at),
        "attempt": record.attempt,
        "retry_reason": record.retry_reason,
        "ack_ms": None if record.ack_ms is None else round(record.ack_ms, 2),
        "outcome": record.outcome.value,
        "status": record.status,
    }


def call_row(record: CallRecord) -> JsonObject:
    """One Web API call in GET /_/log."""
    row: dict[str, Any] = {
        "id": record.id,
        "method": record.method,
        "at": iso(record.at),
        "ms": round(record.ms, 2),
        "status": record.status,
        "error": record.error,
        "fault": record.fault,
        "arguments": record.arguments,
    }
    return row
