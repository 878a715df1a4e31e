"""Which of Slack's events somebody here listens for; everything else is acknowledged, and nothing of it is kept.

https://docs.slack.dev/reference/events/message lists the subtypes of a message.
"""

from collections.abc import Mapping
from typing import Any

HEARD_EVENTS = ("message", "app_home_opened", "app_uninstalled", "tokens_revoked")
SAID_SUBTYPES = (
    None,
    "file_share",
    "thread_broadcast",
    "me_message",  # typed as "/me ..."
)  # of what a person says; others tell of edits and the like
SLACKBOT = "USLACKBOT"


def is_heard(event: Mapping[str, Any]) -> bool:
    """Whether a listener does anything about ``event``: of messages, only what a person writes to the bot directly."""
    if event.get("type") == "message":
        return event.get("channel_type") == "im" and is_by_person(event)
    return event.get("type") in HEARD_EVENTS and not event.get("bot_id")


def is_by_person(message: Mapping[str, Any]) -> bool:
    """Whether a person said it: no bot, no edit or deletion of something said earlier, and not Slack itself."""
    return (
        message.get("type") == "message"
        and message.get("subtype") in SAID_SUBTYPES
        and message.get("user") not in (None, "", SLACKBOT)
        and not message.get("bot_id")
    )
