"""Tasks, agents, params and answers as plain JSON objects, and back. Times are ISO 8601 with an offset.

A field that has a default may be left out; an unknown field is refused.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, TypeVar

from routing.errors import InvalidTable
from routing.hours import WeeklyHours, Window
from routing.model import Agent, Similarity, Task
from routing.params import AdaptiveParams, MatchParams, Policy

Built = TypeVar("Built", Task, Agent)

_TIMES = frozenset({"created_at", "deadline_at", "idle_since"})
_SETS = frozenset({"declined_by", "languages", "markets"})
_MAY_BE_UNKNOWN = frozenset({"category", "language", "market"})
_TEXTS = frozenset({"id", "previous_agent", "requester"}) | _MAY_BE_UNKNOWN


def to_plain(value: object) -> Any:
    """What JSON can say of a value: dataclasses become objects, times ISO 8601, sets sorted lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(part) for key, part in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(to_plain(part) for part in value)
    if isinstance(value, tuple | list):
        return [to_plain(part) for part in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise InvalidTable(f"cannot write {type(value).__name__} as JSON")


def read_task(entry: Mapping[str, Any]) -> Task:
    """A task; category, language and market may be left out. Raises InvalidTable or InvalidTask."""
    return _build(Task, entry, dict.fromkeys(_MAY_BE_UNKNOWN))


def read_agent(entry: Mapping[str, Any]) -> Agent:
    """An agent. Raises InvalidTable or InvalidAgent."""
    return _build(Agent, entry, {})


def read_params(entry: Mapping[str, Any]) -> MatchParams:
    """Params as written by `to_plain`. Raises InvalidTable or InvalidParams."""
    try:
        adaptive = dict(entry["adaptive"])
        adaptive["ladder"] = tuple(adaptive["ladder"])
        values = {**entry, "policy": Policy(entry["policy"]), "adaptive": AdaptiveParams(**adaptive)}
        return MatchParams(**values)
    except (KeyError, TypeError) as problem:
        raise InvalidTable(f"these are no params: {problem}") from problem


def plain_similarity(similarity: Similarity) -> list[list[Any]]:
    """Triples of two markets and how alike they are, sorted."""
    return sorted([one, other, alike] for (one, other), alike in similarity.items())


def read_similarity(triples: Any) -> dict[tuple[str, str], float]:
    """Raises InvalidTable for what is no list of triples."""
    try:
        return {(one, other): alike for one, other, alike in triples}
    except (TypeError, ValueError) as problem:
        raise InvalidTable("similarity must be a list of two markets and a number each") from problem


def parse_time(text: str) -> datetime:
    """ISO 8601 with an offset. Raises InvalidTable."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidTable(f"not a time (ISO 8601): {text!r}") from None
    if moment.utcoffset() is None:
        raise InvalidTable(f"a time needs an offset, such as +00:00: {text!r}")
    return moment


def _build(kind: type[Built], entry: Mapping[str, Any], unknown: dict[str, Any]) -> Built:
    known = {field.name: field for field in fields(kind)}
    if strange := sorted(entry.keys() - known.keys()):
        raise InvalidTable(f"unknown field {', '.join(strange)}")
    needed = {name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if missing := sorted(needed - entry.keys() - unknown.keys()):
        raise InvalidTable(f"{', '.join(missing)} is missing")
    return kind(**unknown | {name: _read_value(name, value) for name, value in entry.items()})


def _read_value(name: str, value: Any) -> Any:
    if name in _TIMES and isinstance(value, str):
        return parse_time(value)
    if name in _SETS:
        return frozenset(_texts(name, value))
    if name == "free_at":
        return tuple(parse_time(moment) for moment in _texts(name, value))
    if name == "hours" and value is not None:
        return _read_hours(value)
    if name in _TEXTS and not isinstance(value, str | None):
        raise InvalidTable(f"{name} must be a text, not {value!r}")
    if name == "skills" and not isinstance(value, dict):
        raise InvalidTable(f"skills must be an object of category and level, not {value!r}")
    if name == "on" and not isinstance(value, bool):
        raise InvalidTable(f"on must be true or false, not {value!r}")
    return value


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidTable(f"{name} must be a list of texts, not {value!r}")
    return value


def _read_hours(value: Any) -> WeeklyHours:
    try:
        return WeeklyHours(value["zone"], tuple(Window(**window) for window in value["windows"]))
    except (KeyError, TypeError) as problem:
        raise InvalidTable(
            f"hours must have a zone and windows of weekday, start and end, not {value!r}"
        ) from problem
