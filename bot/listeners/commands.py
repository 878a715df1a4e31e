"""``/firstline``: numbers for administrators, presence and work for agents, help for everybody."""

from datetime import datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient
from sqlalchemy.orm import Session

from bot.blocks.erasing import erase_card
from bot.blocks.help import help_message, presence_message, site_message
from bot.blocks.message import Message
from bot.blocks.stats import stats_message
from bot.blocks.text import plain
from bot.delivery import say
from bot.deps import Deps
from bot.errors import NotAllowed
from bot.ids import OPENING_WORDS, digest
from bot.listeners.agent_form import open_form
from bot.listeners.clicks import Click, answering, read_person
from bot.listeners.routing_commands import WHY, answer_why, next_request
from bot.services import agents
from bot.services.periods import Period
from bot.services.permissions import require_admin
from bot.services.sites import read_site, set_site
from bot.services.stats import Stats, gather

COMMAND = "/firstline"
WHOM_TO_ERASE = "Say who is to be forgotten: `/firstline erase @person`."
PERIODS = ("", *Period)  # 30 days when none is named


def register(bolt: App, deps: Deps) -> None:
    """Listen for the command."""

    @bolt.command(COMMAND)
    def take_command(ack: Ack, command: dict[str, Any], client: WebClient, context: BoltContext) -> None:
        ack()
        asked = read_command(command, context)
        if asked.action in OPENING_WORDS:
            open_form(deps, asked, client, command.get("trigger_id") or "")
            return
        if asked.action == WHY:
            answer_why(deps, asked)
            return
        numbers = read_numbers(deps, asked)
        with answering(deps, asked) as session:
            now = deps.clock()
            message = reply(deps, session, now, asked, numbers)
            say.answer(session, now, asked.team_id, asked.response_url, asked.version, message)


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


def read_numbers(deps: Deps, asked: Click) -> Stats | None:
    """What ``stats`` answers, for those who may see it. Beforehand, so that nobody who wants to write waits for it."""
    is_admin = asked.user_id in deps.settings.firstline_admins
    if asked.action != "stats" or asked.value not in PERIODS or not is_admin:
        return None
    period = Period(asked.value or Period.MONTH)
    with deps.db.reading() as session:
        return gather(session, deps.clock(), asked.team_id, period, deps.settings)


def reply(deps: Deps, session: Session, now: datetime, asked: Click, numbers: Stats | None) -> Message:
    """The answer; what nobody understands gets help. Raises NotAllowed."""
    match asked.action, asked.value:
        case "stats", value if value in PERIODS:
            require_admin(asked.user_id, deps.settings)
            assert numbers is not None
            return stats_message(numbers, deps.answers)
        case "erase", written:
            require_admin(asked.user_id, deps.settings)
            person = read_person(written)
            if person is None:
                raise NotAllowed(WHOM_TO_ERASE)
            return erase_card(person)
        case "site", "":
            return site_message(read_site(session, **asked.who(), settings=deps.settings))
        case "site", name:
            return site_message(
                set_site(session, now, **asked.who(), name=plain(name), settings=deps.settings)
            )
        case "next", "":
            return next_request(deps, session, now, asked)
        case ("on" | "away") as word, "":
            presence = agents.set_presence(
                session, now, **asked.who(), is_on=word == "on", settings=deps.settings
            )
            return presence_message(presence)
        case _:
            return help_message(asked.user_id in deps.settings.firstline_admins)
