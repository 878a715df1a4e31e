"""Block Kit as Slack accepts it: which blocks, with which fields, how many and how long.

The figures are those of Slack's reference of blocks and views.
"""

from collections.abc import Callable
from typing import Any

from playground.element_limits import (
    ACTION_ELEMENTS,
    INPUT_ELEMENTS,
    SECTION_ACCESSORIES,
    check_element,
    check_image,
)
from playground.inspection import Inspection
from playground.model import JsonObject, ViewKind
from playground.rich_text_limits import check_rich_text, check_table

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_BLOCK_CHARS = 13_200
"""Slack refuses messages whose blocks hold more in total (msg_blocks_too_long); undocumented, measured by others to lie near this."""
VIEW_BYTES = 250_000

_IN_MESSAGES_ONLY = frozenset({"markdown", "table"})


def check_message_blocks(blocks: Any) -> list[str]:
    """The problems of a message's blocks, empty when Slack would take them."""
    inspection = Inspection()
    if not inspection.depth(blocks, "/blocks"):
        return inspection.problems
    for block, where in inspection.items({"blocks": blocks}, "blocks", "", limit=MESSAGE_BLOCKS, at_least=0):
        _check_block(inspection, block, where, in_message=True)
    return inspection.problems


def check_view(view: Any) -> list[str]:
    """The problems of a modal or App Home, empty when Slack would take it."""
    inspection = Inspection()
    if not isinstance(view, dict):
        inspection.report("must provide an object", "/view")
    if inspection.problems or not inspection.depth(view, "/view"):
        return inspection.problems
    kind = view.get("type")
    if kind not in tuple(ViewKind):
        inspection.report(
            "missing required field: type" if kind is None else f"unsupported type: {kind}", "/view"
        )
        return inspection.problems
    if kind == ViewKind.MODAL:
        _check_modal(inspection, view)
    inspection.string(
        {"private_metadata": view.get("private_metadata") or None}, "private_metadata", "/view", limit=3000
    )
    inspection.string({"callback_id": view.get("callback_id") or None}, "callback_id", "/view", limit=255)
    inspection.string({"external_id": view.get("external_id") or None}, "external_id", "/view", limit=255)
    for block, where in inspection.items(
        view, "blocks", "/view", limit=VIEW_BLOCKS, at_least=0, required=True
    ):
        _check_block(inspection, block, where, in_message=False)
    return inspection.problems


def _check_modal(inspection: Inspection, view: JsonObject) -> None:
    inspection.text(view, "title", "/view", limit=24, required=True)
    inspection.text(view, "submit", "/view", limit=24)
    inspection.text(view, "close", "/view", limit=24)
    blocks = view.get("blocks") if isinstance(view.get("blocks"), list) else []
    if "submit" not in view and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks or []
    ):
        inspection.report("missing required field: submit (the view has input blocks)", "/view")


def block_chars(node: Any) -> int:
    """How many characters of text a tree of blocks holds."""
    if isinstance(node, list):
        return sum(map(block_chars, node))
    if isinstance(node, dict):
        own = len(node["text"]) if isinstance(node.get("text"), str) else 0
        return own + sum(block_chars(value) for value in node.values() if isinstance(value, dict | list))
    return 0


def _check_block(inspection: Inspection, block: Any, pointer: str, *, in_message: bool) -> None:
    if not isinstance(block, dict):
        inspection.report("must provide an object", pointer)
        return
    kind = block.get("type")
    if kind is None:
        inspection.report("missing required field: type", pointer)
        return
    if not isinstance(kind, str) or kind not in _CHECKS or (kind in _IN_MESSAGES_ONLY and not in_message):
        inspection.report(f"unsupported type: {kind}", f"{pointer}/type")
        return
    block_id = inspection.string(block, "block_id", pointer, limit=255)
    if block_id is not None and block_id in inspection.block_ids:
        inspection.report(f"block_id `{block_id}` already exists", f"{pointer}/block_id")
    inspection.block_ids.add(block_id or "")
    _CHECKS[kind](inspection, block, pointer)


def _section(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    if block.get("text") is None and not block.get("fields"):
        inspection.report("missing required field: text", pointer)
    inspection.text(block, "text", pointer, limit=3000, plain=False)
    for item, where in inspection.items(block, "fields", pointer, limit=10):
        inspection.text_object(item, where, limit=2000)
    if "accessory" in block:
        check_element(inspection, block["accessory"], f"{pointer}/accessory", SECTION_ACCESSORIES)


def _header(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    inspection.text(block, "text", pointer, limit=150, required=True)


def _context(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    for item, where in inspection.items(block, "elements", pointer, limit=10, required=True):
        if isinstance(item, dict) and item.get("type") == "image":
            check_image(inspection, item, where)
        else:
            inspection.text_object(item, where, limit=3000)


def _actions(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    seen: set[str] = set()
    for item, where in inspection.items(block, "elements", pointer, limit=25, required=True):
        check_element(inspection, item, where, ACTION_ELEMENTS)
        action_id = item.get("action_id") if isinstance(item, dict) else None
        if isinstance(action_id, str):
            if action_id in seen:
                inspection.report(f"`action_id` `{action_id}` already exists in this block", where)
            seen.add(action_id)


def _image(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    check_image(inspection, block, pointer)
    inspection.text(block, "title", pointer, limit=2000)


def _input(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    inspection.text(block, "label", pointer, limit=2000, required=True)
    inspection.text(block, "hint", pointer, limit=2000)
    if "element" not in block:
        inspection.report("missing required field: element", pointer)
    else:
        check_element(inspection, block["element"], f"{pointer}/element", INPUT_ELEMENTS)


def _markdown(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    inspection.string(block, "text", pointer, limit=12_000, required=True)


def _video(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    inspection.string(block, "alt_text", pointer, limit=2000, required=True)
    inspection.text(block, "title", pointer, limit=200, required=True)
    inspection.url(block, "thumbnail_url", pointer, required=True)
    inspection.url(block, "video_url", pointer, required=True)


def _divider(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    """A divider has nothing but its block_id."""


_CHECKS: dict[str, Callable[[Inspection, JsonObject, str], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "input": _input,
    "rich_text": check_rich_text,
    "table": check_table,
    "markdown": _markdown,
    "video": _video,
    "divider": _divider,
}
