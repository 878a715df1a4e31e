"""The control API's routes."""

import json
from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from playground import interactions
from playground.changes import What
from playground.commands import conversation_for
from playground.control import deeds, shown
from playground.control.guard import check_origin
from playground.core import Playground
from playground.errors import ControlError, bad_request, not_found
from playground.faults import read_fault_plan
from playground.json_answer import JsonAnswer
from playground.model import JsonObject

_INLINE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

Answer = JsonObject | Awaitable[JsonObject]
Deed = Callable[[Playground, str, Mapping[str, Any]], Answer]

_DEEDS: dict[str, Deed] = {
    "messages": deeds.write,
    "messages/edit": deeds.edit,
    "messages/delete": deeds.delete,
    "messages/dismiss": deeds.dismiss,
    "reactions": deeds.react,
    "read": deeds.read,
    "conversations": deeds.open_conversation,
    "files": deeds.upload,
    "actions": deeds.act,
    "commands": deeds.command,
    "home": deeds.open_home,
}


def control_routes(playground: Playground) -> list[Route]:
    """Every route under /_/."""

    def reads(path: str, answer: Callable[[Request], Response]) -> Route:
        async def endpoint(request: Request) -> Response:
            return answer(request)

        return Route(path, endpoint, methods=["GET"])

    def does(path: str, deed: Callable[[Request, Mapping[str, Any]], Answer]) -> Route:
        async def endpoint(request: Request) -> Response:
            check_origin(request)
            answer = deed(request, await _body(request))
            return JsonAnswer(await answer if isawaitable(answer) else answer)

        return Route(path, endpoint, methods=["POST"])

    def user(request: Request) -> str:
        someone = playground.workspace.person(request.path_params["user"])
        if someone.is_app:
            raise not_found("the app is no person")
        return someone.id

    def by_person(name: str, deed: Deed) -> Route:
        return does(f"/_/people/{{user}}/{name}", lambda request, body: deed(playground, user(request), body))

    def messages(request: Request) -> Response:
        return JsonAnswer(_messages(playground, user(request), request.query_params))

    def conversations(request: Request) -> Response:
        return JsonAnswer({"ok": True, "conversations": shown.conversations(playground, user(request))})

    def home(request: Request) -> Response:
        view = playground.workspace.homes.get(user(request))
        return JsonAnswer({"ok": True, "view": shown.view(playground, view) if view else None})

    def modals(request: Request) -> Response:
        stack = playground.workspace.modals.get(user(request), [])
        return JsonAnswer({"ok": True, "stack": [shown.view(playground, view) for view in stack]})

    def people(request: Request) -> Response:
        return JsonAnswer({"ok": True, "people": shown.state(playground)["people"]})

    def events(request: Request) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(playground.changes.stream(), media_type="text/event-stream", headers=headers)

    return [
        reads("/_/state", lambda request: JsonAnswer(shown.state(playground))),
        reads("/_/people", people),
        reads("/_/people/{user}/conversations", conversations),
        reads("/_/people/{user}/messages", messages),
        reads("/_/people/{user}/home", home),
        reads("/_/people/{user}/modals", modals),
        reads("/_/events", events),
        reads("/_/files/{file_id}", lambda request: _file(playground, request)),
        reads(
            "/_/log", lambda request: JsonAnswer(_log(playground, request.query_params.get("limit", "100")))
        ),
        *(by_person(name, deed) for name, deed in _DEEDS.items()),
        does(
            "/_/people/{user}/views/{view_id}/submit",
            lambda request, body: deeds.submit(
                playground, user(request), request.path_params["view_id"], body
            ),
        ),
        does(
            "/_/people/{user}/views/{view_id}/close",
            lambda request, body: interactions.close(
                playground, user(request), request.path_params["view_id"], everything=bool(body.get("all"))
            ),
        ),
        does("/_/reset", lambda request, body: _reset(playground)),
        does("/_/people", lambda request, body: deeds.add_person(playground, body)),
        does("/_/request-url", lambda request, body: _request_url(playground, body)),
        does("/_/faults", lambda request, body: _faults(playground, body)),
        does("/_/sockets/refresh", lambda request, body: _refresh(playground, body)),
        does("/_/uninstall", lambda request, body: _uninstall(playground)),
    ]


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        document = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise bad_request("the body is not JSON") from error
    if not isinstance(document, dict):
        raise bad_request("the body is not an object")
    return document


def _messages(playground: Playground, user: str, query: Mapping[str, str]) -> JsonObject:
    channel = conversation_for(playground, user, query.get("channel"))
    seen = playground.workspace.seen_by(user, channel.id)
    thread_ts, since_ts = query.get("thread_ts"), query.get("since_ts", "")
    if thread_ts:
        seen = [m for m in seen if thread_ts in (m.ts, m.thread_ts)]
    rows = [shown.message(playground, m, user) for m in seen if m.ts > since_ts]
    return {"ok": True, "channel": channel.id, "messages": rows}


def _file(playground: Playground, request: Request) -> Response:
    file = playground.workspace.files.get(request.path_params["file_id"])
    user = playground.workspace.person(request.query_params.get("user", ""))
    if file is None or not playground.workspace.may_see_file(user.id, file):
        raise not_found("no such file")
    # Only pictures are shown in the page; anything else could be a page of its own.
    headers = {"X-Content-Type-Options": "nosniff"}
    if file.mimetype not in _INLINE_TYPES:
        return Response(
            file.content,
            media_type="application/octet-stream",
            headers={**headers, "Content-Disposition": "attachment"},
        )
    return Response(file.content, media_type=file.mimetype, headers=headers)


def _log(playground: Playground, limit_text: str) -> JsonObject:
    if not limit_text.isdecimal():
        raise bad_request("limit is a number")
    limit = int(limit_text)
    return {
        "ok": True,
        "deliveries": [shown.delivery_row(record) for record in list(playground.journal.deliveries)[-limit:]],
        "calls": [shown.call_row(record) for record in list(playground.journal.calls)[-limit:]],
    }


def _reset(playground: Playground) -> JsonObject:
    playground.reset()
    return {"ok": True}


def _request_url(playground: Playground, body: Mapping[str, Any]) -> JsonObject:
    url = body.get("url")
    if url is not None and not str(url).startswith(("http://", "https://")):
        raise ControlError(400, "bad_request", "url is an http(s) address")
    playground.delivery.request_url = url
    playground.changes.notice(What.APP)
    return {"ok": True}


def _faults(playground: Playground, body: Mapping[str, Any]) -> JsonObject:
    playground.faults = read_fault_plan(body)
    return {"ok": True}


async def _refresh(playground: Playground, body: Mapping[str, Any]) -> JsonObject:
    await playground.sockets.refresh(str(body.get("reason", "refresh_requested")))
    return {"ok": True}


def _uninstall(playground: Playground) -> JsonObject:
    playground.uninstall()
    return {"ok": True}
