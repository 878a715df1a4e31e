"""``/firstline``: stats for administrators, presence for agents, help for everybody."""

from typing import Any

from slack_bolt import Ack, App, BoltContext
from sqlalchemy.orm import Session

from bot.blocks.help import help_message, presence_message
from bot.blocks.message import Message
from bot.blocks.stats import stats_message
from bot.delivery import say
from bot.deps import Deps
from bot.ids import digest
from bot.listeners.clicks import Click, answering
from bot.services import agents, stats
from bot.services.periods import Period
from bot.services.permissions import require_admin

COMMAND = "/firstline"


def register(bolt: App, deps: Deps) -> None:
    """Listen for the command."""

    @bolt.command(COMMAND)
    def take_command(ack: Ack, command: dict[str, Any], context: BoltContext) -> None:
        ack()
        asked = read_command(command, context)
        with answering(deps, asked) as session:
            say.answer(
                session,
                deps.clock(),
                asked.team_id,
                asked.response_url,
                asked.version,
                reply(deps, session, asked),
            )


def read_command(command: dict[str, Any], context: BoltContext) -> Click:
    """A command as a click: its first word is the action, the rest its value."""
    word, _, rest = (command.get("text") or "").strip().lower().partition(" ")
    return Click(
        team_id=command["team_id"],
        user_id=command["user_id"],
        action=word,
        suffix="",
        value=rest.strip(),
        response_url=command.get("response_url"),
        version=digest(command.get("trigger_id") or "", command["user_id"], word, rest),
        claim=context.get("claim"),
    )


def reply(deps: Deps, session: Session, asked: Click) -> Message:
    """The answer; what nobody understands gets help. Raises NotAllowed."""
    now = deps.clock()
    match asked.action, asked.value:
        case "stats", value if value in ("", *Period):
            require_admin(asked.user_id, deps.settings)
            period = Period(value or Period.MONTH)
            return stats_message(
                stats.gather(session, now, asked.team_id, period, deps.settings), deps.answers
            )
        case ("on" | "away") as word, "":
            presence = agents.set_presence(
                session,
                now,
                team_id=asked.team_id,
                user_id=asked.user_id,
                is_on=word == "on",
                settings=deps.settings,
            )
            return presence_message(presence)
        case _:
            return help_message(asked.user_id in deps.settings.firstline_admins)
