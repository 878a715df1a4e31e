"""Takes a message that a person wrote to the bot: it opens a request, completes a greeting, or belongs to a thread.

A message is named by its channel and ``ts``: whichever way it arrives a second time, it changes nothing.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.errors import ReplyAhead
from bot.ids import EventKind
from bot.lifecycle import OPEN_STATES, RequestState
from bot.services.answering import Basis, answer, answer_new
from bot.services.incoming import Incoming, Outcome, Taken
from bot.services.moves import record
from bot.services.reopening import may_reopen, reopen
from bot.services.views import RequestView
from bot.storage import queries
from bot.storage.tables import SupportRequest


def take(
    session: Session, now: datetime, incoming: Incoming, basis: Basis, *, wait_for_parent: bool
) -> Outcome:
    """Take one message. With ``wait_for_parent``, a reply to a message not seen so far raises ReplyAhead."""
    # A top-level message may find its own thread open already, when a reply overtook it.
    found = queries.whereabouts(
        session,
        incoming.team_id,
        incoming.channel_id,
        incoming.user_id,
        incoming.ts,
        incoming.thread_ts or incoming.ts,
    )
    if found.is_known:
        return Outcome(Taken.KNOWN, incoming)
    if found.is_forgotten:
        return Outcome(Taken.FORGOTTEN, incoming)
    request = found.of_thread or (None if incoming.is_reply else found.unfinished)
    if request is None and incoming.is_reply:
        # Under one of our own messages, or ahead of its parent: Slack promises no order.
        if not _is_own_thread(session, incoming):
            return Outcome(Taken.UNRELATED, incoming)
        if wait_for_parent:
            raise ReplyAhead(f"{incoming.channel_id} {incoming.ts}")
    if request is None:
        return _open(session, now, incoming, basis)
    if request.requester_id != incoming.user_id:
        return Outcome(Taken.UNRELATED, incoming)
    return _continue(session, now, request, incoming, basis)


def _is_own_thread(session: Session, incoming: Incoming) -> bool:
    if incoming.parent_user_id is not None:
        return incoming.parent_user_id == incoming.user_id
    assert incoming.thread_ts is not None
    return not queries.is_our_message(session, incoming.team_id, incoming.channel_id, incoming.thread_ts)


def _open(session: Session, now: datetime, incoming: Incoming, basis: Basis) -> Outcome:
    request = SupportRequest(
        team_id=incoming.team_id,
        requester_id=incoming.user_id,
        channel_id=incoming.channel_id,
        thread_ts=incoming.thread_ts or incoming.ts,
        text=incoming.stored_text,
        state=RequestState.NEW,
        opened_at=incoming.sent_at(now),
        reopened_count=0,
    )
    if not incoming.says_nothing_yet:
        return answer_new(session, now, request, incoming, basis)
    session.add(request)
    session.flush()
    event_id = _keep(session, now, request, incoming, EventKind.OPENED)
    return Outcome(Taken.ASKED, incoming, RequestView.of(request), event_id=event_id)


def _continue(
    session: Session, now: datetime, request: SupportRequest, incoming: Incoming, basis: Basis
) -> Outcome:
    if request.state not in OPEN_STATES and not may_reopen(request, now, basis.settings):
        return Outcome(Taken.TOO_LATE, incoming, RequestView.of(request))
    event_id = _keep(session, now, request, incoming, EventKind.APPENDED)
    if request.state is RequestState.NEW:
        return _complete(session, now, request, incoming, basis)
    if request.state not in OPEN_STATES:
        event_id = reopen(session, now, request, incoming.user_id, basis.settings)
        return Outcome(Taken.REOPENED, incoming, RequestView.of(request), event_id=event_id)
    taken = Taken.FORWARDED if request.state is RequestState.IN_PROGRESS else Taken.APPENDED
    return Outcome(taken, incoming, RequestView.of(request), event_id=event_id)


def _complete(
    session: Session, now: datetime, request: SupportRequest, incoming: Incoming, basis: Basis
) -> Outcome:
    """The message after a greeting is the one that decides."""
    if incoming.says_nothing_yet:
        return Outcome(Taken.ASKED, incoming, RequestView.of(request))
    if not incoming.is_reply:
        request.thread_ts = incoming.ts  # the card goes where the person now looks
    request.text = incoming.stored_text
    request.opened_at = incoming.sent_at(now)
    return answer(session, now, request, incoming, basis)


def _keep(
    session: Session, now: datetime, request: SupportRequest, incoming: Incoming, kind: EventKind
) -> int:
    session.add(incoming.as_message_of(request, now))
    return record(
        session,
        now,
        request.team_id,
        kind,
        request_id=request.id,
        actor_id=incoming.user_id,
        data=incoming.size,
    )
