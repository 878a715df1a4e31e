"""Turns what a service did into rows of the outbox, in the same transaction.

Message keys: ``ask:<ts>``, ``card:<request>``, ``line:<request>:<what>``, ``satisfaction:<request>``,
``offer:<assignment>``, ``group:<assignment>``.
An update's version is the id of the event it tells about: said once, however often it is written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from bot.blocks import agent_cards, request_cards, satisfaction
from bot.blocks.erasing import erased_message
from bot.blocks.home import home_blocks
from bot.blocks.message import Message, plain_message
from bot.delivery import fallback, outbox, places
from bot.delivery.outbox import Address
from bot.ids import message_key
from bot.lifecycle import AssignmentState
from bot.services.assignments import Answered
from bot.services.erasure import Erased
from bot.services.escalation import Escalated, ReasonGiven, Withdrawal
from bot.services.home import Home
from bot.services.incoming import Outcome, Taken
from bot.services.matching import Offered
from bot.services.reopening import ClosedForGood
from bot.services.satisfaction import Rated
from bot.services.suggestions import Closed, Reopened, title_of
from bot.services.views import OfferView, RequestView
from bot.settings import Settings
from classifier import Answer

APPENDED = "Added to your request. A person is one click away, with the button above."
TOO_LATE = "This request is closed for good. Please write me a new message, outside this thread."
UNRELATED = "I cannot tell which request this belongs to. Please write me a new message, outside this thread."
HANDED_BACK = (
    "Your request has been handed on: another person will look at it. You keep your place in the line."
)
REOPENED = "I have reopened your request. A person will look at it."


def taken(session: Session, now: datetime, outcome: Outcome) -> None:
    """Answer a message. Once a person is on the request, nothing is said: their words are only passed on."""
    incoming, request = outcome.incoming, outcome.request
    if outcome.taken in (Taken.UNRELATED, Taken.TOO_LATE):
        words = TOO_LATE if outcome.taken is Taken.TOO_LATE else UNRELATED
        key = message_key("line", incoming.channel_id, incoming.ts)
        places.post(session, now, places.thread_of(incoming), key, plain_message(words))
        return
    if request is None:
        return
    match outcome.taken:
        case Taken.ASKED:
            key = message_key("ask", incoming.channel_id, incoming.ts)
            places.post(session, now, places.thread_of(incoming), key, request_cards.question_card())
        case Taken.SUGGESTED:
            card = request_cards.suggestion_card(request, outcome.shown)
            places.post(session, now, places.thread(request), places.card_key(request), card, request)
        case Taken.TO_PERSON:
            places.post(
                session,
                now,
                places.thread(request),
                places.card_key(request),
                request_cards.waiting_card(request, outcome.why),
                request,
            )
        case Taken.REOPENED:
            _reopened(session, now, request, outcome.event_id)
        case Taken.FORWARDED:
            message = agent_cards.forwarded(request, incoming.stored_text)
            key = message_key("forward", outcome.event_id)
            places.post(session, now, places.group(request), key, message, request)
        case Taken.APPENDED if request.waiting_since is None:
            places.post_line(session, now, request, "appended", APPENDED)
        case _:
            pass  # known, or waiting already: the words are kept, and the agent's card will hold them


def closed(session: Session, now: datetime, closed_: Closed) -> None:
    """The card becomes "Closed with ..." and Undo."""
    card = request_cards.closed_card(closed_.request, closed_.title)
    places.update_card(session, now, closed_.request, closed_.event_id, card)


def closed_for_good(
    session: Session, now: datetime, closed_: ClosedForGood, answers: Mapping[str, Answer]
) -> None:
    """The card no longer says that the request can be brought back."""
    request = closed_.request
    if closed_.was_resolved:
        card = request_cards.resolved_card(request, None)
    else:
        card = request_cards.closed_card(request, title_of(request.category, answers), for_good=True)
    places.update_card(session, now, request, closed_.event_id, card)


def undone(session: Session, now: datetime, reopened: Reopened) -> None:
    """Closed after all not: a person comes."""
    _reopened(session, now, reopened.request, reopened.event_id)


def escalated(session: Session, now: datetime, escalated_: Escalated) -> None:
    """The card says that a person will come, and asks why the suggestions were no help."""
    card = request_cards.waiting_card(escalated_.request, ask_reason=True)
    places.update_card(session, now, escalated_.request, escalated_.event_id, card)


def reason_given(session: Session, now: datetime, given: ReasonGiven) -> None:
    """The card thanks, and asks no more."""
    card = request_cards.waiting_card(given.request, thanks=True)
    places.update_card(session, now, given.request, given.event_id, card)


def withdrawn(session: Session, now: datetime, withdrawal: Withdrawal, settings: Settings) -> None:
    """The card ends, and the agent's, and the fallback's."""
    places.update_card(session, now, withdrawal.request, withdrawal.event_id, request_cards.withdrawn_card())
    for cancelled in withdrawal.cancelled:
        ended = agent_cards.ended_card(cancelled, AssignmentState.CANCELLED)
        places.update_offer(session, now, cancelled, withdrawal.event_id, ended)
    request, told_wait = withdrawal.request, withdrawal.told_wait
    needless = agent_cards.nobody_needed(request)
    fallback.end(session, now, request, told_wait, withdrawal.event_id, settings, needless)
    if request.agent_id is not None:
        key = message_key("group", "withdrawn", request.id)
        places.post(session, now, places.group(request), key, agent_cards.no_longer_needed(request), request)


def offered(
    session: Session, now: datetime, result: Offered, settings: Settings, answers: Mapping[str, Answer]
) -> None:
    """Tell each agent of the offer; tell the fallback of what nobody can be offered."""
    offers(session, now, result.offers, answers)
    for stuck in result.stuck:
        fallback.tell(session, now, stuck, settings, answers)


def offers(session: Session, now: datetime, made: Sequence[OfferView], answers: Mapping[str, Answer]) -> None:
    """Tell each agent of the offer."""
    for offer in made:
        to = Address(offer.request.team_id, user_ids=(offer.agent_id,))
        card = agent_cards.offer_card(offer, now, answers)
        places.post(session, now, to, message_key("offer", offer.assignment_id), card, offer.request)


def accepted(
    session: Session, now: datetime, answered: Answered, settings: Settings, answers: Mapping[str, Answer]
) -> None:
    """Tell the agent how to end the work, the requester who and by when, and bring the two together."""
    offer = answered.offer
    card = agent_cards.accepted_card(offer, now, answers)
    places.update_offer(session, now, offer, answered.event_id, card)
    _bring_together(session, now, answered, settings)


def taken_over(
    session: Session, now: datetime, answered: Answered, settings: Settings, answers: Mapping[str, Answer]
) -> None:
    """Somebody took what nobody could be offered: as accepted, but their card is new."""
    offer = answered.offer
    to = Address(offer.request.team_id, user_ids=(offer.agent_id,))
    card = agent_cards.accepted_card(offer, now, answers)
    places.post(session, now, to, message_key("offer", offer.assignment_id), card, offer.request)
    _bring_together(session, now, answered, settings)


def _bring_together(session: Session, now: datetime, answered: Answered, settings: Settings) -> None:
    offer, request, event_id = answered.offer, answered.offer.request, answered.event_id
    for passed_over in answered.passed_over:
        put_back(session, now, passed_over)
    places.update_card(session, now, request, event_id, request_cards.in_progress_card(request))
    places.post_line(
        session, now, request, f"accepted:{offer.assignment_id}", request_cards.taken_text(request)
    )
    key = message_key("group", offer.assignment_id)
    places.post(session, now, places.group(request), key, agent_cards.introduction(offer), request)
    took = agent_cards.somebody_took(request)
    fallback.end(session, now, request, answered.told_wait, event_id, settings, took)


def put_back(session: Session, now: datetime, answered: Answered) -> None:
    """Declined, expired or handed back: the agent's card ends; only a hand-back concerns the requester."""
    offer, request = answered.offer, answered.offer.request
    places.update_offer(session, now, offer, answered.event_id, agent_cards.ended_card(offer, answered.state))
    if answered.state is AssignmentState.HANDED_BACK:
        why = "the one who took it has handed it on"
        places.update_card(session, now, request, answered.event_id, request_cards.waiting_card(request, why))
        places.post_line(session, now, request, f"handed_back:{offer.assignment_id}", HANDED_BACK)


