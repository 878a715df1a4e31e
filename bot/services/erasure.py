"""Forgets a person. What they wrote is gone; that something happened is still counted.

Their user id becomes a made-up one in every row that is kept, so that numbers by person stay numbers. A test looks for
their words and their id in every table there is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from bot.ids import EventKind, new_token
from bot.lifecycle import OPEN_ASSIGNMENTS, OPEN_STATES, AssignmentState
from bot.services import assignments, escalation
from bot.services.fencing import fence_person, lock_requests
from bot.services.moves import record
from bot.services.renaming import forget_sites, mentions, rename
from bot.storage.forgotten import mark_conversation
from bot.storage.said import members_key
from bot.storage.scrubbing import request_scrub
from bot.storage.tables import (
    LET_GO,
    SETTLED,
    Agent,
    Assignment,
    Conversation,
    InboxKind,
    InboxRow,
    OutboxKind,
    OutboxRow,
    PostedMessage,
    Requester,
    RequestMessage,
    SatisfactionQuestion,
    SupportRequest,
)

SHOWS_COMMENTS = "stats"  # the word of the command


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten of a person: requests (their words are gone, the rows are kept), messages, stored deliveries."""

    requests: int
    messages: int
    deliveries: int


def erase_person(
    session: Session, now: datetime, *, team_id: str, user_id: str, actor_id: str | None, row_id: int | None
) -> Erased:
    """Forget ``user_id``. Open requests are withdrawn, work in hand goes to others; nothing is said to anybody.

    ``actor_id`` is the administrator (None: the command line), ``row_id`` the inbox row that asks for it, which is
    emptied and kept. Erasing anew, or somebody unknown, is harmless.
    """
    fence_person(session, now, team_id, user_id)
    delivered, heard_in = _forget_deliveries(session, team_id, user_id, row_id)
    request_ids = lock_requests(session, team_id, user_id)  # with those of what was just being settled
    _end_work(session, now, team_id, user_id)
    channels = heard_in | _channels(session, team_id, user_id)
    stand_in = f"erased-{new_token()[:8]}"
    messages = _forget_words(session, team_id, request_ids, stand_in)
    _forget_person(session, team_id, user_id)
    forget_sites(session, team_id, user_id, request_ids)
    rename(session, team_id, user_id, stand_in)
    _forget_sayings(session, team_id, user_id, channels, request_ids)
    _forget_answers(session, team_id, delivered)
    deliveries = len(delivered) + _forget_mentions(session, team_id, {user_id, *channels}, row_id)
    _forget_places(session, now, team_id, user_id, channels)
    erased = Erased(len(request_ids), messages, deliveries)
    actor = stand_in if actor_id == user_id else actor_id
    data = {"requests": erased.requests, "messages": messages, "deliveries": deliveries, "as": stand_in}
    record(session, now, team_id, EventKind.ERASED, actor_id=actor, data=data)
    request_scrub(session, now)
    return erased


def _forget_deliveries(
    session: Session, team_id: str, user_id: str, row_id: int | None
) -> tuple[list[str], set[str]]:
    """What Slack delivered of them, worked or not: the keys, and the DMs they wrote in."""
    theirs = InboxRow.lane == f"{team_id}:{user_id}"
    if row_id is not None:
        session.execute(update(InboxRow).where(InboxRow.id == row_id).values(body={}))
        session.execute(update(InboxRow).where(InboxRow.id == row_id, theirs).values(lane=team_id))
    gone = session.execute(
        delete(InboxRow)
        .where(InboxRow.team_id == team_id, theirs, InboxRow.id != (row_id or 0))
        .returning(InboxRow.delivery_key, InboxRow.body)
        .execution_options(synchronize_session=False)
    ).all()
    heard_in = {str((row.body.get("event") or {}).get("channel")) for row in gone}
    return [row.delivery_key for row in gone], {each for each in heard_in if each.startswith("D")}


