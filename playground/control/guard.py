"""Who may speak to the playground: this machine's own pages and programs.

A page on the internet can make a browser send requests here, under a name that resolves to 127.0.0.1 or from a form of
its own. So the Host must be this machine's, whatever is asked for, and what a person changes must be JSON from the same
origin.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from playground.errors import ControlError
from playground.json_answer import JsonAnswer

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: http: https:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class HostGuard:
    """Lets through what is addressed to localhost or to the host of ``base_url``; the rest is refused with 403."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self._app = app
        self._hosts = _LOOPBACK | {urlsplit(base_url).hostname}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._app
        if _host(scope) not in self._hosts:
            detail = "the playground answers under the names localhost and 127.0.0.1 only"
            refusal = JsonAnswer({"ok": False, "error": "forbidden", "detail": detail}, 403)
            answer = WebSocketClose() if scope["type"] == "websocket" else refusal
        await answer(scope, receive, send)


def _host(scope: Scope) -> str | None:
    try:
        return urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname
    except ValueError:  # "[" and the like are no host
        return None


def check_origin(request: Request) -> None:
    """Raises ControlError when another site's page asks for a change, or the body is not declared as JSON (403, 415)."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ControlError(403, "forbidden", "requests from other sites' pages are refused")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ControlError(403, "forbidden", "requests from other sites' pages are refused")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ControlError(415, "bad_request", "send Content-Type: application/json")
