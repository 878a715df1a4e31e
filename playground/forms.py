"""What Slack's client itself refuses in a modal before it asks the app: required fields, lengths, numbers, addresses."""

import math
import re
from typing import Any

from playground.block_tree import settled
from playground.model import JsonObject, View

_MAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def form_errors(view: View) -> dict[str, str]:
    """One sentence for each input block that cannot be submitted so: block_id -> sentence."""
    values = settled(view.blocks, view.values)
    errors: dict[str, str] = {}
    for block in view.blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        complaint = _complaint(
            element, _entered(values[block["block_id"]][element["action_id"]]), block.get("optional", False)
        )
        if complaint:
            errors[block["block_id"]] = complaint
    return errors


def _entered(state: JsonObject) -> Any:
    return next((value for key, value in state.items() if key != "type"), None)


def _complaint(element: JsonObject, value: Any, is_optional: bool) -> str | None:
    if value in (None, "", []):
        return None if is_optional else "Please complete this required field."
    kind = element["type"]
    if kind == "plain_text_input":
        return _length_complaint(element, value)
    if kind == "number_input":
        return _number_complaint(element, value)
    if kind == "email_text_input" and not _MAIL.fullmatch(value):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not value.startswith(("http://", "https://")):
        return "Please enter a valid URL."
    return None


def _length_complaint(element: JsonObject, value: str) -> str | None:
    low, high = element.get("min_length", 0), element.get("max_length", 3000)
    if len(value) < low:
        return f"Please enter at least {low} characters."
    if len(value) > high:
        return f"Please enter at most {high} characters."
    return None


def _number_complaint(element: JsonObject, value: Any) -> str | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "Please enter a number."
    if not math.isfinite(number):
        return "Please enter a number."
    if not element["is_decimal_allowed"] and number != int(number):
        return "Please enter a whole number."
    if number < float(element.get("min_value", number)):
        return f"Please enter a number of at least {element['min_value']}."
    if number > float(element.get("max_value", number)):
        return f"Please enter a number of at most {element['max_value']}."
    return None
