"""The question how the help was, in the request's thread: three faces, then thanks, and a form for a comment."""

from slack_sdk.models.blocks import Block, ButtonElement, InputBlock, PlainTextInputElement
from slack_sdk.models.views import View

from bot.blocks.message import Message, button, buttons, section, small
from bot.ids import ActionId, CallbackId
from bot.services.satisfaction import LONGEST_COMMENT, Rated
from bot.services.views import RequestView
from bot.storage.tables import Satisfaction

QUESTION = "How was the help with this request?"
FACES = {
    Satisfaction.GOOD: "🙂 Good",
    Satisfaction.SO_SO: "😐 So so",
    Satisfaction.BAD: "🙁 Bad",
}
COMMENT = "comment"  # the form's only input and its block
WHO_READS = "Administrators of this app can read it. Whoever helped you is not shown it."


def question_card(request: RequestView) -> Message:
    """Asked once, after an agent has resolved the request."""
    faces = buttons(*(_face(request, answer) for answer in FACES))
    return Message(QUESTION, (section(QUESTION), faces, small("One click is enough.")))


def thanks_card(rated: Rated) -> Message:
    """What was chosen, and the way to change it or to say more."""
    request = rated.request
    text = f"{QUESTION} You said: *{FACES[rated.answer]}*. Thank you!"
    blocks: list[Block] = [section(text)]
    if rated.answer is Satisfaction.BAD and rated.may_reopen:
        blocks.append(small("Not solved? Reply in this thread, and it goes to a person again."))
    others = (_face(request, answer) for answer in FACES if answer is not rated.answer)
    label = "Change my comment" if rated.has_comment else "Add a comment"
    blocks.append(buttons(*others, button(ActionId.COMMENT, label, str(request.id))))
    return Message(text, tuple(blocks))


def comment_form(request_id: int, written: str) -> View:
    """The modal, with what was written before."""
    element = PlainTextInputElement(
        action_id=COMMENT, multiline=True, max_length=LONGEST_COMMENT, initial_value=written or None
    )
    hint = f"{WHO_READS} Empty: no comment."
    return View(
        type="modal",
        callback_id=CallbackId.COMMENT_FORM,
        private_metadata=str(request_id),
        title="Your comment",
        submit="Save",
        close="Cancel",
        blocks=[
            InputBlock(
                block_id=COMMENT, label="What went well or badly?", element=element, hint=hint, optional=True
            )
        ],
    )


def _face(request: RequestView, answer: Satisfaction) -> ButtonElement:
    return button(ActionId.RATE, FACES[answer], str(request.id), suffix=answer)
