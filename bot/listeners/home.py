"""App Home, published anew each time somebody opens it."""

from typing import Any

from slack_bolt import App, BoltContext

from bot.delivery import say
from bot.deps import Deps
from bot.ids import digest
from bot.services.home import read_home
from bot.storage.forgotten import drop_delivery, is_forgotten
from bot.storage.work import Claim


def register(bolt: App, deps: Deps) -> None:
    """Listen for people who open App Home."""

    @bolt.event("app_home_opened")
    def open_home(event: dict[str, Any], body: dict[str, Any], context: BoltContext) -> None:
        team_id = context.team_id or body.get("team_id")
        if event.get("tab") != "home" or not team_id:
            return
        place, at = event.get("channel") or "", event.get("event_ts") or ""
        claim = context.get("claim")
        with deps.db.reading() as session:
            is_late = is_forgotten(session, team_id, place, at)
        if is_late and claim is not None:
            with deps.work(claim) as session:
                drop_delivery(session, deps.clock(), claim.row_id)
        else:
            publish(deps, team_id, event["user"], str(body.get("event_id")), claim)


def publish(deps: Deps, team_id: str, user_id: str, reason: str, claim: Claim | None) -> None:
    """Show a person their App Home as it stands; ``reason`` names what it is published for, with the time."""
    now = deps.clock()
    with deps.db.reading() as session:  # beforehand, so that nobody who wants to write waits for it
        home = read_home(session, now, team_id, user_id, deps.settings, deps.decider)
    with deps.work(claim) as session:
        version = digest(reason, now.isoformat())
        say.home(session, now, team_id, home, version, deps.answers)
