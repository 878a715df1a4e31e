"""App Home, published anew each time somebody opens it."""

from typing import Any

from slack_bolt import App, BoltContext

from bot.delivery import say
from bot.deps import Deps
from bot.ids import digest
from bot.services.home import read_home


def register(bolt: App, deps: Deps) -> None:
    """Listen for people who open App Home."""

    @bolt.event("app_home_opened")
    def open_home(event: dict[str, Any], body: dict[str, Any], context: BoltContext) -> None:
        team_id = context.team_id or body.get("team_id")
        if event.get("tab") != "home" or not team_id:
            return
        now = deps.clock()
        with deps.db.reading() as session:  # beforehand, so that nobody who wants to write waits for it
            home = read_home(session, now, team_id, event["user"], deps.settings, deps.decider)
        with deps.work(context.get("claim")) as session:
            version = digest(str(body.get("event_id")), now.isoformat())
            say.home(session, now, team_id, home, version, deps.answers)
