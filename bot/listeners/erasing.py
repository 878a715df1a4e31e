"""The administrator's "Forget this person", asked for by ``/firstline erase @person``; and a workspace that leaves."""

import re
from typing import Any

from slack_bolt import Ack, App, BoltContext

from bot.delivery import say
from bot.deps import Deps
from bot.errors import NotAllowed
from bot.ids import ActionId
from bot.listeners.clicks import UNREADABLE, answering, read_click, read_person
from bot.services.erasure import erase_person
from bot.services.permissions import require_admin
from bot.services.purge import erase_workspace


def register(bolt: App, deps: Deps) -> None:
    """Listen for the confirmation, and for the two events by which Slack says that the app was taken out."""

    @bolt.action(re.compile(rf"^{ActionId.ERASE}(:|$)"))
    def confirm(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        ack()
        click = read_click(body, context.get("claim"))
        with answering(deps, click) as session:
            require_admin(click.user_id, deps.settings)
            person = read_person(click.value)
            if person is None:
                raise NotAllowed(UNREADABLE)
            now, row_id = deps.clock(), click.claim.row_id if click.claim else None
            erased = erase_person(
                session, now, team_id=click.team_id, user_id=person, actor_id=click.user_id, row_id=row_id
            )
            say.erased(session, now, click.team_id, click.response_url, click.version, erased)

    @bolt.event("app_uninstalled")
    def uninstalled(body: dict[str, Any], context: BoltContext) -> None:
        _leave(deps, body, context)

    @bolt.event("tokens_revoked")
    def revoked(event: dict[str, Any], body: dict[str, Any], context: BoltContext) -> None:
        if (event.get("tokens") or {}).get("bot"):  # a person's token alone is nothing to us
            _leave(deps, body, context)


def _leave(deps: Deps, body: dict[str, Any], context: BoltContext) -> None:
    claim, team_id = context.get("claim"), context.team_id or body.get("team_id")
    if team_id:
        with deps.work(claim) as session:
            erase_workspace(session, deps.clock(), team_id=team_id, row_id=claim.row_id if claim else None)
