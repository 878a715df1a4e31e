"""What agents see: the offer, and what became of it. People's words are quoted and escaped."""

from collections.abc import Mapping
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.blocks.message import Message, button, buttons, plain_message, section, small
from bot.blocks.text import category_name, duration, escape, moment, person, quote
from bot.ids import ActionId
from bot.lifecycle import AssignmentState
from bot.services.views import OfferView, RequestView
from classifier import Answer

TAKE = "take"  # suffix of ACCEPT: the value is a request's id, not an assignment's
UNSURE_BELOW = 0.5  # confidence: the category is more likely wrong than right
ENDINGS: dict[AssignmentState, str] = {
    AssignmentState.DECLINED: "You declined this request; it is offered to somebody else.",
    AssignmentState.EXPIRED: "You did not answer in time, so this request is offered to somebody else.",
    AssignmentState.RESOLVED: ":white_check_mark: Resolved. Thank you!",
    AssignmentState.HANDED_BACK: "You handed this request back; it is offered to somebody else.",
    AssignmentState.CANCELLED: "The requester no longer needs help with this.",
    AssignmentState.PASSED_OVER: "Somebody else was quicker and has taken this request. Nothing is left to do.",
}


def offer_card(offer: OfferView, now: datetime, answers: Mapping[str, Answer]) -> Message:
    """An offer: the words, what they are about, the deadline, why this agent, and the two answers."""
    request = offer.request
    text = f"A request for you from {person(request.requester_id)}"
    value = str(offer.assignment_id)
    blocks: list[Block] = [
        section(f"*{text}*"),
        section(quote(offer.words)),
        small(_facts(request, now, answers)),
        small(escape(offer.reason)),
        buttons(
            button(ActionId.ACCEPT, "Accept", value, style="primary"),
            button(ActionId.DECLINE, "Decline", value),
        ),
    ]
    if offer.is_hedged:
        blocks.append(small("Somebody else was asked before you: whoever accepts first has it."))
    if offer.expires_at is not None:
        blocks.append(small(f"Without an answer by {moment(offer.expires_at)} it goes to somebody else."))
    return Message(text, tuple(blocks))


def accepted_card(offer: OfferView, now: datetime, answers: Mapping[str, Answer]) -> Message:
    """Accepted: the way to end the work."""
    request = offer.request
    text = f"You are helping {person(request.requester_id)}"
    value = str(offer.assignment_id)
    return Message(
        text,
        (
            section(f"*{text}* in the group conversation with me."),
            section(quote(offer.words)),
            small(_facts(request, now, answers)),
            buttons(
                button(ActionId.RESOLVE, "Resolve", value, style="primary"),
                button(ActionId.HAND_BACK, "Hand back", value),
            ),
        ),
    )


def ended_card(offer: OfferView, state: AssignmentState) -> Message:
    """What became of an offer, with nothing left to press."""
    text = ENDINGS[state]
    return Message(text, (section(text), section(quote(offer.request.text, 600))))


def introduction(offer: OfferView) -> Message:
    """The first message in the group conversation of requester, agent and bot."""
    request = offer.request
    text = f"{person(request.agent_id or '')} will help {person(request.requester_id)} with this:"
    hint = "You can write to each other here; files and calls work too. I stay out of it."
    return Message(text, (section(text), section(quote(offer.words)), small(hint)))


def forwarded(request: RequestView, words: str) -> Message:
    """What the requester added in the request's thread while an agent is on it."""
    text = f"{person(request.requester_id)} added in the thread of the request:"
    return Message(f"{text}\n{quote(words, 1500)}", (section(text), section(quote(words))))


def no_longer_needed(request: RequestView) -> Message:
    """To the group conversation, when the requester withdraws while an agent is on it."""
    return plain_message(f"{person(request.requester_id)} no longer needs help with this.")


def nobody_free(request: RequestView, detail: str, answers: Mapping[str, Answer]) -> Message:
    """Told to the fallback channel, or to the administrators, once for each request."""
    text = f":warning: Nobody can be offered a request of {person(request.requester_id)}"
    facts = f"{_category(request, answers)} · {escape(detail, 500)} · request {request.id}"
    take = button(ActionId.ACCEPT, "I'll take it", str(request.id), suffix=TAKE, style="primary")
    return Message(text, (section(f"*{text}*"), section(quote(request.text)), small(facts), buttons(take)))


def somebody_took(request: RequestView) -> Message:
    """What the fallback's message becomes when an agent is on it."""
    text = f":white_check_mark: {person(request.agent_id or '')} took a request of {person(request.requester_id)}"
    return Message(text, (section(text), section(quote(request.text, 600))))


def nobody_needed(request: RequestView) -> Message:
    """What the fallback's message becomes when the requester withdraws."""
    text = f"{person(request.requester_id)} no longer needs help with this."
    return Message(text, (section(text), section(quote(request.text, 600))))


def _category(request: RequestView, answers: Mapping[str, Answer]) -> str:
    name = escape(category_name(request.category, answers), 80)
    if request.confidence is None:
        return f"Category: {name}"
    perhaps = "perhaps " if request.confidence < UNSURE_BELOW else ""
    return f"Category: {perhaps}{name} ({request.confidence:.0%} sure)"


def _facts(request: RequestView, now: datetime, answers: Mapping[str, Answer]) -> str:
    facts = [_category(request, answers)]
    if request.waiting_since is not None:
        facts.append(f"waiting for {duration((now - request.waiting_since).total_seconds())}")
    if request.deadline_at is not None:
        facts.append(f"deadline {moment(request.deadline_at)}")
    facts.append(f"request {request.id}")
    return " · ".join(facts)
