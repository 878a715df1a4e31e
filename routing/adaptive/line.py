"""Waiting tasks as arrays, in line order: deadline, creation, id."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from routing.adaptive.roster import Floats
from routing.errors import InvalidTask
from routing.model import Task
from routing.params import AdaptiveParams

Kind = TypeVar("Kind", np.float64, np.bool_)

_AGE_CAP = 10.0
"""Waiting counts up to ten times the time to the deadline, so that a forgotten task cannot drown every other reason."""


class Line:
    """Arrays of shape (n_tasks,) of what waits at one moment. Raises InvalidTask for an id that occurs twice."""

    def __init__(self, tasks: Iterable[Task], now: datetime, params: AdaptiveParams) -> None:
        self.tasks = sorted(tasks, key=lambda task: (task.deadline_at, task.created_at, task.id))
        refuse_twins(self.tasks)
        self.now, self.now_s = now, now.timestamp()
        self.score: Floats = np.array([task.score for task in self.tasks], dtype=np.float64)
        typical = params.typical_minutes
        self.minutes: Floats = np.array(
            [typical if task.handling_minutes is None else task.handling_minutes for task in self.tasks],
            dtype=np.float64,
        )
        created_s = np.array([task.created_at.timestamp() for task in self.tasks], dtype=np.float64)
        self.deadline_s: Floats = np.array([t.deadline_at.timestamp() for t in self.tasks], dtype=np.float64)
        self.allowed_s: Floats = self.deadline_s - created_s
        waited_s = np.maximum(0.0, self.now_s - created_s)
        self.waited_minutes: Floats = waited_s / 60.0
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(self.allowed_s > 0.0, waited_s / self.allowed_s, _AGE_CAP)
        self.age: Floats = np.minimum(_AGE_CAP, share)
        self.rung: NDArray[np.int64] = np.searchsorted(np.array(params.ladder), self.age, side="right")
        """How many rungs of the ladder each task has climbed, 0 to 3."""

    def __len__(self) -> int:
        return len(self.tasks)

    def spread(self, key: Callable[[Task], str | None], row_of: Callable[[str | None], Floats]) -> "Spread":
        """What hangs on one property of the task, made once for each of its distinct values."""
        values = [key(task) for task in self.tasks]
        distinct = {value: place for place, value in enumerate(dict.fromkeys(values))}
        if len(distinct) == 1:
            return Spread(row_of(values[0])[np.newaxis, :], None)
        table = np.stack([row_of(value) for value in distinct])
        return Spread(table, np.array([distinct[value] for value in values], dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Spread:
    """Rows of a table, shape (n_distinct, n_agents), and which of them is each task's, shape (n_tasks,); None: the first."""

    table: Floats
    at: NDArray[np.int64] | None

    def full(self, table: NDArray[Kind]) -> NDArray[Kind]:
        """A table of the same shape laid out by task; shape (n_tasks, n_agents), or (1, n_agents) where all share a row."""
        return table if self.at is None else table[self.at]

    def value(self, row: int, column: int) -> float:
        """Of one task and agent."""
        return float(self.table[0 if self.at is None else self.at[row], column])


def urgency(line: Line, params: AdaptiveParams) -> Floats:
    """What makes a task go before others, at least 0, shape (n_tasks,): time waited, waited too long, and its score."""
    late = np.maximum(0.0, line.age - params.late_from_share)
    urgent: Floats = params.age * line.age + params.late * late + params.priority * line.score
    return urgent


def refuse_twins(tasks: Sequence[Task]) -> None:
    """Raise InvalidTask for an id that occurs twice."""
    if len({task.id for task in tasks}) == len(tasks):
        return
    for task_id, times in Counter(task.id for task in tasks).items():
        if times > 1:
            raise InvalidTask(f"task {task_id} is given {times} times")
