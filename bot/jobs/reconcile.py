"""Takes up direct messages that never arrived: reads the DMs in Slack and stores what the inbox does not know.

Slack gives a delivery up after three repetitions within some minutes; after a longer outage this is how people are
heard all the same. Found are messages at the top of a DM, replies in its threads, and DMs that the bot has never
heard of. A run reads as many DMs as Slack allows in its time (222 in five minutes), whose turn is longest ago first.
Each turn is a stretch of bounded length, and each DM remembers how far it was read: so what a run does not come to is
read by the next ones, and no DM, however long, keeps another from its turn. What cannot be found: clicks, commands
and submitted forms. Slack keeps none of them, but shows the person at once that they failed. Nor replies in threads
of requests that are closed for good, or far up in a long DM with many open ones; nor, in a DM that the bot had not
heard of, what was written more than three days ago or before this database was there.
"""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from bot.delivery.faults import fault_of
from bot.delivery.slack import Identity, Slack
from bot.jobs.missed import take_missed
from bot.jobs.reading import NotShown, Reader, RunEnds, Wait
from bot.jobs.stretch import Stretch, read_stretch
from bot.jobs.unheard import meet_unheard
from bot.storage.database import Clock, Database
from bot.storage.inbox import Prepare, as_it_is
from bot.storage.said import slack_ts
from bot.storage.tables import Conversation

log = logging.getLogger(__name__)

PERIOD_S = 300.0
RUN_SHARE = 0.95  # of its period a run takes so much at most
ON_THE_WAY = timedelta(seconds=60)  # what is younger may still arrive by itself
LINE = 200  # DMs looked up at a time


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the job: what it reads with, and up to when it reads."""

    db: Database
    clock: Clock
    reader: Reader
    identity: Identity
    until: datetime


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
    """Store missed messages of the DMs whose turn is longest ago; return how many. Raises SlackAway.

    ``period_s`` is how often the job runs, ``prepare`` makes of each message what is stored of it, and ``wait`` sleeps
    between two calls. Ends early once ``stopping`` is set.
    """
    began_at, identity = clock(), slack.identity()
    ends_at = began_at + timedelta(seconds=RUN_SHARE * period_s)
    reader = Reader(slack.client, clock, ends_at=ends_at, stopping=stopping, wait=wait)
    run = _Run(db, clock, reader, identity, until=began_at - ON_THE_WAY)
    missed = 0
    try:
        meet_unheard(db, reader, identity.team_id, began_at, period_s)
        for dm, stretch in _stretches(run):
            taken = take_missed(db, dm, stretch.heard, clock(), stretch.until, prepare)
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


def _stretches(run: _Run) -> Iterator[tuple[Conversation, Stretch]]:
    """A stretch of each DM in turn, and again of those that were not read to the run's end."""
    is_first = True
    while line := _line(run):
        for dm in line:
            try:
                stretch = _read(run, dm)
            except Exception:
                if is_first:  # it had the whole run for itself, and would have the next one
                    _end_turn(run, dm)
                raise
            yield dm, stretch
            is_first = False


def _line(run: _Run) -> list[Conversation]:
    """The next DMs that are not read to the run's end, whose turn is longest ago first."""
    with run.db.reading() as session:
        behind = select(Conversation).where(
            Conversation.team_id == run.identity.team_id,
            Conversation.channel_id.startswith("D"),
            Conversation.last_event_ts.is_(None) | (Conversation.last_event_ts < slack_ts(run.until)),
        )
        turn = (Conversation.read_at.nulls_first(), Conversation.last_event_ts.nulls_first())
        return list(session.scalars(behind.order_by(*turn).limit(LINE)))


def _read(run: _Run, dm: Conversation) -> Stretch:
    """The next stretch of a DM; nothing, to the run's end, when it cannot be read any more."""
    try:
        return read_stretch(run.db, run.reader, dm, run.identity.user_id, run.until)
    except NotShown:
        return Stretch((), run.until)  # a person who has left: go on with the others


def _end_turn(run: _Run, dm: Conversation) -> None:
    with run.db.writing() as session:
        this = (Conversation.team_id == dm.team_id, Conversation.members == dm.members)
        session.execute(update(Conversation).where(*this).values(read_at=run.clock()))
