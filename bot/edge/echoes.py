"""What Slack sends back of what stood on the screen is not stored: cards hold other people's words.

A click carries the whole message it was made in, an opened App Home the view as we published it last, a reply its
thread's first message, a message what was shared in it. No listener of a stored delivery reads any of that. What opens or
submits a modal is worked at the edge, with everything in it, and never stored.
"""

from dataclasses import replace
from typing import Any

from bot.storage.inbox import Delivery

ECHOED = frozenset({"message", "view", "state"})  # of a click
ECHOED_IN_EVENTS = frozenset({"view", "root", "attachments", "blocks"})  # the text says what the blocks do


def without_echoes(delivery: Delivery) -> Delivery:
    """The delivery as it is stored: ids, places, times, and what its own person wrote."""
    body = _without(delivery.body, ECHOED)
    if isinstance(body.get("event"), dict):
        body["event"] = _without(body["event"], ECHOED_IN_EVENTS)
    return replace(delivery, body=body)


def _without(parts: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if name not in names}
