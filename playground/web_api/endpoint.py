"""POST /api/{method}: token, scopes, limits and faults around a method, and what Slack's answers look like."""

import asyncio
import json
import time
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from playground.changes import What
from playground.core import Playground
from playground.errors import ApiError
from playground.faults import FaultKind, FaultRule
from playground.journal import CallRecord
from playground.json_answer import JsonAnswer
from playground.model import JsonObject
from playground.web_api import chat, conversations, files, people, views
from playground.web_api.call import Args, Method, TokenKind, need_scope

METHODS: dict[str, Method] = {
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **people.METHODS,
    **views.METHODS,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call comes to. ``response`` None means that the connection is cut."""

    response: Response | None
    error: str | None = None
    fault: FaultKind | None = None


class CutConnection(Response):
    """No answer at all: the connection ends. The server puts each request's transport into its state."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["transport"].abort()
        await asyncio.sleep(0)  # lets the server notice before it looks for an answer


async def call_method(playground: Playground, request: Request) -> Response:
    """Answer one call, or cut its connection when a fault says so."""
    name = request.path_params["method"]
    started_s = time.monotonic()
    arguments, token = await _read(request)
    outcome = await _answer(playground, name, arguments, token)
    playground.journal.calls.append(
        CallRecord(
            id=playground.journal.next_id(),
            method=name,
            at=playground.clock(),
            ms=(time.monotonic() - started_s) * 1000,
            status=outcome.response.status_code if outcome.response else None,
            error=outcome.error,
            fault=outcome.fault,
            arguments=arguments,
        )
    )
    playground.changes.notice(What.LOG)
    return outcome.response or CutConnection()


async def _answer(playground: Playground, name: str, arguments: JsonObject, token: str) -> Outcome:
    rule = playground.faults.strike(name, arguments)
    if rule is None:
        return _run(playground, name, arguments, token)
    done = _run(playground, name, arguments, token) if rule.kind.is_done else None
    return await _fail(rule, done)


async def _fail(rule: FaultRule, done: Outcome | None) -> Outcome:
    error = done.error if done else None
    if rule.kind in (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER, FaultKind.SLOW):
        await asyncio.sleep(rule.delay_s)
    response: Response | None = None
    if rule.kind is FaultKind.SLOW and done:
        response = done.response
    elif rule.kind is FaultKind.RATE_LIMITED:
        response, error = _rate_limited(rule.retry_after_s), "ratelimited"
    elif rule.kind in (FaultKind.FAIL_BEFORE, FaultKind.FAIL_AFTER):
        response = JsonAnswer({"ok": False, "error": "internal_error"}, 500)
    elif rule.kind is FaultKind.ERROR:
        response, error = JsonAnswer({"ok": False, "error": rule.error}), rule.error
    return Outcome(response, error, rule.kind)


def _run(playground: Playground, name: str, arguments: JsonObject, token: str) -> Outcome:
    method = METHODS.get(name)
    if method is None:
        return Outcome(
            JsonAnswer({"ok": False, "error": "unknown_method", "req_method": name}), "unknown_method"
        )
    headers = {
        "Date": format_datetime(playground.clock(), usegmt=True),
        "X-OAuth-Scopes": ",".join(sorted(playground.options.manifest.scopes)),
    }
    if method.scopes:
        headers["X-Accepted-OAuth-Scopes"] = ",".join(method.scopes)
    try:
        _check_token(playground, method, token)
        if method.scopes:
            need_scope(playground, *method.scopes)
        wait_s = _wait_s(playground, name, arguments)
        if wait_s:
            return Outcome(_rate_limited(wait_s), "ratelimited")
        return Outcome(JsonAnswer({"ok": True, **method.run(playground, Args(arguments))}, headers=headers))
    except ApiError as error:
        return Outcome(JsonAnswer(error.body(), headers=headers), error.error)


def _wait_s(playground: Playground, name: str, arguments: JsonObject) -> int:
    if name != "chat.postMessage" or playground.buckets is None:
        return 0
    channel = str(arguments.get("channel", ""))
    if channel in playground.workspace.people:
        channel = f"D{channel[1:]}"  # a person's id stands for the DM
    return playground.buckets.wait_s(channel)


def _rate_limited(retry_after_s: int) -> Response:
    return JsonAnswer({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(retry_after_s)})


def _check_token(playground: Playground, method: Method, token: str) -> None:
    """Raises ApiError("not_authed", "invalid_auth", "account_inactive" or "not_allowed_token_type")."""
    options = playground.options
    if method.token is TokenKind.NONE:
        return
    if not token:
        raise ApiError("not_authed")
    if token not in (options.bot_token, options.app_token):
        raise ApiError("invalid_auth")
    if not playground.is_installed:
        raise ApiError("account_inactive")
    if (token == options.app_token) is not (method.token is TokenKind.APP):
        raise ApiError("not_allowed_token_type")


async def _read(request: Request) -> tuple[JsonObject, str]:
    """The arguments of query, form or JSON body, and the token apart from them."""
    arguments: JsonObject = dict(request.query_params)
    if "json" in request.headers.get("content-type", ""):
        arguments |= _json_object(await request.body())
    elif request.method == "POST":
        async with request.form() as form:
            arguments |= {key: value for key, value in form.items() if isinstance(value, str)}
    in_body = str(arguments.pop("token", "") or "")
    scheme, _, in_header = request.headers.get("authorization", "").partition(" ")
    return arguments, in_header.strip() if scheme.lower() == "bearer" else in_body


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}  # Slack, too, goes on without arguments and complains of what is missing
    return document if isinstance(document, dict) else {}
