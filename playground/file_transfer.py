"""The bytes of files: an app's upload to the URL it was given for it, and a file's url_private."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from playground.core import Playground
from playground.web_api.files import UPLOAD_BYTES

FORM_BYTES = 65_536
"""What a multipart form may add around the file in it."""


async def receive_upload(playground: Playground, request: Request) -> Response:
    """Take a file in. What is refused leaves the URL good for another try; what was taken uses it up."""
    path = request.url.path
    if path not in playground.uploads:
        return PlainTextResponse("no such upload", 404)
    is_form = "multipart/form-data" in request.headers.get("content-type", "")
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        return _refused("a Content-Length is needed", 411)
    if int(declared) > UPLOAD_BYTES + (FORM_BYTES if is_form else 0):
        return _refused("too large", 413)
    content = await _form_file(request) if is_form else await request.body()
    if not content or len(content) > UPLOAD_BYTES:
        return PlainTextResponse("empty or too large", 400)
    file_id = playground.uploads.pop(path, None)
    if file_id is None:  # another upload to the same URL was quicker, or everything was reset
        return PlainTextResponse("no such upload", 404)
    file = playground.workspace.files[file_id]
    playground.workspace.files[file_id] = replace(file, content=content)
    return PlainTextResponse(f"OK - {len(content)}")


def _refused(words: str, status: int) -> Response:
    # The body was not read, so nothing else can follow on this connection.
    return PlainTextResponse(words, status, headers={"Connection": "close"})


async def _form_file(request: Request) -> bytes:
    async with request.form() as form:
        parts = [value for value in form.values() if not isinstance(value, str)]
        return await parts[0].read() if parts else b""


def send_file(playground: Playground, request: Request) -> Response:
    """url_private: for the app, with its token and files:read."""
    file = playground.workspace.files.get(request.path_params["file_id"])
    allowed = request.headers.get("authorization") == f"Bearer {playground.options.bot_token}"
    if file is None or not allowed or "files:read" not in playground.options.manifest.scopes:
        return PlainTextResponse("not found", 404)
    return Response(
        file.content, media_type="application/octet-stream", headers={"X-Content-Type-Options": "nosniff"}
    )
