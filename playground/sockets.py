"""Socket Mode: WebSockets the app opened, and envelopes of which each goes to just one of them."""

import asyncio
import contextlib
import json
import secrets
import uuid
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from playground.changes import Changes, What
from playground.model import APP_ID, JsonObject

CONNECTION_LIFE_S = 18_060
"""What Slack names as a connection's approximate life."""


class SocketGone(ConnectionError):
    """The socket closed before it acknowledged, or there is none."""


class Sockets:
    """The open sockets, in the order they came, used in turn."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._turn = 0
        self._waiting: dict[str, tuple[WebSocket, asyncio.Future[Any]]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def new_ticket(self) -> str:
        """A ticket that opens one socket, once."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """One socket from its handshake to its end."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await socket.close(code=4001)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        self._open.append(socket)
        self._changes.notice(What.APP)
        try:
            await socket.send_text(json.dumps(self._hello()))
            while True:
                self._acknowledge(await socket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            self._forget(socket)

    async def send(
        self, kind: str, payload: JsonObject, *, accepts_answer: bool, retry_attempt: int, retry_reason: str
    ) -> Any:
        """Send an envelope to the next socket and wait for its acknowledgement: the answer's payload, or None.

        Raises SocketGone when no socket is open or this one closes first. The caller bounds the time.
        """
        if not self._open:
            raise SocketGone("no socket is open")
        self._turn += 1
        socket = self._open[self._turn % len(self._open)]
        envelope_id = str(uuid.uuid4())
        envelope: JsonObject = {
            "envelope_id": envelope_id,
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts_answer,
        }
        if kind == "events_api":
            envelope |= {"retry_attempt": retry_attempt, "retry_reason": retry_reason}
        acknowledged: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = (socket, acknowledged)
        try:
            await socket.send_text(json.dumps(envelope))
            return await acknowledged
        except (RuntimeError, WebSocketDisconnect) as error:
            raise SocketGone("the socket closed") from error
        finally:
            self._waiting.pop(envelope_id, None)

    async def refresh(self, reason: str) -> None:
        """Ask the oldest socket to come back on a new connection, as Slack does now and then, and end it unless it was a warning."""
        if not self._open:
            return
        socket = self._open[0]
        await socket.send_text(
            json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}})
        )
        if reason != "warning":
            self._forget(socket)
            with contextlib.suppress(RuntimeError):
                await socket.close()

    def _hello(self) -> JsonObject:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {
                "host": "playground",
                "build_number": 1,
                "approximate_connection_time": CONNECTION_LIFE_S,
            },
            "connection_info": {"app_id": APP_ID},
        }

    def _acknowledge(self, text: str) -> None:
        with contextlib.suppress(json.JSONDecodeError, RecursionError):
            message = json.loads(text)
            held = self._waiting.get(message.get("envelope_id", "")) if isinstance(message, dict) else None
            if held is not None and not held[1].done():
                held[1].set_result(message.get("payload"))

    def _forget(self, socket: WebSocket) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self._changes.notice(What.APP)
        for waiting_on, acknowledged in self._waiting.values():
            if waiting_on is socket and not acknowledged.done():
                acknowledged.set_exception(SocketGone("the socket closed"))
