"""The HTTP server: Web API, response_urls, uploads, Socket Mode, control API and page, on one port and in one thread."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from playground.commands import answer_by_url
from playground.control.guard import PAGE_HEADERS, check_host
from playground.control.routes import control_routes
from playground.core import Playground, utc_now
from playground.errors import ApiError, ControlError
from playground.json_answer import JsonAnswer
from playground.options import PlaygroundOptions
from playground.web_api.endpoint import call_method
from playground.web_api.files import UPLOAD_BYTES
from playground.workspace import Clock

PAGE_FOLDER = Path(__file__).parent / "page"
Result = TypeVar("Result")


class _CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol; requests carry their transport, so that a fault can cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def build_app(playground: Playground, page_folder: Path) -> ASGIApp:
    """The ASGI application around a playground."""

    async def api(request: Request) -> Response:
        return await call_method(playground, request)

    async def respond(request: Request) -> Response:
        try:
            answer_by_url(playground, request.url.path, _content(request, await request.body()))
        except ApiError as error:
            status = 404 if error.error in ("expired_url", "used_url") else 400
            return JsonAnswer(error.body(), status)
        return PlainTextResponse("ok")

    async def upload(request: Request) -> Response:
        return await _upload(playground, request)

    async def download(request: Request) -> Response:
        return _download(playground, request)

    routes: list[BaseRoute] = [
        Route("/api/{method}", api, methods=["GET", "POST"]),
        Route("/actions/{rest:path}", respond, methods=["POST"]),
        Route("/upload/v1/{ticket}", upload, methods=["POST"]),
        Route("/files/{file_id}/{name}", download, methods=["GET"]),
        WebSocketRoute("/link/", playground.sockets.serve),
        WebSocketRoute("/link", playground.sockets.serve),
        *control_routes(playground),
        Mount("/", _Page(page_folder)),
    ]
    return Starlette(routes=routes, exception_handlers={ControlError: _refused})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)
    return JsonAnswer({"ok": False, "error": error.error, "detail": error.detail}, error.status)


class _Page:
    """The web page's files, for this machine's browsers only."""

    def __init__(self, folder: Path) -> None:
        self._files = StaticFiles(directory=folder, html=True) if (folder / "index.html").is_file() else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        try:
            check_host(request)
        except ControlError as error:
            await PlainTextResponse(error.detail, error.status)(scope, receive, send)
            return
        if self._files is None:
            await PlainTextResponse("The page is not installed; the APIs work.", 404)(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in PAGE_HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._files(scope, receive, with_headers)


def _content(request: Request, body: bytes) -> Any:
    """A response_url's body: JSON, or a form with payload=."""
    text = body.decode("utf-8", "replace")
    if "form" in request.headers.get("content-type", ""):
        text = parse_qs(text).get("payload", [""])[0]
    try:
        return json.loads(text)
    except ValueError:
        return None


async def _upload(playground: Playground, request: Request) -> Response:
    file_id = playground.uploads.pop(request.url.path, None)
    if file_id is None:
        return PlainTextResponse("no such upload", 404)
    if "multipart/form-data" in request.headers.get("content-type", ""):
        async with request.form() as form:
            parts = [value for value in form.values() if not isinstance(value, str)]
            content = await parts[0].read() if parts else b""
    else:
        content = await request.body()
    if not content or len(content) > UPLOAD_BYTES:
        return PlainTextResponse("empty or too large", 400)
    file = playground.workspace.files[file_id]
    playground.workspace.files[file_id] = replace(file, content=content)
    return PlainTextResponse(f"OK - {len(content)}")


def _download(playground: Playground, request: Request) -> Response:
    """url_private: for the app, with its token and files:read."""
    file = playground.workspace.files.get(request.path_params["file_id"])
    allowed = request.headers.get("authorization") == f"Bearer {playground.options.bot_token}"
    if file is None or not allowed or "files:read" not in playground.options.manifest.scopes:
        return PlainTextResponse("not found", 404)
    return Response(
        file.content, media_type="application/octet-stream", headers={"X-Content-Type-Options": "nosniff"}
    )


class ServerThread:
    """A playground served from a thread of its own, on a socket that is bound already."""

    def __init__(
        self,
        listening: socket.socket,
        options: PlaygroundOptions,
        *,
        base_url: str,
        clock: Clock = utc_now,
        page_folder: Path = PAGE_FOLDER,
    ) -> None:
        self._listening = listening
        self._options = options
        self._base_url = base_url
        self._clock = clock
        self._page_folder = page_folder
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="playground", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event
        self.playground: Playground

    def start(self) -> None:
        """Serve; returns when requests are answered."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Cut every connection and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join()

    def call(self, work: Callable[[Playground], Result]) -> Result:
        """Run a function on the server's thread, where the state lives, and return what it returns."""

        async def on_loop() -> Result:
            return work(self.playground)

        return self._wait_for(on_loop())

    def run(self, work: Callable[[Playground], Awaitable[Result]]) -> Result:
        """Start a coroutine function on the server's loop and wait for its result."""

        async def started() -> Result:
            return await work(self.playground)

        return self._wait_for(started())

    def _wait_for(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self.playground = Playground(self._options, self._base_url, clock=self._clock)
        config = Config(
            build_app(self.playground, self._page_folder),
            http=_CuttableProtocol,
            ws="websockets-sansio",
            lifespan="off",
            log_config=None,
        )
        config.load()
        connections = ServerState()
        server = await self._loop.create_server(
            lambda: _CuttableProtocol(config, connections, {}), sock=self._listening, backlog=1024
        )
        self._ready.set()
        await self._ended.wait()
        server.close()
        self.playground.changes.close()
        self.playground.delivery.cancel()
        for connection in list(connections.connections):
            connection.transport.abort()
        for task in list(connections.tasks):
            task.cancel()


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises OSError when the port is taken."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
    except BaseException:
        listening.close()
        raise
    return listening
