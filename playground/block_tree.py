"""Finding one's way in blocks: filling in ids, finding an element, reading what stands in the inputs."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from playground.element_limits import options_of
from playground.errors import bad_request, not_found
from playground.model import JsonObject, Values

_CHOOSE_ONE = {"static_select", "radio_buttons", "overflow", "external_select"}
_CHOOSE_MANY = {"multi_static_select", "checkboxes", "multi_external_select"}
_FIELD_OF = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
}
_INITIAL_OF = {
    "selected_user": "initial_user",
    "selected_conversation": "initial_conversation",
    "selected_channel": "initial_channel",
    "selected_users": "initial_users",
    "selected_conversations": "initial_conversations",
    "selected_channels": "initial_channels",
    "selected_date": "initial_date",
    "selected_time": "initial_time",
    "selected_date_time": "initial_date_time",
    "value": "initial_value",
}
NewId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Placed:
    """An element that can be used, and the block it stands in."""

    block: JsonObject
    element: JsonObject

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])


def with_ids(blocks: list[JsonObject], new_id: NewId) -> list[JsonObject]:
    """A copy in which every block has a block_id and every element an action_id, as Slack fills them in."""
    filled = copy.deepcopy(blocks)
    for block in filled:
        block.setdefault("block_id", new_id())
        for element in _elements(block):
            element.setdefault("action_id", new_id())
    return filled


def placed(blocks: list[JsonObject] | None) -> Iterator[Placed]:
    """Every usable element, in order."""
    for block in blocks or []:
        for element in _elements(block):
            yield Placed(block, element)


def _elements(block: JsonObject) -> Iterator[JsonObject]:
    candidates: list[Any] = []
    if block["type"] == "section":
        candidates = [block.get("accessory")]
    elif block["type"] == "actions":
        candidates = block["elements"]
    elif block["type"] == "input":
        candidates = [block["element"]]
    for element in candidates:
        if isinstance(element, dict) and element.get("type") != "image":
            yield element


def images(node: Any) -> Iterator[JsonObject]:
    """Every image in blocks, as block, accessory or context element."""
    if isinstance(node, list):
        for item in node:
            yield from images(item)
    elif isinstance(node, dict):
        if node.get("type") == "image":
            yield node
        for value in node.values():
            yield from images(value)


def image_file(image: JsonObject) -> str | None:
    """The id of the uploaded file that an image shows, if it shows one."""
    source = image.get("slack_file")
    file_id = source.get("id") if isinstance(source, dict) else None
    return file_id if isinstance(file_id, str) else None


def find_element(blocks: list[JsonObject] | None, action_id: str, block_id: str | None) -> Placed:
    """The element a person means. Raises ControlError when there is none, or when several could be meant."""
    found = [
        spot for spot in placed(blocks) if spot.action_id == action_id and block_id in (None, spot.block_id)
    ]
    if not found:
        raise not_found(f"no element with action_id {action_id!r} is shown there")
    if len(found) > 1:
        raise bad_request(f"several elements have action_id {action_id!r}: name the block_id")
    return found[0]


def state_of(element: JsonObject, value: Any) -> JsonObject:
    """Slack's state object for an element holding ``value`` (see API.md for what a value is). Raises ControlError for an impossible one."""
    kind = element["type"]
    if isinstance(value, str) and not value:
        value = None
    if kind in _CHOOSE_ONE:
        return {"type": kind, "selected_option": None if value is None else _option(element, value)}
    if kind in _CHOOSE_MANY:
        return {"type": kind, "selected_options": [_option(element, item) for item in value or []]}
    name = _FIELD_OF.get(kind)
    if name is None:
        return {"type": kind}
    if name.endswith("s") and not isinstance(value or [], list):
        raise bad_request(f"{kind} takes a list")
    if name == "value" and value is not None:
        value = str(value)
    return {"type": kind, name: (value or []) if name.endswith("s") else value}


def _option(element: JsonObject, value: Any) -> JsonObject:
    for option in options_of(element):
        if option.get("value") == value:
            return option
    raise bad_request(f"{value!r} is not one of the options")


def has_state(element: JsonObject) -> bool:
    """Whether something can stand in it (a button holds nothing)."""
    return element["type"] not in ("button", "overflow", "workflow_button")


def initial_state(element: JsonObject) -> JsonObject:
    """What stands in an element before anybody touched it."""
    kind = element["type"]
    if kind in _CHOOSE_ONE:
        return {"type": kind, "selected_option": element.get("initial_option")}
    if kind in _CHOOSE_MANY:
        return {"type": kind, "selected_options": element.get("initial_options", [])}
    name = _FIELD_OF.get(kind)
    if name is None:
        return {"type": kind}
    return {"type": kind, name: element.get(_INITIAL_OF[name], [] if name.endswith("s") else None)}


def settled(blocks: list[JsonObject] | None, values: Values) -> dict[str, dict[str, JsonObject]]:
    """``state.values`` for blocks: what was entered where block_id and action_id still fit, else the initial values."""
    result: dict[str, dict[str, JsonObject]] = {}
    for spot in placed(blocks):
        if not has_state(spot.element):
            continue
        held = values.get(spot.block_id, {}).get(spot.action_id)
        fits = held is not None and held["type"] == spot.element["type"]
        result.setdefault(spot.block_id, {})[spot.action_id] = (
            held if held is not None and fits else initial_state(spot.element)
        )
    return result
