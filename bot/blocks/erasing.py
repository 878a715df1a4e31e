"""What an administrator sees when they ask to have a person forgotten."""

from slack_sdk.models.blocks import ConfirmObject

from bot.blocks.message import Message, button, buttons, plain_message, section
from bot.blocks.text import person
from bot.ids import ActionId
from bot.services.erasure import Erased

WHAT = (
    "Their words are deleted from Firstline's database, their open requests are withdrawn, and numbers are kept without "
    "them. What stands in Slack itself stays there. This cannot be undone."
)


def erase_card(user_id: str) -> Message:
    """Asks once more; the button asks yet again."""
    text = f"Forget {person(user_id)}?"
    element = button(ActionId.ERASE, "Forget this person", user_id, style="danger")
    element.confirm = ConfirmObject(
        title="Are you sure?", text="This cannot be undone.", confirm="Forget", deny="Cancel", style="danger"
    )
    return Message(text, (section(f"*{text}* {WHAT}"), buttons(element)))


def erased_message(erased: Erased) -> Message:
    """Says what was done, without naming anybody."""
    return plain_message(
        f"Forgotten: {erased.requests} requests without their words now, {erased.messages} messages and "
        f"{erased.deliveries} stored deliveries deleted."
    )
