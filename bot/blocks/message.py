"""A message as delivery wants it, and the few pieces every card is made of."""

from dataclasses import dataclass

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    SectionBlock,
)
from slack_sdk.models.views import View

from bot.blocks.text import words_of
from bot.ids import ActionId


@dataclass(frozen=True, slots=True)
class Message:
    """``text`` is what notifications and screen readers get; ``blocks`` is what is drawn."""

    text: str
    blocks: tuple[Block, ...] = ()


def section(text: str) -> SectionBlock:
    """A paragraph of mrkdwn; escape people's words before."""
    return SectionBlock(text=words_of(text))


def small(text: str) -> ContextBlock:
    """A line of smaller print."""
    return ContextBlock(elements=[words_of(text)])


def buttons(*elements: ButtonElement) -> ActionsBlock:
    """A row of buttons."""
    return ActionsBlock(elements=list(elements))


def button(
    action: ActionId, label: str, value: str, *, suffix: str | int = "", style: str | None = None
) -> ButtonElement:
    """A button whose ``value`` holds ids only. ``suffix`` makes its action id unique in its block."""
    action_id = f"{action}:{suffix}" if suffix else str(action)
    return ButtonElement(text=label[:75], action_id=action_id, value=value, style=style)


def plain_message(text: str) -> Message:
    """One paragraph and nothing to press."""
    return Message(text, (section(text),))


def notice(text: str) -> View:
    """A modal that says one thing and asks nothing."""
    return View(type="modal", title="Firstline", close="Close", blocks=[section(text)])