def resolved(session: Session, now: datetime, answered: Answered, settings: Settings) -> None:
    """Tell both sides that the work is done, the requester how to come back, and ask them how the help was."""
    offer, request = answered.offer, answered.offer.request
    places.update_offer(session, now, offer, answered.event_id, agent_cards.ended_card(offer, answered.state))
    card = request_cards.resolved_card(request, settings.firstline_reopen_window_s)
    places.update_card(session, now, request, answered.event_id, card)
    words = request_cards.resolved_text(request)
    places.post_line(session, now, request, f"resolved:{offer.assignment_id}", words)
    key = message_key("group", offer.assignment_id, "resolved")
    places.post(session, now, places.group(request), key, plain_message(words), request)
    if answered.asks_satisfaction:
        places.post(
            session,
            now,
            places.thread(request),
            places.satisfaction_key(request),
            satisfaction.question_card(request),
            request,
        )


def rated(session: Session, now: datetime, rated_: Rated) -> None:
    """The question says thanks, and what was chosen."""
    card = satisfaction.thanks_card(rated_)
    places.update_satisfaction(session, now, rated_.request, rated_.event_id, card)


def refused(
    session: Session,
    now: datetime,
    *,
    team_id: str,
    user_id: str,
    response_url: str | None,
    version: str,
    words: str,
) -> None:
    """Answer a click or a command privately: where it was made, or in a direct message where that cannot be done."""
    if response_url is not None:
        outbox.respond(session, now, team_id=team_id, response_url=response_url, version=version, text=words)
    else:
        to = Address(team_id, user_ids=(user_id,))
        places.post(session, now, to, message_key("refused", version), plain_message(words))


def answer(
    session: Session, now: datetime, team_id: str, response_url: str | None, version: str, message: Message
) -> None:
    """Answer a command privately; without a ``response_url`` there is nobody to answer."""
    if response_url is not None:
        outbox.respond(
            session,
            now,
            team_id=team_id,
            response_url=response_url,
            version=version,
            text=message.text,
            blocks=message.blocks,
        )


def erased(
    session: Session, now: datetime, team_id: str, response_url: str | None, version: str, erased_: Erased
) -> None:
    """In place of the question whether to forget somebody: that it is done. Nothing left names them."""
    if response_url is not None:
        message = erased_message(erased_)
        outbox.respond(
            session,
            now,
            team_id=team_id,
            response_url=response_url,
            version=version,
            text=message.text,
            blocks=message.blocks,
            replace_original=True,
        )


def home(
    session: Session, now: datetime, team_id: str, home_: Home, version: str, answers: Mapping[str, Answer]
) -> None:
    """Publish a person's App Home."""
    blocks = home_blocks(home_, answers)
    outbox.publish_home(session, now, team_id=team_id, user_id=home_.user_id, version=version, blocks=blocks)


def _reopened(session: Session, now: datetime, request: RequestView, event_id: int) -> None:
    places.update_card(session, now, request, event_id, request_cards.waiting_card(request))
    places.post_line(session, now, request, f"reopened:{request.reopened_count}", REOPENED)
