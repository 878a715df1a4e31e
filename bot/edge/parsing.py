"""Reads the bodies that Slack sends: JSON, or a form that may hold JSON; and makes them fit for both databases."""

import json
import math
from typing import Any
from urllib.parse import parse_qsl

DEPTH_LIMIT = 64  # nesting of lists and objects; Block Kit stays below 20
FORM_FIELDS_LIMIT = 64  # a slash command has about 15


class Malformed(ValueError):
    """The body is not what Slack sends."""


def parse_body(content_type: str, body: bytes) -> dict[str, Any]:
    """The object that a request's body holds; raises Malformed."""
    if content_type.partition(";")[0].strip().lower() == "application/json" or body.lstrip()[:1] == b"{":
        return parse_json(body)
    try:
        fields = dict(
            parse_qsl(
                body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS_LIMIT
            )
        )
    except ValueError:
        raise Malformed("the form cannot be read") from None
    return parse_json(fields["payload"].encode()) if "payload" in fields else tidy(fields)


def parse_json(text: bytes) -> dict[str, Any]:
    """The JSON object in ``text``, fit for both databases; raises Malformed."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the JSON cannot be read") from None
    if not isinstance(parsed, dict):
        raise Malformed("the JSON is not an object")
    return tidy(parsed)


def tidy(body: dict[str, Any]) -> dict[str, Any]:
    """``body`` without NUL characters (PostgreSQL refuses them); Malformed where it cannot be stored or is too deep."""
    tidied: dict[str, Any] = _tidy(body, DEPTH_LIMIT)
    return tidied


def _tidy(value: Any, depth: int) -> Any:
    if depth == 0:
        raise Malformed("the JSON is nested too deeply")
    if isinstance(value, dict):
        return {_tidy(key, 1): _tidy(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_tidy(item, depth - 1) for item in value]
    if isinstance(value, str):
        return _tidy_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise Malformed("the JSON holds a number that is none")
    return value


def _tidy_text(text: str) -> str:
    if text.isascii():
        return text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed("the JSON holds half a character") from None
    return text.replace("\x00", "")
