"""Reads one stretch of a DM: what people wrote there between two moments, at its top and in its threads.

A DM's history shows no replies, but beside each parent the ts of its latest one. So the history is read a little further
back than it has to be, to the oldest request that a reply may still belong to or to the end of a page, whichever comes
first; of the threads seen there only those with something new are read. Threads further up are asked for one by one, a
few of them: a suggestion that nobody answers stays open for ever, and an agent's DM grows by every card.

What came since a DM was read last may be more than is to be held at once. Slack shows the newest first, so reading is
cut off at its old end, which is the one to go on from; then a shorter stretch is read instead, as long as is likely to
fit, and the rest of the DM is left for later.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Select, func, select

from bot.heard import is_by_person
from bot.jobs.reading import Message, NotShown, Reader
from bot.lifecycle import IDLE_STATES, OPEN_STATES, REOPENABLE_STATES
from bot.storage.database import Database
from bot.storage.tables import Conversation, SupportRequest

OVERLAP = timedelta(minutes=10)  # read again, as our clock and Slack's may differ
PAGES = 5  # of history to a stretch at most: a thousand messages
OLD_THREADS = 5  # further up than the pages that were read: a call each, in every run


@dataclass(frozen=True, slots=True)
class Stretch:
    """What people wrote, oldest first, and until when: earlier than was asked for where that was too much."""

    heard: tuple[Message, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class _Span:
    """Between two moments, in seconds since 1970."""

    since_s: float
    until_s: float

    @property
    def bounds(self) -> dict[str, str]:
        """As Slack's methods take them."""
        return {"oldest": f"{self.since_s:.6f}", "latest": f"{self.until_s:.6f}"}


@dataclass(frozen=True, slots=True)
class _Top:
    """Messages at the top of a DM: all there are from ``reached_s`` on (seconds since 1970), and some from before."""

    messages: list[Message]
    reached_s: float


def read_stretch(db: Database, reader: Reader, dm: Conversation, bot_id: str, until: datetime) -> Stretch:
    """What came since ``dm`` was read last, from its old end on. Raises as Reader does."""
    span, top = _fitting(db, reader, dm, until)
    found = [message for message in top.messages if _at(message) > span.since_s]
    for thread_ts in (*_with_news(top, span, bot_id), *_further_up(db, dm, top)):
        found += _replies(reader, dm, thread_ts, span)
    heard = {m["ts"]: m for m in found if is_by_person(m) and m["user"] != bot_id}
    return Stretch(tuple(sorted(heard.values(), key=_at)), datetime.fromtimestamp(span.until_s, UTC))


def _fitting(db: Database, reader: Reader, dm: Conversation, until: datetime) -> tuple[_Span, _Top]:
    """The longest span that could be read to its old end, and what stands at the DM's top there."""
    mark_s = float(dm.last_event_ts) if dm.last_event_ts else until.timestamp()
    oldest_s = _oldest_thread_s(db, dm)
    span = _Span(mark_s - OVERLAP.total_seconds(), until.timestamp())
    while True:
        top = _top(reader, dm, span, oldest_s)
        if top.reached_s <= span.since_s:
            return span, top
        if top.reached_s <= mark_s:
            return _Span(top.reached_s, span.until_s), top
        # Half of what these pages covered: so it gets shorter each time, and never ends before the mark.
        span = _Span(mark_s - 1, mark_s + (span.until_s - top.reached_s) / 2)


def _top(reader: Reader, dm: Conversation, span: _Span, oldest_s: float) -> _Top:
    """The newest pages of ``span``, and before it as far as its last page goes, but not before ``oldest_s``."""
    wider = _Span(min(span.since_s, oldest_s), span.until_s)
    messages: list[Message] = []
    reached_s = span.until_s
    for number, page in enumerate(reader.history(dm.channel_id, **wider.bounds), start=1):
        messages += page.messages
        reached_s = wider.since_s if page.is_last else min([reached_s, *map(_at, page.messages)])
        if reached_s <= span.since_s or number == PAGES:
            break
    return _Top(messages, reached_s)


def _with_news(top: _Top, span: _Span, bot_id: str) -> Iterator[str]:
    """The threads where somebody but the bot may have replied in ``span``. Slack names up to five who replied."""
    for parent in top.messages:
        users = parent.get("reply_users") or []
        is_ours_alone = users == [bot_id] and parent.get("reply_users_count") == 1
        if float(parent.get("latest_reply") or 0) > span.since_s and not is_ours_alone:
            yield parent["ts"]


def _further_up(db: Database, dm: Conversation, top: _Top) -> Iterable[str]:
    """A few of the threads before the pages that were read: those first that people work on, then the newest."""
    is_idle = SupportRequest.state.in_(IDLE_STATES)
    further_up = SupportRequest.thread_ts < f"{top.reached_s:.6f}"
    threads = _threads(dm, SupportRequest.thread_ts).where(further_up)
    with db.reading() as session:
        return session.scalars(threads.order_by(is_idle, SupportRequest.id.desc()).limit(OLD_THREADS)).all()


def _oldest_thread_s(db: Database, dm: Conversation) -> float:
    """When the oldest thread there began that may still be replied to, less a second; infinity when there is none."""
    with db.reading() as session:
        oldest = session.scalar(_threads(dm, func.min(SupportRequest.thread_ts)))
    return float(oldest) - 1 if oldest else float("inf")


def _threads(dm: Conversation, column: object) -> Select[str]:
    """Of the threads in a DM whose request is open or can be reopened."""
    return select(column).where(  # type: ignore[call-overload, no-any-return]
        SupportRequest.team_id == dm.team_id,
        SupportRequest.channel_id == dm.channel_id,
        SupportRequest.state.in_(OPEN_STATES | REOPENABLE_STATES),
    )


def _replies(reader: Reader, dm: Conversation, thread_ts: str, span: _Span) -> list[Message]:
    """What was replied in a thread; nothing where its parent was deleted."""
    try:
        return reader.replies(dm.channel_id, thread_ts, **span.bounds)
    except NotShown:
        return []


def _at(message: Message) -> float:
    """When it was said, in seconds since 1970."""
    return float(message["ts"])
