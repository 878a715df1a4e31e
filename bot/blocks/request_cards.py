"""The requester's card: one for each request, in its thread, changed as the request goes on."""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, ButtonElement

from bot.blocks.message import Message, button, buttons, plain_message, section, small
from bot.blocks.text import SECTION_LIMIT, duration, escape, moment, person
from bot.ids import ActionId
from bot.services.views import RequestView, Shown
from bot.storage.tables import FeedbackKind

TITLE_LIMIT = 300  # characters
REASON_LABELS = {
    FeedbackKind.NOT_WHAT_I_ASKED: "Not what I asked",
    FeedbackKind.DID_NOT_WORK: "It did not work",
}


def question_card() -> Message:
    """After a greeting."""
    return plain_message(
        "Hello! What can I help you with? Tell me in one message, and I will look for an answer."
    )


def suggestion_card(request: RequestView, shown: Sequence[Shown]) -> Message:
    """One or two suggestions, each with its own closing button, and a person always one click away."""
    several = len(shown) > 1
    lead = "One of these may help:" if several else "This may help:"
    blocks: list[Block] = [section(lead)]
    for suggestion in shown:
        blocks += _suggestion(request, suggestion)
    label = "None of these - ask a person" if several else "Ask a person"
    blocks.append(buttons(button(ActionId.ASK_PERSON, label, str(request.id))))
    titles = " / ".join(escape(suggestion.answer.title, TITLE_LIMIT) for suggestion in shown)
    return Message(f"{lead} {titles}", tuple(blocks))


def closed_card(request: RequestView, title: str, *, for_good: bool = False) -> Message:
    """After "Yes, close my request". Closed ``for_good``, when the reopen window has passed, there is nothing to undo."""
    text = f":white_check_mark: Closed with *{escape(title, TITLE_LIMIT)}*. Glad it helped."
    if for_good:
        return plain_message(text)
    undo = button(ActionId.UNDO, "Undo", str(request.id))
    return Message(
        text, (section(text), buttons(undo), small("Undo, or a reply in this thread, brings it to a person."))
    )


def waiting_card(
    request: RequestView, why: str = "", *, ask_reason: bool = False, thanks: bool = False
) -> Message:
    """A person will come. ``why`` completes "because ..."; ``ask_reason`` shows two buttons that block nothing."""
    text = "A person will look at this" + (f", because {escape(why, 500)}." if why else ".")
    blocks: list[Block] = [section(f":bust_in_silhouette: {text}")]
    if request.deadline_at is not None:
        blocks.append(small(f"You will hear from somebody by {moment(request.deadline_at)}."))
    if ask_reason:
        blocks.append(small("If you like, tell us why the suggestion was no help:"))
        blocks.append(buttons(*(_reason(request, kind) for kind in REASON_LABELS)))
    if thanks:
        blocks.append(small("Thank you: that helps us to suggest better."))
    blocks.append(buttons(button(ActionId.WITHDRAW, "I no longer need help", str(request.id))))
    return Message(text, tuple(blocks))


def in_progress_card(request: RequestView) -> Message:
    """An agent has accepted."""
    text = taken_text(request)
    withdraw = button(ActionId.WITHDRAW, "I no longer need help", str(request.id))
    return Message(text, (section(f":raising_hand: {text}"), buttons(withdraw)))


def taken_text(request: RequestView) -> str:
    """Who has taken the request, and by when they will be in touch."""
    by_when = f" and will be in touch by {moment(request.deadline_at)}" if request.deadline_at else ""
    return f"{person(request.agent_id or '')} has taken your request{by_when}."


def resolved_card(request: RequestView, reopen_window_s: float | None) -> Message:
    """An agent has resolved it. Without a window (seconds), as that has passed, it says nothing of coming back."""
    text = resolved_text(request)
    if reopen_window_s is None:
        return plain_message(f":white_check_mark: {text}")
    hint = (
        f"Not solved? Reply in this thread within {duration(reopen_window_s)}, and it goes to a person again."
    )
    return Message(text, (section(f":white_check_mark: {text}"), small(hint)))


def resolved_text(request: RequestView) -> str:
    """Who has resolved it."""
    return f"{person(request.agent_id or '')} has marked your request as resolved."


def withdrawn_card() -> Message:
    """The requester no longer needs help."""
    return plain_message(
        "You have withdrawn this request. Should you need help again, write me a new message."
    )


def _suggestion(request: RequestView, suggestion: Shown) -> list[Block]:
    answer = suggestion.answer
    room = SECTION_LIMIT // max(1, len(answer.steps)) - len("99. \n")
    steps = "\n".join(f"{number}. {escape(step, room)}" for number, step in enumerate(answer.steps, start=1))
    title = f"*{escape(answer.title, TITLE_LIMIT)}*"
    value = f"{request.id}:{suggestion.suggestion_id}"
    elements: list[ButtonElement] = [
        button(ActionId.CLOSE, suggestion.close_label, value, suffix=suggestion.position, style="primary")
    ]
    if answer.link and len(answer.link) <= ButtonElement.url_max_length:
        elements.append(
            ButtonElement(
                text="Open the guide",
                action_id=f"{ActionId.OPEN_LINK}:{suggestion.position}",
                value=value,
                url=answer.link,
            )
        )
    return [section(title), section(steps), buttons(*elements)]


def _reason(request: RequestView, kind: FeedbackKind) -> ButtonElement:
    return button(ActionId.ESCALATION_REASON, REASON_LABELS[kind], str(request.id), suffix=kind)
