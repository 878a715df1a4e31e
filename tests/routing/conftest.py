"""Builders shared by the routing tests."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from routing import Agent, Task

NOW = datetime(2025, 3, 3, 9, 0, tzinfo=UTC)

TaskMaker = Callable[..., Task]
AgentMaker = Callable[..., Agent]


@pytest.fixture
def now() -> datetime:
    """The moment every example plays at."""
    return NOW


@pytest.fixture
def task() -> TaskMaker:
    """Make a plain task; waited and allowed are minutes, anything else as in Task."""

    def make(id: str = "t1", waited: float = 0.0, allowed: float = 60.0, **values: Any) -> Task:
        created = NOW - timedelta(minutes=waited)
        plain = {"score": 0.5, "category": None, "language": None, "market": None}
        return Task(
            id=id, created_at=created, deadline_at=created + timedelta(minutes=allowed), **(plain | values)
        )

    return make


@pytest.fixture
def agent() -> AgentMaker:
    """Make an agent who is on, idle and can do anything."""

    def make(id: str = "a1", **values: Any) -> Agent:
        return Agent(id=id, **({"score": 0.5, "capacity": 5, "load": 0} | values))

    return make
