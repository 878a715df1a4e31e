"""Tasks, agents and similarity in the plain JSON form: two lists of objects with the fields of Task and Agent.

Times are ISO 8601 with an offset. A field that has a default may be left out; an unknown field is refused.
"""

import json
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from routing.errors import InvalidTable, RoutingError
from routing.model import Agent, Task

Built = TypeVar("Built", Task, Agent)

_TIMES = frozenset({"created_at", "deadline_at", "idle_since"})
_SETS = frozenset({"declined_by", "languages", "markets"})
_MAY_BE_UNKNOWN = frozenset({"category", "language", "market"})


def read_plain_tasks(path: Path) -> list[Task]:
    """Read tasks; category, language and market may be left out. Raises InvalidTable with the file and the entry."""
    return [_build(Task, dict.fromkeys(_MAY_BE_UNKNOWN), path, at, entry) for at, entry in _entries(path)]


def read_plain_agents(path: Path) -> list[Agent]:
    """Read agents. Raises InvalidTable with the file and the entry."""
    return [_build(Agent, {}, path, at, entry) for at, entry in _entries(path)]


def parse_time(text: str) -> datetime:
    """ISO 8601 with an offset. Raises InvalidTable."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidTable(f"not a time (ISO 8601): {text!r}") from None
    if moment.utcoffset() is None:
        raise InvalidTable(f"a time needs an offset, such as +00:00: {text!r}")
    return moment


def _entries(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
        raise InvalidTable(
            f"cannot read {path}: {getattr(problem, 'strerror', None) or problem}"
        ) from problem
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise InvalidTable(f"{path.name} must be a JSON list of objects")
    return list(enumerate(content, start=1))


def _build(kind: type[Built], unknown: dict[str, Any], path: Path, at: int, entry: dict[str, Any]) -> Built:
    where = f"{path.name}, entry {at}"
    known = {field.name: field for field in fields(kind)}
    if strange := sorted(entry.keys() - known.keys()):
        raise InvalidTable(f"{where}: unknown field {', '.join(strange)}")
    needed = {name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if missing := sorted(needed - entry.keys() - unknown.keys()):
        raise InvalidTable(f"{where}: {', '.join(missing)} is missing")
    try:
        return kind(**unknown | {name: _read_value(name, value) for name, value in entry.items()})
    except RoutingError as problem:
        raise InvalidTable(f"{where}: {problem}") from problem


def _read_value(name: str, value: Any) -> Any:
    if name in _TIMES and isinstance(value, str):
        return parse_time(value)
    if name in _SETS:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise InvalidTable(f"{name} must be a list of texts, not {value!r}")
        return frozenset(value)
    if name in {"id", *_MAY_BE_UNKNOWN} and not isinstance(value, str | None):
        raise InvalidTable(f"{name} must be a text, not {value!r}")
    if name == "skills" and not isinstance(value, dict):
        raise InvalidTable(f"skills must be an object of category and level, not {value!r}")
    if name == "on" and not isinstance(value, bool):
        raise InvalidTable(f"on must be true or false, not {value!r}")
    return value
