"""Reads conversations from Slack for a job: page by page, at a pace that Slack allows, and no longer than the job has time.

Slack counts each method by itself; those used here may be called about 50 times a minute (tier 3), and "about" is
Slack's word, so we stay below. A 429 closes its method for as long as Slack says, and the run waits for it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.delivery.faults import FaultKind, fault_of
from bot.delivery.pace import Pace
from bot.storage.database import Clock

CALL_EVERY_S = 1.3  # of one method; with the burst at most 49 calls in any minute
CALLS_AT_ONCE = 3
PAGE = 200  # Slack recommends no more

Wait = Callable[[float], object]  # sleeps so many seconds, or less when the bot stops
Message = dict[str, Any]  # as Slack describes it


class RunEnds(Exception):
    """The run's time is up, or the bot stops: what is being read counts as unread."""


class NotShown(Exception):
    """Slack does not show this any more, and never will: its person has left, or its parent was deleted."""


@dataclass(frozen=True, slots=True)
class ListedDm:
    """A DM with the bot that Slack knows of; ``created_s`` is when it was opened, in seconds since 1970."""

    user_id: str
    channel_id: str
    created_s: float


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a conversation's history, the newest of it on the first one."""

    messages: list[Message]
    is_last: bool


class Reader:
    """Asks Slack until ``ends_at``; every method raises RunEnds, or what slack_sdk raises, those for one place NotShown."""

    def __init__(
        self,
        client: WebClient,
        clock: Clock,
        *,
        ends_at: datetime,
        stopping: threading.Event,
        wait: Wait | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._ends_at = ends_at
        self._stopping = stopping
        self._wait = wait or stopping.wait
        self._pace = Pace(every_s=CALL_EVERY_S, burst=CALLS_AT_ONCE)

    def dms(self) -> Iterator[ListedDm]:
        """Every DM that anybody has with the bot, but for those of people who are gone."""
        for page in self._pages(self._client.users_conversations, types="im"):
            for channel in page["channels"]:
                if not channel.get("is_user_deleted"):
                    yield ListedDm(channel["user"], channel["id"], float(channel.get("created") or 0))

    def history(self, channel_id: str, *, oldest: str, latest: str) -> Iterator[Page]:
        """What stands at the top of a conversation between two ts; each page is asked for when it is wanted."""
        asked = {"channel": channel_id, "oldest": oldest, "latest": latest}
        with _not_shown():
            for answered in self._pages(self._client.conversations_history, **asked):
                yield Page(answered["messages"], is_last=not _cursor_of(answered))

    def replies(self, channel_id: str, thread_ts: str, *, oldest: str, latest: str) -> list[Message]:
        """What was replied in a thread between two ts, in no order; without its parent, which Slack puts on each page."""
        asked = {"channel": channel_id, "ts": thread_ts, "oldest": oldest, "latest": latest}
        with _not_shown():
            pages = self._pages(self._client.conversations_replies, **asked)
            return [m for page in pages for m in page["messages"] if m["ts"] != thread_ts]

    def _pages(self, method: Callable[..., SlackResponse], **asked: str) -> Iterator[SlackResponse]:
        cursor: str | None = None
        while True:
            answered = self._call(method, cursor=cursor, limit=PAGE, **asked)
            yield answered
            cursor = _cursor_of(answered)
            if not cursor:
                return

    def _call(self, method: Callable[..., SlackResponse], **asked: Any) -> SlackResponse:
        name = method.__name__
        while True:
            self._await_leave(name)
            try:
                return method(**asked)
            except SlackApiError as error:
                fault = fault_of(error)
                if fault is None or fault.kind is not FaultKind.RATE_LIMITED:
                    raise
                self._pace.close(name, self._clock() + timedelta(seconds=fault.retry_after_s))

    def _await_leave(self, name: str) -> None:
        """Return when the method may be called; raise RunEnds when that is not before the end."""
        now = self._clock()
        while (opens_at := self._pace.take(name, now)) is not None:
            if opens_at >= self._ends_at or self._stopping.is_set():
                raise RunEnds
            self._wait((opens_at - now).total_seconds())
            now = max(opens_at, self._clock())  # a clock that stands still has waited all the same
        if now >= self._ends_at or self._stopping.is_set():
            raise RunEnds


def _cursor_of(answered: SlackResponse) -> str | None:
    """Where the next page begins; nothing on the last one."""
    return (answered.get("response_metadata") or {}).get("next_cursor")


@contextmanager
def _not_shown() -> Iterator[None]:
    """Raise NotShown for what Slack refuses for good."""
    try:
        yield
    except SlackApiError as error:
        fault = fault_of(error)
        if fault is None or fault.kind is not FaultKind.PERMANENT:
            raise
        raise NotShown from error
