"""App Home: the same page for everybody, with more on it for agents and administrators."""

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock

from bot.blocks.message import button, buttons, section, small
from bot.blocks.stats import stats_message
from bot.blocks.text import NO_WORDS, category_name, escape, moment, person
from bot.ids import ActionId
from bot.lifecycle import RequestState
from bot.services.home import AgentDesk, Home, Overview
from bot.services.views import OfferView, RequestView
from classifier import Answer

STATE_NAMES: dict[RequestState, str] = {
    RequestState.NEW: "waits for your next message",
    RequestState.SUGGESTED: "suggestions are waiting for your answer",
    RequestState.CLOSED_BY_SUGGESTION: "closed with a suggestion",
    RequestState.WAITING: "waits for a person",
    RequestState.OFFERED: "on its way to a person",
    RequestState.IN_PROGRESS: "in work",
    RequestState.RESOLVED: "resolved",
    RequestState.CLOSED: "closed",
    RequestState.WITHDRAWN: "withdrawn",
}


def home_blocks(home: Home, answers: Mapping[str, Answer]) -> tuple[Block, ...]:
    """At most 100 blocks, Slack's limit for a view."""
    blocks: list[Block] = []
    if home.overview is not None:
        blocks += [*_overview(home.overview, answers), DividerBlock()]
    if home.desk is not None:
        blocks += [*_desk(home.desk, answers), DividerBlock()]
    blocks += _mine(home.mine)
    return tuple(blocks)


def _mine(requests: Sequence[RequestView]) -> list[Block]:
    blocks: list[Block] = [HeaderBlock(text="My requests")]
    if not requests:
        blocks.append(section("None yet. Write me a message, and I will look for an answer."))
    for request in requests:
        who = f" by {person(request.agent_id)}" if request.agent_id else ""
        blocks.append(section(f"*{_first_line(request.text)}*"))
        blocks.append(small(f"{STATE_NAMES[request.state]}{who} · opened {moment(request.opened_at)}"))
    return blocks


def _desk(desk: AgentDesk, answers: Mapping[str, Answer]) -> list[Block]:
    presence = "You are *on*: requests are offered to you."
    if not desk.is_on:
        presence = "You are *away*: nothing is offered to you."
    elif not desk.is_readable:
        presence = "What was kept of your work *cannot be read* any more: nothing is offered to you until you write it again below."
    elif not desk.is_in_hours:
        presence = "You are *on*, but it is outside of your hours: nothing is offered to you."
    switch = "`/firstline away` or `/firstline on` changes that."
    blocks: list[Block] = [
        HeaderBlock(text="My desk"),
        section(f"{presence} {switch}"),
        small(f"{desk.load} of {desk.capacity} places taken · {desk.waiting} requests wait for somebody"),
    ]
    blocks.append(buttons(button(ActionId.EDIT_ME, "My skills and hours", "me")))
    for offer in desk.in_hand:
        blocks += _in_hand(offer, answers)
    return blocks


def _in_hand(offer: OfferView, answers: Mapping[str, Answer]) -> list[Block]:
    request = offer.request
    deadline = f" · deadline {moment(request.deadline_at)}" if request.deadline_at else ""
    words = section(f"{person(request.requester_id)}: {_first_line(request.text)}")
    facts = small(
        f"{STATE_NAMES[request.state]} · {escape(category_name(request.category, answers), 80)}{deadline}"
    )
    return [words, facts]


def _overview(overview: Overview, answers: Mapping[str, Answer]) -> list[Block]:
    faults = overview.dead_inbox + overview.dead_outbox
    model = (
        f"model {overview.model_id}" if overview.model_id else f":warning: no model: {overview.model_fault}"
    )
    lines = [
        f"• {escape(model, 300)}",
        f"• {overview.agents_on} of {overview.agents} agents are on",
        f"• {overview.waiting} requests wait for somebody",
        f"• {faults} deliveries were given up"
        + (" :warning: `python -m bot doctor` says more" if faults else ""),
    ]
    return [
        HeaderBlock(text="Health"),
        section("\n".join(lines)),
        *stats_message(overview.stats, answers).blocks,
    ]


def _first_line(text: str) -> str:
    return escape(text.splitlines()[0] if text else NO_WORDS, 150)
