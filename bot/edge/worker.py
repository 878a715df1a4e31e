"""Works the inbox: takes stored deliveries and replays them through Bolt, until each is settled.

A listener that opened a unit of work has settled its row there, together with what it changed. What is left to do
here: settle the rows that nobody opened a unit of work for, and put back those whose listener failed.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_bolt import App
from sqlalchemy.orm import Session

from bot.delivery import outbox
from bot.edge.bolt import dispatch
from bot.errors import SlackAway
from bot.heard import is_heard
from bot.ids import message_key, shown_key
from bot.settings import Settings
from bot.storage import claims, said
from bot.storage.database import Clock, Database
from bot.storage.forgotten import is_forgotten
from bot.storage.pump import Pump, Then
from bot.storage.tables import ID_LENGTH, InboxKind, InboxRow
from bot.storage.trouble import trouble_of
from bot.storage.work import CAUSE, Claim, Wake

log = logging.getLogger(__name__)

AWAY_AT_MOST = timedelta(seconds=30)  # while Slack or the database is away, a row is tried so often
AHEAD = (
    4  # rows claimed for each thread: most deliveries are worked more quickly than the next ones are claimed
)
APOLOGY = (
    "Sorry, something went wrong here and I could not handle this. Please try again, or ask your IT team directly "
    "and quote the reference *{reference}*."
)


class InboxWorker(Pump[InboxRow, InboxRow]):
    """Threads that replay the inbox. ``on_done`` is told how many seconds lay between arrival and commit."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        clock: Clock,
        wake: Wake,
        bolt: App,
        on_done: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        super().__init__(
            InboxRow,
            settings,
            db,
            clock,
            wake.inbox,
            waits_hold_lane=False,
            max_attempts=settings.firstline_max_attempts,
            ahead=AHEAD,
        )
        self._wake_sender = wake.outbox.set
        self._bolt = bolt
        self._on_done = on_done
        self._max_attempts = settings.firstline_max_attempts
        self._met: set[str] = set()  # channels of DMs that are remembered already
        self._backoff = claims.Backoff(settings.firstline_retry_base_s)

    def ids(self, row: InboxRow) -> Mapping[str, object]:
        """The delivery's id, as the edge logged it and as the outbox will."""
        return {"delivery": shown_key(row.delivery_key), **super().ids(row)}

    def do(self, row: InboxRow) -> InboxRow | None:
        """Replay one claimed row; when its listener failed, see that it is put back or given up."""
        outcome = dispatch(self._bolt, row.body, _claim_of(row))
        now = self._clock()
        if outcome.failure is None:
            seconds = (now - row.received_at).total_seconds()
            log.info("worked", extra={"seconds": round(seconds, 4), "attempts": row.attempts})
            self._on_done(seconds)
            return row
        with self._db.writing() as session:
            # LeaseLost included: then the row is somebody else's, and nothing of this takes hold.
            self._retry(session, row, now, outcome.failure)
        self._wake_sender()
        return None

    def settle(self, session: Session, worked: Sequence[InboxRow], now: datetime) -> Then:
        """Rows are done, unless their listener has settled them or another worker took over; DMs are remembered."""
        claims.finish_all(session, InboxRow, worked, now)
        met = set[str]().union(*(self._meet(session, row) for row in worked))
        return lambda: self._met.update(met)

    def _meet(self, session: Session, row: InboxRow) -> set[str]:
        """Remember the DM an event came from, as the reconciler reads on from it; the channels newly met."""
        dm = _dm_of(row)
        if dm is None or dm.channel_id in self._met:
            return set()
        if is_forgotten(session, row.team_id, dm.channel_id, dm.ts):
            return set()  # it came late; when they write again they are known again
        said.remember_channel(session, row.team_id, (dm.user_id,), dm.channel_id, read_on_from=dm.ts)
        return {dm.channel_id}

    def _retry(self, session: Session, row: InboxRow, now: datetime, failure: Exception) -> None:
        fault = type(failure).__name__
        if isinstance(failure, SlackAway) or trouble_of(failure) is not None:
            # No attempt: the row is not to blame, and a long outage must not use up what it has of them.
            due_at, attempts = self._due_after_outage(row, now), row.attempts - 1
        elif row.attempts < self._max_attempts:
            due_at, attempts = self._backoff.due(now, row.attempts), row.attempts
        else:
            if claims.bury(session, InboxRow, row.id, row.lease, now, fault=fault):
                self.mourn(session, row, now, fault)
            return
        claims.put_back(session, InboxRow, row.id, row.lease, due_at=due_at, attempts=attempts, fault=fault)

    def _due_after_outage(self, row: InboxRow, now: datetime) -> datetime:
        """As much later again as the row is old: so with an attempt each time the age doubles, up to a bound."""
        age = now - row.received_at
        return now + min(AWAY_AT_MOST, max(age, timedelta(seconds=self._backoff.base_s)))

    def mourn(self, session: Session, row: InboxRow, now: datetime, fault: str) -> Then:
        """Log a row that is given up and tell its person, in the transaction that gives it up: so once."""
        log.error("inbox row %d is given up after %d attempts: %s", row.id, row.attempts, fault)
        address = _sender_of(row)
        if address is not None:
            session.info[CAUSE] = _claim_of(row)
            text = APOLOGY.format(reference=f"inbox-{row.id}")
            outbox.post(session, now, address, key=message_key("apology", row.id), text=text)
        return self._wake_sender


def _claim_of(row: InboxRow) -> Claim:
    return Claim(row.id, row.lease or "", row.attempts, row.delivery_key, row.received_at)


@dataclass(frozen=True, slots=True)
class _Dm:
    """A person's DM with the bot; ``ts`` is when something was heard from there."""

    user_id: str
    channel_id: str
    ts: str


def _dm_of(row: InboxRow) -> _Dm | None:
    """The DM an event tells of: by a message in it, or by its being opened, which comes before the first message."""
    if row.kind is not InboxKind.EVENT:
        return None
    event = row.body["event"]
    if event["type"] == "app_home_opened":
        ts = event.get("event_ts") or said.slack_ts(row.received_at)
    elif _sender_of(row) is not None:
        ts = event["ts"]
    else:
        return None
    user_id, channel_id = event.get("user"), event.get("channel")
    if not all(map(_is_name, (user_id, channel_id, ts))) or channel_id[:1] != "D":
        return None
    return _Dm(user_id, channel_id, ts)


def _sender_of(row: InboxRow) -> outbox.Address | None:
    """Where to tell the person whose doing is given up; None when it was no person's doing, or nobody can be told.

    Never raises, and what it returns fits its columns: a row that cannot be given up would hold up every other.
    """
    body = row.body
    if row.kind is InboxKind.COMMAND:
        return _person(row.team_id, body.get("user_id"))
    if row.kind is InboxKind.ACTION:
        user = body.get("user")
        return _person(row.team_id, user.get("id") if isinstance(user, dict) else user)
    event = body["event"]
    thread_ts = event.get("thread_ts") or event.get("ts")
    names = (event.get("channel"), event.get("user"), event.get("ts"), thread_ts)
    if event["type"] != "message" or not is_heard(event) or not all(map(_is_name, names)):
        return None
    return outbox.Address(row.team_id, event["channel"], thread_ts=thread_ts)


def _person(team_id: str, user_id: object) -> outbox.Address | None:
    return outbox.Address(team_id, user_ids=(str(user_id),)) if _is_name(user_id) else None


def _is_name(value: object) -> bool:
    """An id or a ts, and not longer than a column that holds one."""
    return isinstance(value, str) and 0 < len(value) <= ID_LENGTH
