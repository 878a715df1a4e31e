"""files.*: the three steps of an upload, and what is known of a file."""

import mimetypes
import secrets
from dataclasses import replace

from playground.core import Playground
from playground.errors import ApiError
from playground.model import BOT_USER, Channel, File, JsonObject
from playground.payloads import file_json
from playground.web_api.call import Args, Method, channel_of
from playground.web_api.chat import checked_blocks, thread_of

UPLOAD_BYTES = 20_000_000


def get_upload_url(playground: Playground, args: Args) -> JsonObject:
    name = args.required("filename").replace("/", "_")
    length = args.number("length", 0, 0, 10**12)
    if length == 0:
        raise ApiError("invalid_arguments", messages=["[ERROR] missing required field: length"])
    if length > UPLOAD_BYTES:
        raise ApiError("file_upload_size_restricted")
    file = new_file(
        playground, name, mimetypes.guess_type(name)[0] or "application/octet-stream", b"", BOT_USER
    )
    path = f"/upload/v1/{secrets.token_hex(16)}"
    playground.uploads[path] = file.id
    return {"upload_url": playground.base_url + path, "file_id": file.id}


def new_file(playground: Playground, name: str, mimetype: str, content: bytes, user: str) -> File:
    """A file that is shared nowhere yet."""
    workspace = playground.workspace
    file = File(workspace.new_id("F0"), name, name, mimetype, content, user, workspace.now_s())
    workspace.files[file.id] = file
    return file


def complete_upload(playground: Playground, args: Args) -> JsonObject:
    entries = args.structure("files", "invalid_arguments")
    if not isinstance(entries, list) or not entries:
        raise ApiError("invalid_arguments", messages=["[ERROR] missing required field: files"])
    channels = [_postable(playground, c) for c in [*args.names("channel_id"), *args.names("channels")]]
    threads = [thread_of(playground, channel, args) for channel in channels]
    blocks = args.structure("blocks", "invalid_blocks_format")
    files = tuple(_named(playground, entry) for entry in entries)
    for channel, thread_ts in zip(channels, threads, strict=True):
        playground.post(
            channel,
            BOT_USER,
            args.text("initial_comment"),
            blocks=checked_blocks(playground, blocks) if blocks else None,
            thread_ts=thread_ts,
            files=files,
        )
    return {
        "files": [file_json(playground.workspace.files[file_id], playground.base_url) for file_id in files]
    }


def files_info(playground: Playground, args: Args) -> JsonObject:
    file = playground.workspace.files.get(args.required("file"))
    if file is None or not playground.workspace.may_see_file(BOT_USER, file):
        raise ApiError("file_not_found")
    return {"file": file_json(file, playground.base_url)}


def _named(playground: Playground, entry: object) -> str:
    file = playground.workspace.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
    if file is None or not isinstance(entry, dict) or not file.content:
        raise ApiError("file_not_found")
    playground.workspace.files[file.id] = replace(file, title=str(entry.get("title") or file.title))
    return file.id


def _postable(playground: Playground, channel_id: str) -> Channel:
    channel = channel_of(playground, channel_id)
    if BOT_USER not in channel.members:
        raise ApiError("not_in_channel")
    return channel


METHODS = {
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",)),
    "files.completeUploadExternal": Method(complete_upload, ("files:write",)),
    "files.info": Method(files_info, ("files:read",)),
}
