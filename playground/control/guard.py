"""Who may speak to the control API: this machine's own pages and programs.

A page on the internet can make a browser send requests here, under a name that resolves to 127.0.0.1 or from a form of
its own. So the Host must be this machine's, and what changes something must be JSON from the same origin.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from playground.errors import ControlError

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: http: https:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def check_host(request: Request) -> None:
    """Raises ControlError(403) when the Host header names another machine."""
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname
    if host not in _LOOPBACK:
        raise ControlError(403, "forbidden", "the playground answers to localhost and 127.0.0.1 only")


def check_origin(request: Request) -> None:
    """Raises ControlError when another site's page asks for a change, or the body is not declared as JSON (403, 415)."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ControlError(403, "forbidden", "requests from other sites' pages are refused")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise ControlError(403, "forbidden", "requests from other sites' pages are refused")
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ControlError(415, "bad_request", "send Content-Type: application/json")
