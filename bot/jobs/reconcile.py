"""Takes up direct messages that never arrived: reads the DMs in Slack and stores what the inbox does not know.

Slack gives a delivery up after an hour; after a longer outage this is how people are heard all the same. Found are
messages at the top of a DM, replies in its threads, and DMs that the bot has never heard of. A run reads as many DMs
as Slack allows in its time (222 in five minutes), those unread for longest first; each DM remembers how far it was
read, so what one run does not come to is the first thing that the next one reads.

What cannot be found: clicks, commands and submitted forms. Slack keeps none of them, but shows the person at once that
they failed. Nor replies in threads of requests that are closed for good; nor, in a DM that the bot had not heard of,
what was written more than three days ago or before this database was there.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from bot.delivery.faults import FaultKind, fault_of
from bot.delivery.slack import Identity, Slack
from bot.heard import is_by_person
from bot.jobs.missed import OVERLAP, take_missed
from bot.jobs.reading import CALL_EVERY_S, CALLS_AT_ONCE, Message, Reader, RunEnds, Wait
from bot.jobs.unheard import meet_unheard
from bot.lifecycle import OPEN_STATES, REOPENABLE_STATES
from bot.storage.database import Clock, Database
from bot.storage.inbox import Prepare, as_it_is
from bot.storage.said import slack_ts
from bot.storage.tables import Conversation, SupportRequest

log = logging.getLogger(__name__)

PERIOD_S = 300.0
RUN_SHARE = 0.95  # of its period a run takes so much at most
ON_THE_WAY = timedelta(seconds=60)  # what is younger may still arrive by itself


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the job: what it reads with, and up to when it reads."""

    db: Database
    reader: Reader
    identity: Identity
    began_at: datetime

    @property
    def until(self) -> datetime:
        return self.began_at - ON_THE_WAY


def reconcile(
    db: Database,
    clock: Clock,
    slack: Slack,
    wake: threading.Event,
    stopping: threading.Event,
    prepare: Prepare = as_it_is,
    *,
    period_s: float = PERIOD_S,
    wait: Wait | None = None,
) -> int:
    """Store missed messages of the DMs that were not read for longest; return how many. Raises SlackAway.

    ``period_s`` is how often the job runs, ``prepare`` makes of each message what is stored of it, and ``wait`` sleeps
    between two calls. Ends early once ``stopping`` is set.
    """
    began_at, identity = clock(), slack.identity()
    ends_at = began_at + timedelta(seconds=RUN_SHARE * period_s)
    reader = Reader(slack.client, clock, ends_at=ends_at, stopping=stopping, wait=wait)
    run = _Run(db, reader, identity, began_at)
    missed = 0
    try:
        meet_unheard(db, reader, identity.team_id, began_at, period_s)
        for dm in _longest_unread(run, most=int(period_s / CALL_EVERY_S) + CALLS_AT_ONCE):
            taken = take_missed(db, dm, _heard_in(run, dm), clock(), run.until, prepare)
            missed += taken
            if taken:
                wake.set()
    except RunEnds:
        pass
    except Exception as error:
        fault = fault_of(error)
        if fault is None:
            raise
        log.warning("reading direct messages stopped: %s", fault.code)
    if missed:
        log.warning("%d direct messages had not arrived and were taken up", missed)
    return missed


def _longest_unread(run: _Run, most: int) -> Sequence[Conversation]:
    with run.db.reading() as session:
        return session.scalars(
            select(Conversation)
            .where(
                Conversation.team_id == run.identity.team_id,
                Conversation.channel_id.startswith("D"),
                Conversation.last_event_ts.is_(None) | (Conversation.last_event_ts < slack_ts(run.until)),
            )
            .order_by(Conversation.last_event_ts.nulls_first())
            .limit(most)
        ).all()


def _heard_in(run: _Run, dm: Conversation) -> list[Message]:
    """What people have written there since it was read last, oldest first; nothing when it cannot be read any more."""
    try:
        found = _read(run, dm)
    except RunEnds:
        raise
    except Exception as error:
        fault = fault_of(error)
        if fault is None or fault.kind is not FaultKind.PERMANENT:
            raise
        return []  # a person who has left: go on with the others
    heard = {m["ts"]: m for m in found if _is_from_person(m, run.identity.user_id)}
    return sorted(heard.values(), key=lambda message: float(message["ts"]))


def _read(run: _Run, dm: Conversation) -> list[Message]:
    """What came since the DM was read last, at its top and in its threads.

    A DM's history shows no replies, but beside each parent the ts of its latest one. So the history is read from the
    oldest request on that a reply may still belong to, and of the threads only those with something new.
    """
    read_until = float(dm.last_event_ts) if dm.last_event_ts else run.until.timestamp()
    since = read_until - OVERLAP.total_seconds()
    oldest, latest = min(since, _oldest_thread(run.db, dm) - 1), slack_ts(run.until)
    top = run.reader.history(dm.channel_id, oldest=f"{oldest:.6f}", latest=latest)
    found = [message for message in top if float(message["ts"]) > since]
    for parent in top:
        if _has_news(parent, since, run.identity.user_id):
            found += run.reader.replies(dm.channel_id, parent["ts"], oldest=f"{since:.6f}", latest=latest)
    return found


def _oldest_thread(db: Database, dm: Conversation) -> float:
    """The ts of the oldest thread there whose request is open or can be reopened; infinity when there is none."""
    with db.reading() as session:
        oldest = session.scalar(
            select(func.min(SupportRequest.thread_ts)).where(
                SupportRequest.team_id == dm.team_id,
                SupportRequest.channel_id == dm.channel_id,
                SupportRequest.state.in_(OPEN_STATES | REOPENABLE_STATES),
            )
        )
    return float(oldest) if oldest else float("inf")


def _has_news(parent: Message, since: float, bot_id: str) -> bool:
    """Whether somebody but the bot may have replied after ``since``. Slack names up to five of those who replied."""
    users = parent.get("reply_users") or []
    is_ours_alone = users == [bot_id] and parent.get("reply_users_count") == 1
    return float(parent.get("latest_reply") or 0) > since and not is_ours_alone


def _is_from_person(message: Message, bot_id: str) -> bool:
    return is_by_person(message) and message["user"] != bot_id
