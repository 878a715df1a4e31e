"""Where things are said and what they are called, so that each is said once and can be changed later."""

from datetime import datetime

from sqlalchemy.orm import Session

from bot.blocks.message import Message, plain_message
from bot.delivery import outbox
from bot.delivery.outbox import Address
from bot.ids import message_key
from bot.services.incoming import Incoming
from bot.services.views import OfferView, RequestView


def post(
    session: Session, now: datetime, to: Address, key: str, message: Message, about: RequestView | None = None
) -> None:
    request_id = about.id if about else None
    outbox.post(session, now, to, key=key, text=message.text, blocks=message.blocks, request_id=request_id)


def post_line(session: Session, now: datetime, request: RequestView, what: str, words: str) -> None:
    """One sentence in the request's thread, once."""
    key = message_key("line", request.id, what)
    post(session, now, thread(request), key, plain_message(words), request)


def update_card(session: Session, now: datetime, request: RequestView, event_id: int, card: Message) -> None:
    update(session, now, thread(request), card_key(request), event_id, card, request)


def update_offer(session: Session, now: datetime, offer: OfferView, event_id: int, card: Message) -> None:
    to = Address(offer.request.team_id, user_ids=(offer.agent_id,))
    update(session, now, to, message_key("offer", offer.assignment_id), event_id, card, offer.request)


def update_satisfaction(
    session: Session, now: datetime, request: RequestView, event_id: int, card: Message
) -> None:
    update(session, now, thread(request), satisfaction_key(request), event_id, card, request)


def update(
    session: Session, now: datetime, to: Address, key: str, event_id: int, card: Message, about: RequestView
) -> None:
    """Change what was posted under ``key``, once for each event."""
    outbox.update(
        session,
        now,
        to,
        key=key,
        version=str(event_id),
        text=card.text,
        blocks=card.blocks,
        request_id=about.id,
    )


def satisfaction_key(request: RequestView) -> str:
    return message_key("satisfaction", request.id)


def card_key(request: RequestView) -> str:
    return message_key("card", request.id)


def thread(request: RequestView) -> Address:
    return Address(request.team_id, request.channel_id, thread_ts=request.thread_ts)


def thread_of(incoming: Incoming) -> Address:
    return Address(incoming.team_id, incoming.channel_id, thread_ts=incoming.thread_ts or incoming.ts)


def group(request: RequestView) -> Address:
    assert request.agent_id is not None
    return Address(request.team_id, user_ids=(request.requester_id, request.agent_id))
