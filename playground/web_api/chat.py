"""chat.*: what the app says."""

import re
from dataclasses import replace
from typing import Any

from playground.block_limits import MESSAGE_BLOCK_CHARS, block_chars, check_message_blocks
from playground.block_tree import image_file, images, with_ids
from playground.core import Playground
from playground.errors import ApiError
from playground.model import BOT_USER, Channel, JsonObject, Message
from playground.payloads import message_json
from playground.web_api.call import Args, Method, channel_of, channel_to_post, message_of

POSTED_TEXT_CHARS = 40_000
"""Slack cuts a longer text short."""
UPDATED_TEXT_CHARS = 4_000
"""chat.update refuses a longer text."""
METADATA_CHARS = 8_000

_TS = re.compile(r"\d{10}\.\d{6}")


def post_message(playground: Playground, args: Args) -> JsonObject:
    channel = channel_to_post(playground, args)
    text, blocks = _content(playground, args)
    message = playground.post(
        channel,
        BOT_USER,
        text[:POSTED_TEXT_CHARS],
        blocks=blocks,
        thread_ts=thread_of(playground, channel, args),
        metadata=_metadata(args),
        link_names=args.flag("link_names") or args.text("parse") == "full",
        is_broadcast=args.flag("reply_broadcast"),
    )
    return {"channel": channel.id, "ts": message.ts, "message": _json(playground, message)}


def post_ephemeral(playground: Playground, args: Args) -> JsonObject:
    channel = channel_of(playground, args.required("channel"))
    user = args.required("user")
    if user not in playground.workspace.people:
        raise ApiError("user_not_found")
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    if user not in channel.members:
        raise ApiError("user_not_in_channel")
    text, blocks = _content(playground, args)
    message = playground.post(
        channel,
        BOT_USER,
        text[:POSTED_TEXT_CHARS],
        blocks=blocks,
        thread_ts=thread_of(playground, channel, args),
        ephemeral_to=user,
    )
    return {"message_ts": message.ts}


def update(playground: Playground, args: Args) -> JsonObject:
    channel = channel_of(playground, args.required("channel"))
    message = _own(playground, channel, args, "cant_update_message")
    text, blocks = _content(playground, args)
    if len(text) > UPDATED_TEXT_CHARS:
        raise ApiError("msg_too_long")
    metadata = _metadata(args)
    message = playground.edit(
        message,
        BOT_USER,
        text=text or message.text,
        # Slack keeps what is not named.
        blocks=message.blocks if args.values.get("blocks") is None else blocks,
        metadata=message.metadata if metadata is None else metadata,
    )
    return {
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": _json(playground, message),
    }


def delete(playground: Playground, args: Args) -> JsonObject:
    channel = channel_of(playground, args.required("channel"))
    message = _own(playground, channel, args, "cant_delete_message")
    playground.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def schedule(playground: Playground, args: Args) -> JsonObject:
    """Checked like a post. Nothing is kept: its day is never reached here."""
    channel = channel_to_post(playground, args)
    if args.number("post_at", 0, 0, 2**40) <= playground.workspace.now_s():
        raise ApiError("time_in_past")
    _content(playground, args)
    return {
        "channel": channel.id,
        "scheduled_message_id": playground.workspace.new_id("Q"),
        "post_at": args.text("post_at"),
    }


def delete_scheduled(playground: Playground, args: Args) -> JsonObject:
    channel_of(playground, args.required("channel"))
    args.required("scheduled_message_id")
    return {}


def get_permalink(playground: Playground, args: Args) -> JsonObject:
    channel = channel_of(playground, args.required("channel"))
    message = message_of(playground, channel, args.required("message_ts"))
    link = f"{playground.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _own(playground: Playground, channel: Channel, args: Args, refusal: str) -> Message:
    message = message_of(playground, channel, args.required("ts"))
    if not message.by_app:
        raise ApiError(refusal)
    return message


def _content(playground: Playground, args: Args) -> tuple[str, list[JsonObject] | None]:
    """Text and blocks. Raises ApiError("no_text", "invalid_blocks" or "msg_blocks_too_long")."""
    text = args.text("text")
    blocks = args.structure("blocks", "invalid_blocks_format")
    if not text and not blocks and not args.structure("attachments", "invalid_attachments"):
        raise ApiError("no_text")
    if blocks is None:
        return text, None
    return text, checked_blocks(playground, blocks)


def checked_blocks(playground: Playground, blocks: Any) -> list[JsonObject]:
    """Blocks with their ids filled in. Raises ApiError when Slack would refuse them."""
    problems = check_message_blocks(blocks)
    if not problems:
        files = filter(None, map(image_file, images(blocks)))
        problems = [
            f"[ERROR] invalid slack file {file}" for file in files if file not in playground.workspace.files
        ]
    if problems:
        raise ApiError("invalid_blocks", messages=problems, errors=problems)
    if block_chars(blocks) > MESSAGE_BLOCK_CHARS:
        raise ApiError("msg_blocks_too_long")
    return with_ids(blocks, lambda: playground.workspace.new_id("b"))


def thread_of(playground: Playground, channel: Channel, args: Args) -> str | None:
    """The ts of the thread's parent, None for no thread. Raises ApiError("invalid_thread_ts" or "thread_not_found")."""
    thread_ts = args.text("thread_ts")
    if not thread_ts:
        return None
    if not _TS.fullmatch(thread_ts):
        raise ApiError("invalid_thread_ts")
    parent = playground.workspace.message(channel.id, thread_ts)
    if parent is None or parent.ephemeral_to is not None:
        raise ApiError("thread_not_found")
    return parent.thread_ts or parent.ts


def _metadata(args: Args) -> JsonObject | None:
    metadata = args.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if (
        not isinstance(metadata, dict)
        or not metadata.get("event_type")
        or not isinstance(metadata.get("event_payload"), dict)
    ):
        raise ApiError("invalid_metadata_schema")
    if len(str(metadata)) > METADATA_CHARS:
        raise ApiError("metadata_too_large")
    return metadata


def _json(playground: Playground, message: Message) -> JsonObject:
    # The answer to a post says nothing of the thread's other replies.
    alone = replace(message, reactions={})
    return message_json(playground.workspace, alone, playground.base_url, with_metadata=True)


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.scheduleMessage": Method(schedule, ("chat:write",)),
    "chat.deleteScheduledMessage": Method(delete_scheduled, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink),
}
