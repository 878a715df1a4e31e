"""The agent's form, opened by ``/firstline me`` or from App Home. All of it runs at the edge, while Slack waits."""

import re
from collections.abc import Collection
from typing import Any

from slack_bolt import Ack, App, BoltContext
from slack_sdk import WebClient

from bot.blocks.agent_form import agent_form, categories_for
from bot.delivery.modals import NOT_OPENED, open_modal
from bot.deps import Deps
from bot.errors import NotAllowed
from bot.ids import ActionId, CallbackId
from bot.listeners.clicks import Click, Who, answering, read_click
from bot.listeners.forms import note_refusal, read_sender
from bot.listeners.home import publish
from bot.services.agent_profile import Entered, Field, FormRefused, check, read_profile, save_profile


def register(bolt: App, deps: Deps) -> None:
    """Listen for the button that opens the form, and for the form."""

    @bolt.action(re.compile(rf"^{ActionId.EDIT_ME}(:|$)"))
    def press(ack: Ack, body: dict[str, Any], client: WebClient, context: BoltContext) -> None:
        ack()
        open_form(deps, read_click(body, context.get("claim")), client, body.get("trigger_id") or "")

    @bolt.view(CallbackId.AGENT_FORM)
    def submit(ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        who = read_sender(body)
        try:
            take_form(deps, who, view["state"]["values"])
        except FormRefused as refusal:
            ack(response_action="errors", errors=refusal.faults)
            return
        ack()
        publish(deps, who["team_id"], who["user_id"], str(view["id"]), None)


def open_form(deps: Deps, asked: Click, client: WebClient, trigger_id: str) -> None:
    """Show an agent their form; others, and those Slack was too slow for, are told privately."""
    try:
        with deps.db.reading() as session:
            profile = read_profile(session, **asked.who(), settings=deps.settings)
        view = agent_form(profile, deps.settings.firstline_agent_capacity, deps.answers)
        refusal = None if open_modal(client, trigger_id, view) else NotAllowed(NOT_OPENED)
    except NotAllowed as error:
        refusal = error
    if refusal is not None:
        with answering(deps, asked):
            raise refusal


def take_form(deps: Deps, who: Who, values: dict[str, Any]) -> None:
    """Check and save what was filled in. Raises FormRefused."""
    try:
        with deps.db.reading() as session:
            kept = read_profile(session, **who, settings=deps.settings)
        profile = check(read_form(values, categories_for(kept, deps.answers)))
        with deps.work() as session:
            save_profile(session, deps.clock(), **who, profile=profile, settings=deps.settings)
    except NotAllowed as refusal:
        note_refusal(deps, who, CallbackId.AGENT_FORM, refusal)
        raise FormRefused({Field.CAPACITY: str(refusal)}) from None


def read_form(values: dict[str, Any], categories: Collection[str]) -> Entered:
    """The state of the form's inputs, as Slack sends it: block -> input -> what stands in it.

    Skills are read of ``categories`` alone: what else is handed in the form never asked for, or asks for no more.
    """
    states = {field: state for inputs in values.values() for field, state in inputs.items()}
    texts = {field: str(state.get("value") or "") for field, state in states.items()}
    skills = {
        category: str((states[field].get("selected_option") or {}).get("value"))
        for category in categories
        if (field := f"{Field.SKILL}:{category}") in states
    }
    spoken = states.get(Field.LANGUAGES, {}).get("selected_options") or []
    return Entered(
        capacity=texts.get(Field.CAPACITY, ""),
        skills=skills,
        languages=tuple(str(option["value"]) for option in spoken),
        sites=texts.get(Field.SITES, ""),
        zone=texts.get(Field.ZONE, ""),
        hours=texts.get(Field.HOURS, ""),
    )
