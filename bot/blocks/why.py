"""Why a request went to whom it did, as agents and administrators read it; and what ``/firstline next`` answers."""

import re
from collections.abc import Iterator, Mapping

from slack_sdk.models.blocks import Block, DividerBlock

import routing
from bot.blocks.message import Message, plain_message, section, small
from bot.blocks.text import category_name, escape, moment, person, quote
from bot.services.pulling import Pulled
from bot.services.why import Explained, Why
from classifier import Answer

_USER = re.compile(r"\b[UW][A-Z0-9]{2,30}\b")


def pulled_message(pulled: Pulled) -> Message:
    """What an agent who asked for work reads where they asked."""
    if pulled.answered is None:
        return plain_message(escape(pulled.why_none))
    offer = pulled.answered.offer
    text = f"Request {offer.request.id} of {person(offer.request.requester_id)} is yours."
    hint = "The card in our conversation resolves it or hands it back."
    return Message(
        text, (section(f"*{text}* {hint}"), section(quote(offer.words)), small(escape(offer.reason)))
    )


def why_message(explained: Explained, answers: Mapping[str, Answer]) -> Message:
    """One part for each offer."""
    blocks: list[Block] = []
    for why in explained.offers:
        if blocks:
            blocks.append(DividerBlock())
        blocks += _offer(why, explained.for_admin, answers)
    return Message("Why these requests were offered", tuple(blocks))


def _offer(why: Why, for_admin: bool, answers: Mapping[str, Answer]) -> Iterator[Block]:
    category = escape(category_name(why.category, answers), 80)
    whom = person(why.agent_id) if for_admin else "you"
    yield section(f"*Request {why.request_id}* ({category}) was offered to {whom}: {why.state.value}")
    yield small(moment(why.offered_at))
    yield section("\n".join(_reasons(why, for_admin)))
    if why.doubt is not None:
        yield small(_doubt(why.doubt))
    if why.flip is not None:
        yield small(_mention(why.flip, why.staff))
    if why.not_them is not None:
        yield section(f"*Why not {person(why.not_them.person)}?* {_mention(why.not_them.detail, why.staff)}.")


def _reasons(why: Why, for_admin: bool) -> Iterator[str]:
    if not why.terms:
        yield escape(why.reason, 1000)
        return
    for term in why.terms:
        yield f"• {_signed(term.value)} {_term(term)}"
    yield f"= {_signed(why.cost)}: the lower, the better"
    yield _runner_up(why.runner_up, for_admin)


def _term(term: routing.Term) -> str:
    name = escape(term.name.replace("_", " "), 40)
    return f"{name}: {escape(term.meaning, 200)}" if term.meaning else name


def _runner_up(runner_up: routing.RunnerUp | None, for_admin: bool) -> str:
    if runner_up is None:
        return "Nobody else was free for it, or it is no longer known who."
    whom = person(runner_up.agent_id) if for_admin else "somebody else"
    if abs(runner_up.difference) < 0.005:
        return f"Next: {whom}, who fitted as well; the tie rule chose."
    if runner_up.difference < 0:
        return (
            f"Next: {whom}, who fitted better by {-runner_up.difference:.2f} and was of more use elsewhere."
        )
    return f"Next: {whom}, who fitted worse by {runner_up.difference:.2f}."


def _doubt(doubt: float) -> str:
    sure = f"{1.0 - doubt:.0%} sure what it is about"
    if doubt > 0.5:
        return f"The answer bot was unsure ({sure}): that counts as a risk, and asks for a better agent."
    return f"The answer bot was {sure}: that makes it less of a risk."


def _signed(value: float) -> str:
    return f"`{value:+.2f}`"


def _mention(sentence: str, staff: frozenset[str]) -> str:
    """A sentence of routing's, escaped, in which the ids of agents (and of nobody else) become mentions."""
    return _USER.sub(lambda found: person(found[0]) if found[0] in staff else found[0], escape(sentence, 600))
