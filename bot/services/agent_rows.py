"""What stands in an agent's row and cannot be read: any shell can write to a database, and one odd value stops no desk."""

from typing import Any

from bot.services.working_hours import HoursUnreadable, read_hours
from bot.storage.tables import Agent


def unreadable_columns(agent: Agent) -> frozenset[str]:
    """Names of the columns with what no version writes; until the agent's form has mended them, nothing is offered to them."""
    is_read = {
        "capacity": agent.capacity is None or _is_count(agent.capacity),
        "skills": isinstance(agent.skills, dict) and all(map(_is_share, agent.skills.values())),
        "languages": _are_names(agent.languages),
        "sites": agent.sites is None or _are_names(agent.sites),
        "hours": _are_hours(agent.hours),
    }
    return frozenset(name for name, is_fine in is_read.items() if not is_fine)


def is_readable(agent: Agent) -> bool:
    """Whether all of them can be read."""
    return not unreadable_columns(agent)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and 0.0 <= value <= 1.0


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _are_hours(value: Any) -> bool:
    try:
        read_hours(value)
    except HoursUnreadable:
        return False
    return True
