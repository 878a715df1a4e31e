"""What Slack accepts as rich text, and in the tables whose cells it fills.

The figures are those of Slack's reference of the rich text and table blocks.
"""

from typing import Any

from playground.inspection import Inspection
from playground.model import JsonObject

TABLE_ROWS = 100
TABLE_COLUMNS = 20
_PARTS = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
_MANY = 1000
_NEEDED = {
    "text": "text",
    "user": "user_id",
    "channel": "channel_id",
    "broadcast": "range",
    "link": "url",
    "emoji": "name",
}
"""The field without which a piece of rich text says nothing, by the piece's type."""


def check_rich_text(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    """A rich_text block, or a table's cell of that type."""
    for part, where in inspection.items(block, "elements", pointer, limit=_MANY, at_least=0, required=True):
        _check_part(inspection, part, where, _PARTS)


def _check_part(inspection: Inspection, part: Any, pointer: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(part, dict) or part.get("type") not in allowed:
        inspection.report("unsupported type", f"{pointer}/type")
        return
    for piece, where in inspection.items(part, "elements", pointer, limit=_MANY, at_least=0, required=True):
        if part["type"] == "rich_text_list":
            _check_part(inspection, piece, where, ("rich_text_section",))
        else:
            _check_piece(inspection, piece, where)


def _check_piece(inspection: Inspection, piece: Any, pointer: str) -> None:
    kind = piece.get("type") if isinstance(piece, dict) else None
    if not isinstance(kind, str):
        inspection.report("missing required field: type", pointer)
    elif kind in _NEEDED and not isinstance(piece.get(_NEEDED[kind]), str):
        inspection.report(f"missing required field: {_NEEDED[kind]}", pointer)


def check_table(inspection: Inspection, block: JsonObject, pointer: str) -> None:
    """A table block."""
    for row, where in inspection.items(block, "rows", pointer, limit=TABLE_ROWS, required=True):
        for cell, place in inspection.entries(row, where, limit=TABLE_COLUMNS):
            _check_cell(inspection, cell, place)
    for settings, where in inspection.items(
        block, "column_settings", pointer, limit=TABLE_COLUMNS, at_least=0
    ):
        if isinstance(settings, dict):
            inspection.choice(settings, "align", where, ("left", "center", "right"))
            inspection.choice(settings, "is_wrapped", where, (True, False))
        elif settings is not None:  # null leaves a column as it is
            inspection.report("must provide an object", where)


def _check_cell(inspection: Inspection, cell: Any, pointer: str) -> None:
    kind = cell.get("type") if isinstance(cell, dict) else None
    if kind == "rich_text":
        check_rich_text(inspection, cell, pointer)
    elif kind != "raw_text":
        inspection.report("unsupported type", f"{pointer}/type")
    elif not isinstance(cell.get("text"), str):
        inspection.report("missing required field: text", pointer)
