"""Who is let in at all: people of the workspace that the bot's token belongs to, and never the bot itself.

Slack promises that a user id is unique together with its workspace's id, not by itself; and FIRSTLINE_ADMINS and
FIRSTLINE_AGENTS name people of the bot's own workspace. So an "administrator" of another workspace (a shared channel,
an app that several workspaces installed) is nobody here. Before any listener, for every kind of delivery.
"""

from collections.abc import Callable, Iterator
from typing import Any

from slack_bolt import App, BoltContext, BoltResponse

from bot.blocks.message import notice
from bot.delivery import say
from bot.deps import Deps
from bot.errors import OtherWorkspace
from bot.ids import ActionId, EventKind, digest
from bot.services.moves import record
from bot.storage.tables import ID_LENGTH

A_FORM = "a form"
NOT_YOURS = "This app serves another workspace. Please ask the IT team of your own."


def register(bolt: App, deps: Deps) -> None:
    """Stand before every listener."""

    @bolt.middleware
    def let_in(body: dict[str, Any], context: BoltContext, next_: Callable[[], BoltResponse]) -> BoltResponse:
        known = context.authorize_result
        if known is None or known.team_id is None:
            return next_()
        if context.user_id is not None and context.user_id == known.bot_user_id:
            return BoltResponse(status=200)
        strange = next((team for team in workspaces(body) if team != known.team_id), None)
        if strange is None:
            return next_()
        turn_away(deps, body, context, known.team_id, strange)
        return BoltResponse(status=200, body=_shown_instead() if _what(body) == A_FORM else "")


def workspaces(body: dict[str, Any]) -> Iterator[str]:
    """The ids of the workspaces that a delivery names as its own, or as its person's."""
    event, user, team = (_object(body.get(name)) for name in ("event", "user", "team"))
    named = (
        body.get("team_id"),
        team.get("id"),
        user.get("team_id"),
        event.get("team"),
        event.get("user_team"),
    )
    # "E..." is an organisation: on its grid, a person may be named by it.
    return (team_id for team_id in named if isinstance(team_id, str) and team_id.startswith("T"))


def turn_away(deps: Deps, body: dict[str, Any], context: BoltContext, home: str, strange: str) -> None:
    """Record it in the bot's own workspace, and tell whoever clicked or typed; a message is left unanswered.

    A form has no address to answer to: `_shown_instead` takes its place.
    """
    # Never as one of ours: an agent counts as seen by what they did.
    actor = f"{strange}/{context.user_id}"[:ID_LENGTH]
    data = {"action": _what(body), "error": OtherWorkspace.__name__}
    with deps.work(context.get("claim")) as session:
        now = deps.clock()
        record(session, now, home, EventKind.REFUSED, actor_id=actor, data=data)
        if isinstance(context.response_url, str):
            version = digest(str(body.get("trigger_id")), actor)
            say.refused(
                session,
                now,
                team_id=home,
                user_id=actor,
                response_url=context.response_url,
                version=version,
                words=NOT_YOURS,
            )


def _what(body: dict[str, Any]) -> str:
    """What they tried, in our own names: what stands in a delivery may be people's words."""
    actions = body.get("actions")
    if isinstance(actions, list) and actions:
        name = str(_object(actions[0]).get("action_id")).partition(":")[0]
        return name if name in set(ActionId) else "an unknown action"
    return "a command" if "command" in body else "an event" if "event" in body else A_FORM


def _shown_instead() -> dict[str, Any]:
    """The answer to a form that is turned away: with none, Slack would close it as if it had been taken."""
    return {"response_action": "update", "view": notice(NOT_YOURS).to_dict()}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
