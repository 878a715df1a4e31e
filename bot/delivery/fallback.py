"""Tells of requests that nobody can be offered: the agents' channel, or else the administrators, and the requester.

Message key: ``nobody:<request>:<wait>:<place>``; each wait has a card of its own, which ends when the need ends.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from bot.blocks import agent_cards
from bot.blocks.message import Message
from bot.delivery import places
from bot.delivery.outbox import Address
from bot.ids import message_key
from bot.services.stuck import Stuck, WhyNobody
from bot.services.views import RequestView
from bot.settings import Settings
from classifier import Answer

TOLD = "Nobody is free for this at the moment. Your team has been told, and you keep your place in the line."
ASK_DIRECTLY = "If it cannot wait, please ask your IT team directly; your request stays open here."
NOBODY_TOLD: dict[WhyNobody, str] = {
    WhyNobody.NO_AGENTS: (
        "Nobody is set up to take this yet. Please ask your IT team directly; your request stays open here."
    ),
    WhyNobody.EVERYBODY_AWAY: f"Everybody who could take this is away at the moment. {ASK_DIRECTLY}",
    WhyNobody.EVERYBODY_ASKED: f"I have asked whom I could, and nobody has taken this so far. {ASK_DIRECTLY}",
    WhyNobody.NOBODY_FITS: f"Nobody who is here at the moment can help with this. {ASK_DIRECTLY}",
    WhyNobody.EVERYBODY_BUSY: f"Everybody who could take this is busy at the moment. {ASK_DIRECTLY}",
}


def tell(
    session: Session, now: datetime, stuck: Stuck, settings: Settings, answers: Mapping[str, Answer]
) -> None:
    """One card for each wait; the requester hears that somebody was told, or else why nobody comes."""
    request = stuck.request
    to = _addresses(request, settings)
    message = agent_cards.nobody_free(request, stuck.detail, answers)
    for address in to:
        places.post(session, now, address, _key(request, stuck.wait, address), message, request)
    if to:
        places.post_line(session, now, request, f"nobody:{stuck.wait}", TOLD)
    else:
        what = f"nobody:{stuck.wait}:{stuck.why}"
        places.post_line(session, now, request, what, NOBODY_TOLD[stuck.why])


def end(
    session: Session,
    now: datetime,
    request: RequestView,
    told_wait: int | None,
    event_id: int,
    settings: Settings,
    message: Message,
) -> None:
    """The card of the wait ``told_wait`` becomes ``message``, without a button; None: nobody was told."""
    if told_wait is None:
        return
    for address in _addresses(request, settings):
        places.update(session, now, address, _key(request, told_wait, address), event_id, message, request)


def _addresses(request: RequestView, settings: Settings) -> list[Address]:
    if settings.firstline_agent_channel is not None:
        return [Address(request.team_id, settings.firstline_agent_channel)]
    return [Address(request.team_id, user_ids=(admin,)) for admin in settings.firstline_admins]


def _key(request: RequestView, wait: int, address: Address) -> str:
    return message_key("nobody", request.id, wait, address.lane)
