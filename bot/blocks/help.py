"""Short answers to ``/firstline``."""

from bot.blocks.message import Message, plain_message
from bot.blocks.text import escape
from bot.services.agents import Presence
from bot.services.sites import Site

MOST_SITES_SHOWN = 30

FOR_ALL = (
    "Write me a direct message to open a request; a reply in its thread belongs to it.\n"
    "• `/firstline site Utrecht`: where you sit, so that who looks after it is asked first; `site none` forgets it\n"
    "• `/firstline on` and `/firstline away`: agents say whether requests are offered to them\n"
    "• `/firstline next`: agents are given the waiting request that fits them best, on or away\n"
    "• `/firstline why`: agents read why they were offered their latest requests\n"
    "• `/firstline me`: agents say what they can do, how much at a time, and when they work\n"
    "• `/firstline help`: this"
)
FOR_ADMINS = (
    "\n• `/firstline stats`, `/firstline stats 7d` or `all`: the numbers (30 days without a period)"
    "\n• `/firstline why 17`, `why @person`, `why 17 @person`: why a request (number or link) went where it did, and not to them"
    "\n• `/firstline erase @person`: forget a person's words, after you have confirmed it"
)


def help_message(is_admin: bool) -> Message:
    """What can be typed; administrators see what only they may."""
    return plain_message(FOR_ALL + (FOR_ADMINS if is_admin else ""))


def presence_message(presence: Presence) -> Message:
    """After ``on`` or ``away``."""
    already = "" if presence.changed else "already "
    if presence.is_on and not presence.is_in_hours:
        return plain_message(
            f"You are {already}on, but it is outside of your hours: nothing is offered to you. "
            "`/firstline me` changes them."
        )
    if presence.is_on:
        return plain_message(f"You are {already}on: requests are offered to you.")
    return plain_message(f"You are {already}away: nothing new is offered to you. What you have stays yours.")


def site_message(site: Site) -> Message:
    """After ``site``: what is known, and what can be said."""
    said = "You have not said where you sit."
    if site.name is not None:
        said = f"Your site is *{escape(site.name, 200)}*: who looks after it is asked first."
        if site.name not in site.looked_after:
            said = f"Your site is *{escape(site.name, 200)}*, but no agent has said that they look after it."
    known = ", ".join(escape(name, 200) for name in site.looked_after[:MOST_SITES_SHOWN])
    return plain_message(f"{said} Sites that agents look after: {known or 'none so far'}.")
