"""Says what the outbox holds: each row once, in the order of its lane, no faster than Slack allows.

What is known to have failed is tried again. What may have been done after all (a timeout, a cut connection, an error
of Slack's own, a process that died) is looked for first, by the dedupe key in the messages' metadata; where it cannot
be looked for (private answers), it is not said again, but for channels: there twice is better than never.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from slack_sdk.errors import SlackApiError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from bot.delivery import calls
from bot.delivery.calls import Said
from bot.delivery.faults import TOKEN_CODES, Fault, FaultKind, NotDelivered, fault_of
from bot.delivery.leave import Later, Leave
from bot.delivery.slack import Slack
from bot.ids import shown_key
from bot.settings import Settings
from bot.storage import claims, said
from bot.storage.database import Clock, Database
from bot.storage.pump import Pump, Then
from bot.storage.tables import OutboxKind, OutboxRow, PostedMessage
from bot.storage.trouble import trouble_of
from bot.storage.work import Wake

log = logging.getLogger(__name__)

OUTCOME_UNKNOWN = "outcome_unknown"
OUTAGE = timedelta(minutes=30)  # nothing is given up while Slack is away for less, however many attempts
# What Slack did not take waits so many times as long as a delivery that failed here: Slack's troubles last.
RESENT_LATER = 5
RESENT_WITHIN_S = 60  # so soon after Slack is back all that has waited is on its way
POSTED_SOON = timedelta(seconds=0.3)  # an update waits so long at least for the message it changes
METHODS = {OutboxKind.UPDATE: "chat.update", OutboxKind.PUBLISH_HOME: "views.publish"}
# What Slack says where the bot may post but not read, as in the agents' channel: nobody can look there.
LOOK_REFUSED = frozenset({"missing_scope", "not_in_channel", "no_permission"})
# The person deleted it, or it was given up before.
QUIET_CODES = frozenset({"message_not_found", "never_posted", "row_gone"})


@dataclass(frozen=True, slots=True)
class Spoken:
    """A row that was said, and when; ``place`` is where its message stands, None for what leaves no message."""

    row: OutboxRow
    place: Said | None
    at: datetime


class Sender(Pump[OutboxRow, Spoken]):
    """Threads that empty the outbox. ``on_sent`` is told of each row that was said, and when."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        clock: Clock,
        wake: Wake,
        slack: Slack,
        on_sent: Callable[[OutboxRow, datetime], None] = lambda _row, _now: None,
    ) -> None:
        super().__init__(OutboxRow, settings, db, clock, wake.outbox, waits_hold_lane=True, max_attempts=None)
        self._slack = slack
        self._on_sent = on_sent
        self._leave = Leave(db)
        self._max_attempts = settings.firstline_max_attempts
        self._backoff = claims.Backoff(RESENT_LATER * settings.firstline_retry_base_s, RESENT_WITHIN_S)

    def ids(self, row: OutboxRow) -> Mapping[str, object]:
        """The delivery that it answers and the request that it is about, where there are such."""
        told = {
            "delivery": shown_key(row.delivery_key) if row.delivery_key else None,
            "request": row.request_id,
            **super().ids(row),
        }
        return {name: value for name, value in told.items() if value is not None}

    def do(self, row: OutboxRow) -> Spoken | None:
        """Say one claimed row; when that fails, see that it is put back or given up."""
        try:
            return Spoken(row, self._say(row), self._clock())
        except Later as later:
            self._put_back(row, later.at, row.attempts - 1, row.fault)
        except Exception as error:  # the row's edge: whatever it is, it must not take the thread with it
            fault = fault_of(error)
            if fault is None and trouble_of(error) is not None:
                # Nothing was said: that comes after all questions to the database.
                fault = Fault(FaultKind.NOT_DONE, "database_away")
            if fault is None:
                log.error("outbox row %d (%s) met a bug: %s", row.id, row.kind, type(error).__name__)
                fault = Fault(FaultKind.UNKNOWN, type(error).__name__)
            self._fail(row, fault)
        return None

    def _say(self, row: OutboxRow) -> Said | None:
        client = self._slack.client
        payload = row.payload
        if row.kind is OutboxKind.RESPOND and _may_be_done(row):
            raise NotDelivered(Fault(FaultKind.PERMANENT, "cannot_be_looked_for"))
        if row.kind in METHODS:
            self._leave.require(row, METHODS[row.kind], self._clock())
        match row.kind:
            case OutboxKind.POST:
                return self._post(row)
            case OutboxKind.UPDATE:
                calls.update_message(client, self._posted(row), payload)
            case OutboxKind.RESPOND:
                calls.respond(self._slack.webhook(payload["response_url"]), payload)
            case OutboxKind.PUBLISH_HOME:
                calls.publish_home(client, payload)
        return None

    def _post(self, row: OutboxRow) -> Said:
        channel_id = self._channel(row)
        found = self._look_for(row, channel_id) if _may_be_done(row) else None
        if found is not None:
            return found
        self._leave.require_to_post(row, channel_id, self._clock())
        self._require_time(row, calls_ahead=1)
        return calls.post_message(self._slack.client, channel_id, row.payload, row.dedupe_key)

    def _look_for(self, row: OutboxRow, channel_id: str) -> Said | None:
        """The message, if an earlier attempt posted it after all; None as well in a channel nobody lets us read."""
        method = "conversations.replies" if row.payload["thread_ts"] else "conversations.history"

        def before_page() -> None:
            self._leave.require(row, method, self._clock())
            self._require_time(row, calls_ahead=2)

        try:
            return calls.find_message(
                self._slack.client,
                channel_id,
                row.payload["thread_ts"],
                row.dedupe_key,
                since=row.created_at,
                before_page=before_page,
            )
        except SlackApiError as error:
            fault = fault_of(error)
            if fault is None or fault.code not in LOOK_REFUSED or not self._is_channel(row, channel_id):
                raise
            log.warning("outbox row %d may be said twice: %s", row.id, fault.code)
            return None

    def _is_channel(self, row: OutboxRow, channel_id: str) -> bool:
        """Whether it is neither a DM nor a group DM: those the bot has opened or was written to in."""
        with self._db.reading() as session:
            return not said.is_conversation(session, row.team_id, channel_id) and channel_id[:1] != "D"

    def _require_time(self, row: OutboxRow, *, calls_ahead: int) -> None:
        """Raise unless so many calls to Slack fit into what is left of the lease: another sender comes after it."""
        ends_at = self._clock() + timedelta(seconds=calls_ahead * self._slack.timeout_s)
        if row.lease_until is not None and ends_at > row.lease_until:
            raise NotDelivered(Fault(FaultKind.NOT_DONE, "lease_too_short"))

    def _channel(self, row: OutboxRow) -> str:
        """The row's channel; a DM or group DM is opened the first time and remembered."""
        channel_id, user_ids = row.payload["channel_id"], row.payload["user_ids"]
        if channel_id is not None:
            return str(channel_id)
        with self._db.reading() as session:
            known = said.find_channel(session, row.team_id, user_ids)
        if known is not None:
            return known
        self._leave.require(row, "conversations.open", self._clock())
        opened = calls.open_conversation(self._slack.client, user_ids)
        with self._db.writing() as session:
            if not claims.hold(session, OutboxRow, row.id, row.lease):  # whoever it is for is being forgotten
                raise NotDelivered(Fault(FaultKind.PERMANENT, "row_gone"))
            said.remember_channel(
                session, row.team_id, user_ids, opened, read_on_from=said.slack_ts(self._clock())
            )
        return opened

    def _posted(self, row: OutboxRow) -> Said:
        """Where the message stands that an update changes."""
        key = row.message_key or ""
        with self._db.reading() as session:
            # In this order: it may be posted between the two, and then the second tells.
            posted_at = said.to_be_posted_at(session, row.team_id, key)
            posted = said.find_posted(session, row.team_id, key)
        if posted is not None:
            return Said(posted.channel_id, posted.ts)
        if posted_at is not None:  # in another lane: said to a person there, to their channel here
            raise Later(max(posted_at, self._clock() + POSTED_SOON))
        raise NotDelivered(Fault(FaultKind.PERMANENT, "never_posted"))

    def settle(self, session: Session, worked: Sequence[Spoken], now: datetime) -> Then:
        """Rows are done, unless another sender took over, and it is remembered where their messages stand."""
        finished = claims.finish_all(session, OutboxRow, [spoken.row for spoken in worked], now)
        ours = [spoken for spoken in worked if spoken.row.id in finished]
        said.remember_posted(session, [posted for spoken in ours if (posted := _posted_as(spoken))])
        return lambda: self._tell(ours)

    def _tell(self, spoken: Sequence[Spoken]) -> None:
        for each in spoken:
            row = each.row
            with bound_contextvars(**self.ids(row)):
                what = (row.message_key or "").partition(":")[0]
                log.info("said", extra={"kind": row.kind.value, "what": what, "attempts": row.attempts})
            self._on_sent(row, each.at)

    def _fail(self, row: OutboxRow, fault: Fault) -> None:
        now = self._clock()
        if fault.kind is FaultKind.RATE_LIMITED:
            until = now + timedelta(seconds=fault.retry_after_s)
            self._leave.close(row, fault.method, until)
            self._put_back(row, until, row.attempts - 1, row.fault)  # no attempt: nothing was done
            return
        is_unknown = fault.kind is FaultKind.UNKNOWN or _may_be_done(row)
        name = f"{OUTCOME_UNKNOWN}: {fault.code}" if is_unknown else fault.code
        cannot_look = fault.kind is FaultKind.UNKNOWN and row.kind is OutboxKind.RESPOND
        # Trouble with the token is for people to mend, overnight or over a weekend; what was to be said is kept for it.
        is_worn_out = (
            row.attempts >= self._max_attempts
            and now - row.created_at >= OUTAGE
            and fault.code not in TOKEN_CODES
        )
        if fault.kind is FaultKind.PERMANENT or cannot_look or is_worn_out:
            self._bury(row, now, name, fault.code)
        else:
            self._put_back(row, self._backoff.due(now, row.attempts), row.attempts, name)

    def _put_back(self, row: OutboxRow, due_at: datetime, attempts: int, fault: str | None) -> None:
        with self._db.writing() as session:
            claims.put_back(
                session, OutboxRow, row.id, row.lease, due_at=due_at, attempts=attempts, fault=fault
            )

    def _bury(self, row: OutboxRow, now: datetime, fault: str, code: str) -> None:
        with self._db.writing() as session:
            claims.bury(session, OutboxRow, row.id, row.lease, now, fault=fault)
        level = logging.INFO if code in QUIET_CODES else logging.ERROR
        log.log(level, "outbox row %d (%s) is given up: %s", row.id, row.kind, fault)


def _may_be_done(row: OutboxRow) -> bool:
    """Whether an earlier attempt may have been done without our hearing of it."""
    return (row.fault or "").startswith((OUTCOME_UNKNOWN, claims.LEASE_EXPIRED))


def _posted_as(spoken: Spoken) -> PostedMessage | None:
    row, place = spoken.row, spoken.place
    if place is None or not row.message_key:
        return None
    return PostedMessage(
        team_id=row.team_id,
        message_key=row.message_key,
        channel_id=place.channel_id,
        ts=place.ts,
        posted_at=spoken.at,
    )