def _forget_mentions(session: Session, team_id: str, names: set[str], row_id: int | None) -> int:
    """Of what Slack delivered of others, what is settled and names them; return how many."""
    gone = session.execute(
        delete(InboxRow)
        .where(
            InboxRow.team_id == team_id,
            mentions(InboxRow.body, names),
            InboxRow.state.in_(SETTLED),
            InboxRow.id != (row_id or 0),
        )
        .returning(InboxRow.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _end_work(session: Session, now: datetime, team_id: str, user_id: str) -> None:
    """Their open requests are withdrawn; what they work on as an agent goes to somebody else."""
    who: Any = {"team_id": team_id, "user_id": user_id}
    own = (SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id)
    for request_id in _ids(session, SupportRequest.id, *own, SupportRequest.state.in_(OPEN_STATES)):
        escalation.withdraw(session, now, **who, request_id=request_id)
    work = select(Assignment).where(
        Assignment.team_id == team_id, Assignment.agent_id == user_id, Assignment.state.in_(OPEN_ASSIGNMENTS)
    )
    for given in session.scalars(work).all():
        is_offer = given.state is not AssignmentState.ACCEPTED
        end = assignments.decline if is_offer else assignments.hand_back
        end(session, now, **who, assignment_id=given.id)


def _channels(session: Session, team_id: str, user_id: str) -> set[str]:
    """The conversations they are in with the bot."""
    rows = select(Conversation.channel_id, Conversation.members).where(Conversation.team_id == team_id)
    found = {row.channel_id for row in session.execute(rows) if user_id in row.members.split(",")}
    written = select(SupportRequest.channel_id).where(
        SupportRequest.team_id == team_id, SupportRequest.requester_id == user_id
    )
    return found | set(session.scalars(written))


def _forget_words(session: Session, team_id: str, request_ids: Collection[int], stand_in: str) -> int:
    session.execute(
        update(SupportRequest)
        .where(SupportRequest.team_id == team_id, SupportRequest.id.in_(request_ids))
        .values(text="", requester_id=stand_in, channel_id=stand_in)
    )
    session.execute(
        update(SatisfactionQuestion)
        .where(SatisfactionQuestion.team_id == team_id, SatisfactionQuestion.request_id.in_(request_ids))
        .values(comment=None)
    )
    gone = session.execute(
        delete(RequestMessage)
        .where(RequestMessage.team_id == team_id, RequestMessage.request_id.in_(request_ids))
        .returning(RequestMessage.id)
    )
    return len(gone.all())


def _forget_person(session: Session, team_id: str, user_id: str) -> None:
    """What they have said about themselves."""
    session.execute(delete(Agent).where(Agent.team_id == team_id, Agent.user_id == user_id))
    session.execute(delete(Requester).where(Requester.team_id == team_id, Requester.user_id == user_id))


def _forget_sayings(
    session: Session, team_id: str, user_id: str, channels: set[str], request_ids: Collection[int]
) -> None:
    """What was said, or is to be said, to them or about them, and where it stands in Slack."""
    names = {user_id, *channels}
    session.execute(
        delete(OutboxRow)
        .where(
            OutboxRow.team_id == team_id,
            or_(
                mentions(OutboxRow.payload, names),
                mentions(OutboxRow.lane, names),
                mentions(OutboxRow.dedupe_key, names),
                OutboxRow.request_id.in_(request_ids),
            ),
        )
        .execution_options(synchronize_session=False)
    )
    posted = or_(PostedMessage.channel_id.in_(channels), mentions(PostedMessage.message_key, {user_id}))
    session.execute(delete(PostedMessage).where(PostedMessage.team_id == team_id, posted))


def _forget_answers(session: Session, team_id: str, delivered: Collection[str]) -> None:
    """Private answers to what they sent, and what shows an administrator comments without their writers' names: App Homes
    and the numbers. What was said already is let go by the sender; an earlier version kept it."""
    asks_numbers = func.lower(func.ltrim(InboxRow.body["text"].as_string())).startswith(SHOWS_COMMENTS)
    asked = select(InboxRow.delivery_key).where(
        InboxRow.team_id == team_id, InboxRow.kind == InboxKind.COMMAND, asks_numbers
    )
    session.execute(
        delete(OutboxRow)
        .where(
            OutboxRow.team_id == team_id,
            OutboxRow.kind.in_(LET_GO),
            cast(OutboxRow.payload, String) != "{}",
            or_(
                OutboxRow.kind == OutboxKind.PUBLISH_HOME,
                OutboxRow.state.in_(SETTLED),
                OutboxRow.delivery_key.in_(delivered),
                OutboxRow.delivery_key.in_(asked),
            ),
        )
        .execution_options(synchronize_session=False)
    )


def _forget_places(session: Session, now: datetime, team_id: str, user_id: str, channels: set[str]) -> None:
    """Their conversations, so that nothing is read there; a mark keeps old messages from being taken up anew."""
    for channel_id in sorted(channels):
        mark_conversation(session, now, team_id, channel_id)
    session.flush()  # the marks first, as whoever reads on in a conversation takes them
    session.execute(
        delete(Conversation).where(
            Conversation.team_id == team_id,
            or_(Conversation.channel_id.in_(channels), Conversation.members == members_key((user_id,))),
        )
    )


def _ids(session: Session, column: Any, *conditions: ColumnElement[bool]) -> list[int]:
    return list(session.scalars(select(column).where(*conditions).order_by(column)))
