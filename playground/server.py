"""The HTTP server: Web API, response_urls, uploads, Socket Mode, control API and page, on one port and in one thread."""

import asyncio
import json
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
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
from playground.control.guard import PAGE_HEADERS, HostGuard
from playground.control.routes import control_routes
from playground.core import Playground, utc_now
from playground.errors import ApiError, ControlError
from playground.file_transfer import receive_upload, send_file
from playground.json_answer import JsonAnswer
from playground.options import PlaygroundOptions
from playground.web_api.endpoint import call_method
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
        return await receive_upload(playground, request)

    async def download(request: Request) -> Response:
        return send_file(playground, request)

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
    return HostGuard(
        Starlette(routes=routes, exception_handlers={ControlError: _refused}), playground.base_url
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ControlError)
    return JsonAnswer({"ok": False, "error": error.error, "detail": error.detail}, error.status)


class _Page:
    """The web page's files."""

    def __init__(self, folder: Path) -> None:
        self._files = StaticFiles(directory=folder, html=True) if (folder / "index.html").is_file() else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
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
    except (ValueError, RecursionError):
        return None


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
