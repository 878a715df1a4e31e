"""A comment on the help: the button that opens its form, and the form. Both run at the edge, while Slack waits."""

import re
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient

from bot.blocks.satisfaction import COMMENT, comment_form
from bot.blocks.text import plain
from bot.delivery import say
from bot.delivery.modals import NOT_OPENED, open_modal
from bot.deps import Deps
from bot.errors import NotAllowed, RefusedMove
from bot.ids import ActionId, CallbackId
from bot.listeners.clicks import IDS, UNREADABLE, Click, Who, answering, read_click
from bot.listeners.forms import note_refusal, read_sender
from bot.services import satisfaction


def register(bolt: App, deps: Deps) -> None:
    """Listen for the button that opens the form, and for the form."""

    @bolt.action(re.compile(rf"^{ActionId.COMMENT}(:|$)"))
    def press(ack: Ack, body: dict[str, Any], client: WebClient, context: BoltContext) -> None:
        ack()
        open_form(deps, read_click(body, context.get("claim")), client, body.get("trigger_id") or "")

    @bolt.view(CallbackId.COMMENT_FORM)
    def submit(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        fault = take_form(deps, read_sender(body), view)
        if fault is None:
            ack()
        else:
            ack(response_action="errors", errors={COMMENT: fault})


def open_form(deps: Deps, asked: Click, client: WebClient, trigger_id: str) -> None:
    """Show the requester the form; others, and those Slack was too slow for, are told privately."""
    refusal: NotAllowed | RefusedMove | None = None
    try:
        request_id = asked.id()
        with deps.db.reading() as session:
            written = satisfaction.read_comment(
                session, deps.clock(), **asked.who(), request_id=request_id, settings=deps.settings
            )
        if not open_modal(client, trigger_id, comment_form(request_id, written)):
            refusal = NotAllowed(NOT_OPENED)
    except (NotAllowed, RefusedMove) as error:
        refusal = error
    if refusal is not None:
        with answering(deps, asked):
            raise refusal


def take_form(deps: Deps, who: Who, view: dict[str, Any]) -> str | None:
    """Keep what was written; what is refused is recorded, and told in the form: the sentence, else None."""
    try:
        request_id = _request_id(view)
        with deps.work() as session:
            now = deps.clock()
            words = _written(view)
            rated = satisfaction.comment(
                session, now, **who, request_id=request_id, words=words, settings=deps.settings
            )
            say.rated(session, now, rated)
    except (NotAllowed, RefusedMove) as refusal:
        note_refusal(deps, who, CallbackId.COMMENT_FORM, refusal)
        return str(refusal)
    return None


def _request_id(view: dict[str, Any]) -> int:
    """The form's own request; NotAllowed for a form that is not one of ours."""
    written = view.get("private_metadata")
    if not isinstance(written, str) or not IDS.fullmatch(written) or ":" in written:
        raise NotAllowed(UNREADABLE)
    return int(written)


def _written(view: dict[str, Any]) -> str:
    """What stands in the form's input."""
    inputs = view["state"]["values"].get(COMMENT) or {}
    return plain(str((inputs.get(COMMENT) or {}).get("value") or ""))
