"""What a delivery must look like for its listener, and Bolt before it, to read it: a table for each kind.

A table names only what is read; whatever else Slack sends, now or later, is left alone. Lengths are those of the columns
that hold the value: PostgreSQL refuses a longer one.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import BoltRequest

from bot.edge.parsing import Malformed
from bot.storage.tables import ID_LENGTH

Rule = Callable[[Any], bool]
Shape = Mapping[str, Rule]  # a place, its steps divided by dots -> what must stand there; nothing is None

_MOMENT = re.compile(r"[0-9]{1,15}\.[0-9]{1,12}")


def is_object(value: Any) -> bool:
    """A JSON object."""
    return isinstance(value, dict)


def is_text(value: Any) -> bool:
    """A string, of any length."""
    return isinstance(value, str)


def is_nothing(value: Any) -> bool:
    """Not there: with it, Bolt would take the delivery for two things at once."""
    return value is None


def is_id(value: Any) -> bool:
    """The id of a person, a channel or a workspace. Slack promises no more of ids than that they are strings."""
    return isinstance(value, str) and 0 < len(value) <= ID_LENGTH


def is_moment(value: Any) -> bool:
    """A message's ``ts``."""
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def is_web_address(value: Any) -> bool:
    """Where an answer can be posted to."""
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def maybe(rule: Rule) -> Rule:
    """Nothing, or as ``rule`` says."""
    return lambda value: value is None or rule(value)


def each(rule: Rule) -> Rule:
    """A list of such."""
    return lambda value: isinstance(value, list) and all(map(rule, value))


def with_parts(shape: Shape) -> Rule:
    """An object with these parts."""
    return lambda value: is_object(value) and all(rule(_at(value, place)) for place, rule in shape.items())


def by_name(rule: Rule) -> Rule:
    """An object whose values, whatever they are called, are such."""
    return lambda value: isinstance(value, dict) and all(map(rule, value.values()))


EVENTS: Mapping[str, Shape] = {
    "message": {
        "event.user": is_id,
        "event.channel": is_id,
        "event.team": maybe(is_id),
        "event.ts": is_moment,
        "event.text": maybe(is_text),
        "event.thread_ts": maybe(is_moment),
        "event.parent_user_id": maybe(is_id),
        "event.files": maybe(each(is_object)),
        "command": is_nothing,
    },
    "app_home_opened": {"event.user": is_id, "command": is_nothing},
    "app_uninstalled": {"event.user": maybe(is_id), "command": is_nothing},
    "tokens_revoked": {
        "event.user": maybe(is_id),
        "event.tokens": maybe(is_object),
        "command": is_nothing,
    },
}
COMMAND: Shape = {
    "team_id": is_id,
    "user_id": is_id,
    "text": maybe(is_text),
    "trigger_id": maybe(is_text),
    "response_url": maybe(is_web_address),
    "type": is_nothing,
}
_INTERACTION: Shape = {
    "user.id": is_id,
    "user.team_id": maybe(is_id),
    "team": maybe(is_object),
    "team.id": maybe(is_id),
    "trigger_id": maybe(is_text),
    "response_url": maybe(is_web_address),
    "command": is_nothing,
}
_BUTTON: Shape = {"action_id": is_text, "value": maybe(is_text), "action_ts": maybe(is_text)}
CLICK: Shape = {
    **_INTERACTION,
    "actions": lambda value: bool(value) and each(with_parts(_BUTTON))(value),
}
_OPTION: Shape = {"value": is_text}
_INPUT: Shape = {
    "value": maybe(is_text),
    "selected_option": maybe(with_parts(_OPTION)),
    "selected_options": maybe(each(with_parts(_OPTION))),
}
SUBMISSION: Shape = {
    **_INTERACTION,
    "view.id": is_text,
    "view.type": is_text,
    "view.callback_id": is_text,
    "view.state.values": by_name(by_name(with_parts(_INPUT))),
}


def require(body: Mapping[str, Any], shape: Shape) -> None:
    """Raise Malformed, naming the place, unless ``body`` has that shape and Bolt finds its way through it."""
    for place, rule in shape.items():
        if not rule(_at(body, place)):
            raise Malformed(f"{place} is missing or odd")
    try:
        found = BoltRequest(mode="socket_mode", body=dict(body)).context
    except (TypeError, AttributeError, KeyError, IndexError):
        raise Malformed("its ids are in odd places") from None
    if not all(
        maybe(is_id)(found.get(name)) for name in ("team_id", "enterprise_id", "user_id", "channel_id")
    ):
        raise Malformed("an id is odd or too long")


def _at(node: Any, place: str) -> Any:
    """What stands at ``place``; None where nothing does."""
    for step in place.split("."):
        node = node.get(step) if isinstance(node, dict) else None
    return node
