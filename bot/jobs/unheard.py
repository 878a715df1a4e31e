"""DMs that Slack knows and the bot does not: somebody wrote for the first time, and that never arrived."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.delivery.faults import fault_of
from bot.heard import SLACKBOT, is_by_person
from bot.ids import EventKind
from bot.jobs.reading import ListedDm, NotShown, Reader
from bot.storage.database import Database
from bot.storage.forgotten import erased_mark, mark_unread
from bot.storage.said import remember_channel, slack_ts
from bot.storage.tables import Conversation, Event, Lock

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=3)  # over a weekend
LISTENING = "listening"  # the row of `locks` that says since when this database has listened
FORGOTTEN_IN_A_RUN = 5  # DMs of people who were forgotten that are looked into for what they wrote since
MARK_MOVES_ON = timedelta(days=1)  # once the mark is older: a write for each, daily
STILL_COMES = timedelta(hours=2)  # far longer than Slack repeats a delivery


def meet_unheard(db: Database, reader: Reader, team_id: str, now: datetime, period_s: float) -> None:
    """Remember every DM that Slack knows and the bot does not, to be read with the others. Raises as Reader does.

    One of a person who was forgotten is remembered only once they have written again: its row would bring back their id.
    """
    since = _listening_since(db, team_id, now, period_s)
    try:
        listed = [dm for dm in reader.dms() if dm.user_id != SLACKBOT]
    except Exception as error:
        fault = fault_of(error)
        if fault is None or fault.code != "missing_scope":
            raise
        log.warning("first messages that were missed cannot be found: add the scope im:read (manifest.yml)")
        return
    unheard, forgotten = _unheard(db, team_id, listed)
    if unheard:
        _meet(db, team_id, unheard, since)
    for dm, forgotten_at in _in_turn(forgotten, int(now.timestamp() / period_s)):
        read_on_from = max(since, forgotten_at)
        has_written = _has_written(reader, dm, read_on_from, now)
        with db.writing() as session:
            mark = session.get(Lock, erased_mark(team_id, dm.channel_id), with_for_update=True)
            if mark is None or mark.taken_at != forgotten_at:
                continue  # forgotten anew while we were reading
            if has_written:
                _remember(session, team_id, dm, read_on_from)
            elif forgotten_at < now - MARK_MOVES_ON:  # or it would be pruned, and the DM met like a new one
                mark.taken_at = now - STILL_COMES


def _listening_since(db: Database, team_id: str, now: datetime, period_s: float) -> datetime:
    """From when on what is found in a DM never heard of was missed, and not written to an earlier installation."""
    with db.writing() as session:
        mark = session.get(Lock, LISTENING)
        if mark is None:  # the first run of all, one period after the start
            mark = Lock(name=LISTENING, taken_at=now - timedelta(seconds=period_s))
            session.add(mark)
        purged_at = session.scalar(
            select(func.max(Event.at)).where(Event.team_id == team_id, Event.kind == EventKind.PURGED)
        )
        return max(mark.taken_at, now - LOOK_BACK, purged_at or mark.taken_at)


def _unheard(
    db: Database, team_id: str, listed: Sequence[ListedDm]
) -> tuple[list[ListedDm], list[tuple[ListedDm, datetime]]]:
    """Those that are not known; apart from them those of people who asked to be forgotten, and when that was done."""
    unheard, forgotten = [], []
    with db.reading() as session:
        known = set(session.scalars(select(Conversation.channel_id).where(Conversation.team_id == team_id)))
        for dm in listed:
            if dm.channel_id not in known:
                mark = session.get(Lock, erased_mark(team_id, dm.channel_id))
                if mark is None:
                    unheard.append(dm)
                else:
                    forgotten.append((dm, mark.taken_at))
    return unheard, forgotten


def _meet(db: Database, team_id: str, unheard: Sequence[ListedDm], since: datetime) -> None:
    with db.writing() as session:
        for dm in unheard:
            opened_at = datetime.fromtimestamp(dm.created_s, UTC)
            _remember(session, team_id, dm, max(since, opened_at))
            if opened_at < since:  # reading begins a little earlier, as clocks differ: here it must not
                mark_unread(session, team_id, dm.channel_id, since)


def _remember(session: Session, team_id: str, dm: ListedDm, read_on_from: datetime) -> None:
    remember_channel(session, team_id, (dm.user_id,), dm.channel_id, read_on_from=slack_ts(read_on_from))


def _in_turn(forgotten: Sequence[tuple[ListedDm, datetime]], run: int) -> Sequence[tuple[ListedDm, datetime]]:
    """A few of them, as each costs a call: the ``run``-th few of all, and after the last the first again."""
    begins = range(0, len(forgotten), FORGOTTEN_IN_A_RUN)
    if not begins:
        return ()
    begin = begins[run % len(begins)]
    return forgotten[begin : begin + FORGOTTEN_IN_A_RUN]


def _has_written(reader: Reader, dm: ListedDm, since: datetime, until: datetime) -> bool:
    """Whether its person wrote anything there between two moments."""
    pages = reader.history(dm.channel_id, oldest=slack_ts(since), latest=slack_ts(until))
    try:
        return any(is_by_person(m) and m["user"] == dm.user_id for page in pages for m in page.messages)
    except NotShown:
        return False
