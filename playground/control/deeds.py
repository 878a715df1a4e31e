"""What people do: write, edit, react, press, command. Plain functions over the playground; the routes and the tests call them."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from playground import interactions
from playground.commands import conversation_for, run_command
from playground.control import shown
from playground.core import Playground
from playground.errors import ControlError, bad_request, not_found
from playground.markup import typed
from playground.model import BOT_USER, Channel, ConversationKind, JsonObject, Message, Person, Role
from playground.web_api.files import UPLOAD_BYTES, new_file

TEXT_CHARS = 40_000

Body = Mapping[str, Any]


def write(playground: Playground, user: str, body: Body) -> JsonObject:
    """Say something; see API.md for the body. Returns the new message as its author sees it."""
    channel = conversation_for(playground, user, _word(body, "channel", required=False))
    _refuse_closed_tab(playground, channel)
    text = _typed(playground, _text(body))
    files = tuple(str(file_id) for file_id in body.get("files") or ())
    for file_id in files:
        if file_id not in playground.workspace.files or playground.workspace.files[file_id].user != user:
            raise not_found(f"{user} has no file {file_id!r}")
    thread_ts = _word(body, "thread_ts", required=False)
    if thread_ts:
        parent = playground.workspace.message_for(user, channel.id, thread_ts)
        if parent.ephemeral_to:
            raise bad_request("an ephemeral message has no thread")
        thread_ts = parent.thread_ts or parent.ts
    said = playground.post(channel, user, text, thread_ts=thread_ts or None, files=files)
    return {"ok": True, "message": shown.message(playground, said, user)}


def edit(playground: Playground, user: str, body: Body) -> JsonObject:
    edited = playground.edit(_own(playground, user, body), user, text=_typed(playground, _text(body)))
    return {"ok": True, "message": shown.message(playground, edited, user)}


def delete(playground: Playground, user: str, body: Body) -> JsonObject:
    playground.delete(_own(playground, user, body))
    return {"ok": True}


def dismiss(playground: Playground, user: str, body: Body) -> JsonObject:
    said = _seen(playground, user, body)
    if said.ephemeral_to != user:
        raise bad_request("only ephemeral messages can be dismissed")
    playground.delete(said)
    return {"ok": True}


def react(playground: Playground, user: str, body: Body) -> JsonObject:
    said = _seen(playground, user, body)
    if said.ephemeral_to:
        raise bad_request("ephemeral messages take no reactions")
    playground.react(said, user, _word(body, "name").strip(":"), remove=bool(body.get("remove")))
    return {"ok": True}


def read(playground: Playground, user: str, body: Body) -> JsonObject:
    channel = conversation_for(playground, user, _word(body, "channel", required=False))
    seen = playground.workspace.seen_by(user, channel.id)
    if seen:
        playground.workspace.read_up_to[user, channel.id] = seen[-1].ts
    return {"ok": True}


def open_conversation(playground: Playground, user: str, body: Body) -> JsonObject:
    others = [playground.workspace.person(str(other)).id for other in body.get("users") or ()]
    channel = playground.open_conversation(frozenset([user, *others]), user)
    return {"ok": True, "channel": channel.id}


def upload(playground: Playground, user: str, body: Body) -> JsonObject:
    try:
        content = base64.b64decode(_word(body, "content_base64"), validate=True)
    except binascii.Error as error:
        raise bad_request("content_base64 is not base64") from error
    if len(content) > UPLOAD_BYTES:
        raise bad_request("the file is too large")
    file = new_file(playground, _word(body, "name").replace("/", "_"), _word(body, "mimetype"), content, user)
    return {
        "ok": True,
        "file": {"id": file.id, "name": file.name, "mimetype": file.mimetype, "size_bytes": len(content)},
    }


async def act(playground: Playground, user: str, body: Body) -> JsonObject:
    """Press a button or choose something, in a message or a view."""
    action_id, block_id = _word(body, "action_id"), _word(body, "block_id", required=False) or None
    value = body.get("value")
    view_id, ts = _word(body, "view_id", required=False), _word(body, "message_ts", required=False)
    if bool(view_id) == bool(ts):
        raise bad_request("name one of message_ts and view_id")
    if view_id:
        values = _mapping(body, "values")
        return await interactions.press_in_view(playground, user, view_id, action_id, block_id, value, values)
    channel = conversation_for(playground, user, _word(body, "channel", required=False))
    return await interactions.press_in_message(playground, user, channel.id, ts, action_id, block_id, value)


async def submit(playground: Playground, user: str, view_id: str, body: Body) -> JsonObject:
    answer = await interactions.submit(playground, user, view_id, _mapping(body, "values"))
    if "stack" in answer:
        answer["stack"] = [shown.view(playground, view) for view in playground.workspace.modals.get(user, [])]
    return answer


async def command(playground: Playground, user: str, body: Body) -> JsonObject:
    channel = conversation_for(playground, user, _word(body, "channel", required=False))
    name = _word(body, "command")
    if not name.startswith("/"):
        raise bad_request("a command begins with /")
    return await run_command(playground, user, name, _text(body), channel)


def open_home(playground: Playground, user: str, body: Body) -> JsonObject:
    tab = _word(body, "tab", required=False) or "home"
    if tab not in ("home", "messages"):
        raise bad_request("tab is home or messages")
    view = interactions.open_home(playground, user, tab)
    return {"ok": True, "view": shown.view(playground, view) if view else None}


def add_person(playground: Playground, body: Body) -> JsonObject:
    user = _word(body, "id")
    if (
        not user.startswith("U")
        or not user.isalnum()
        or not user.isupper()
        or user in playground.workspace.people
    ):
        raise bad_request("an id is U and capitals or digits, and not taken")
    name = _word(body, "name")
    role, tz = str(body.get("role", Role.REQUESTER)), str(body.get("tz", "UTC"))
    if role not in tuple(Role) or role == Role.APP or tz not in available_timezones():
        raise bad_request("role is requester, agent or admin; tz is an IANA zone")
    person = Person(
        user,
        name,
        "".join(letter for letter in name.lower() if letter.isalnum()) or user.lower(),
        Role(role),
        str(body.get("title", "")),
        tz,
    )
    channels = [str(channel) for channel in body.get("channels") or ()]
    if any(channel not in playground.workspace.channels for channel in channels):
        raise not_found("no such channel")
    playground.workspace.add_person(person, channels)
    return {"ok": True, "person": shown.person(person)}


def _refuse_closed_tab(playground: Playground, channel: Channel) -> None:
    manifest = playground.options.manifest
    is_app_dm = channel.kind is ConversationKind.IM and BOT_USER in channel.members
    if is_app_dm and (not manifest.messages_tab or manifest.messages_read_only):
        raise ControlError(403, "forbidden", "Sending messages to this app has been turned off.")


def _own(playground: Playground, user: str, body: Body) -> Message:
    said = _seen(playground, user, body)
    if said.user != user:
        raise ControlError(403, "forbidden", "one edits and deletes one's own messages only")
    return said


def _seen(playground: Playground, user: str, body: Body) -> Message:
    channel = conversation_for(playground, user, _word(body, "channel", required=False))
    return playground.workspace.message_for(user, channel.id, _word(body, "ts"))


def _typed(playground: Playground, text: str) -> str:
    return typed(text, playground.workspace.people.values(), playground.workspace.channels.values())


def _text(body: Body) -> str:
    text = body.get("text", "")
    if not isinstance(text, str) or len(text) > TEXT_CHARS:
        raise bad_request(f"text is a string of at most {TEXT_CHARS} characters")
    return text


def _word(body: Body, name: str, *, required: bool = True) -> str:
    value = body.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise bad_request(f"{name} is missing or not a string")
    return value


def _mapping(body: Body, name: str) -> Mapping[str, Any]:
    value = body.get(name) or {}
    if not isinstance(value, dict) or not all(isinstance(inner, dict) for inner in value.values()):
        raise bad_request(f"{name} maps block ids to action ids to values")
    return value
