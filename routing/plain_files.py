"""Files of tasks and agents in the plain JSON form: lists of objects with the fields of Task and Agent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from routing.errors import InvalidTable, RoutingError
from routing.model import Agent, Task
from routing.plain import read_agent, read_task

Built = TypeVar("Built", Task, Agent)


def read_plain_tasks(path: Path) -> list[Task]:
    """Read tasks; category, language and market may be left out. Raises InvalidTable with the file and the entry."""
    return _read(path, read_task)


def read_plain_agents(path: Path) -> list[Agent]:
    """Read agents. Raises InvalidTable with the file and the entry."""
    return _read(path, read_agent)


def _read(path: Path, build: Callable[[dict[str, Any]], Built]) -> list[Built]:
    built = []
    for at, entry in _entries(path):
        try:
            built.append(build(entry))
        except RoutingError as problem:
            raise InvalidTable(f"{path.name}, entry {at}: {problem}") from problem
    return built


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
