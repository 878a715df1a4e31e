"""DMs that Slack knows and the bot does not: somebody wrote for the first time, and that never arrived."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from bot.delivery.faults import fault_of
from bot.ids import EventKind
from bot.jobs.reading import ListedDm, Reader
from bot.storage.database import Database
from bot.storage.forgotten import erased_mark, mark_unread
from bot.storage.said import remember_channel, slack_ts
from bot.storage.tables import Conversation, Event, Lock

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=3)  # over a weekend
LISTENING = "listening"  # the row of `locks` that says since when this database has listened
SLACKBOT = "USLACKBOT"


def meet_unheard(db: Database, reader: Reader, team_id: str, now: datetime, period_s: float) -> None:
    """Remember every DM that Slack knows and the bot does not, to be read with the others. Raises as Reader does."""
    since = _listening_since(db, team_id, now, period_s)
    try:
        listed = [dm for dm in reader.dms() if dm.user_id != SLACKBOT]
    except Exception as error:
        fault = fault_of(error)
        if fault is None or fault.code != "missing_scope":
            raise
        log.warning("first messages that were missed cannot be found: add the scope im:read (manifest.yml)")
        return
    unheard = _unheard(db, team_id, listed)
    if not unheard:
        return
    with db.writing() as session:
        for dm in unheard:
            opened_at = datetime.fromtimestamp(dm.created_s, UTC)
            read_on_from = slack_ts(max(since, opened_at))
            remember_channel(session, team_id, (dm.user_id,), dm.channel_id, read_on_from=read_on_from)
            if opened_at < since:  # reading begins a little earlier, as clocks differ: here it must not
                mark_unread(session, team_id, dm.channel_id, since)


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


def _unheard(db: Database, team_id: str, listed: Sequence[ListedDm]) -> list[ListedDm]:
    """Without those that are known, and without those of people who asked to be forgotten and did not write since."""
    with db.reading() as session:
        known = set(session.scalars(select(Conversation.channel_id).where(Conversation.team_id == team_id)))
        unheard = [dm for dm in listed if dm.channel_id not in known]
        return [dm for dm in unheard if session.get(Lock, erased_mark(team_id, dm.channel_id)) is None]
