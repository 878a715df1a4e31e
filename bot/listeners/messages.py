"""Direct messages. Everything else that Slack calls a message (bots, edits, deletions, channels) is left alone."""

import logging
from typing import Any

from slack_bolt import App, BoltContext

from bot.blocks.text import plain
from bot.delivery import say
from bot.deps import Deps
from bot.heard import is_heard
from bot.services import requests
from bot.services.answering import Basis
from bot.services.incoming import Incoming, Taken
from bot.storage.forgotten import drop_delivery

log = logging.getLogger(__name__)

WAIT_ATTEMPTS = (
    3  # so often a reply waits for its parent, a few seconds in all; then it opens a request itself
)


def register(bolt: App, deps: Deps) -> None:
    """Listen for messages."""

    @bolt.event("message")
    def take_message(event: dict[str, Any], context: BoltContext) -> None:
        incoming = read_message(event, context.team_id)
        if incoming is None:
            return
        basis = Basis(deps.decider.decide(incoming.text), deps.answers, deps.settings)
        claim = context.get("claim")
        with deps.work(claim) as session:
            now = deps.clock()
            wait = claim is not None and may_wait(claim.attempts, deps.settings.firstline_max_attempts)
            outcome = requests.take(session, now, incoming, basis, wait_for_parent=wait)
            if outcome.taken is Taken.FORGOTTEN and claim is not None:
                log.info("written before its author was forgotten: dropped")
                drop_delivery(session, now, claim.row_id)
            say.taken(session, now, outcome)


def may_wait(attempts: int, max_attempts: int) -> bool:
    """Whether a reply may still wait for its parent: the last attempt of all takes it, so that no message is lost."""
    return attempts <= min(WAIT_ATTEMPTS, max_attempts - 1)


def read_message(event: dict[str, Any], team_id: str | None) -> Incoming | None:
    """The message, if a person wrote it to the bot directly; else None."""
    team_id = team_id or event.get("team")
    if not is_heard(event) or not team_id:
        return None
    return Incoming(
        team_id=team_id,
        user_id=event["user"],
        channel_id=event["channel"],
        ts=event["ts"],
        text=plain(event.get("text") or ""),
        thread_ts=event.get("thread_ts"),
        parent_user_id=event.get("parent_user_id"),
        attachments=tuple(str(file.get("name") or "file") for file in event.get("files") or ()),
    )
