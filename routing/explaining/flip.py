"""The smallest single change that would give a task to somebody else.

Every lever turns one number of the input and the whole matching is made again, so what is told is what would happen,
whatever the policy. Sizes are compared in the lever's scale: a quarter of a score or of a similarity, a tenth of the time
to the deadline, one task in hand each count one. Changes are tried from small to large by doubling, then narrowed down: a
flip that comes and goes between two tries may be missed, one that is told has been tried.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from routing.errors import InvalidTask
from routing.explaining.levers import Case, Lever, Range, ranges
from routing.matching import match
from routing.model import Agent, Similarity, Task
from routing.params import MatchParams

_FIRST_TRY = 1.0 / 64.0
_PRECISION = 1e-3

_SAY = {
    Lever.TASK_SCORE: "the task's score were {after:.3f} instead of {before:.3f}",
    Lever.WAITED_MINUTES: "it had waited {after:.1f} min instead of {before:.1f}",
    Lever.LOAD: "{agent} had {after:.0f} tasks in hand instead of {before:.0f}",
    Lever.SIMILARITY: "{agent}'s similarity to the market were {after:.3f} instead of {before:.3f}",
    Lever.SCORE: "{agent}'s score were {after:.3f} instead of {before:.3f}",
}
_OF_RUNNER_UP = {
    Lever.RUNNER_UP_LOAD: Lever.LOAD,
    Lever.RUNNER_UP_SIMILARITY: Lever.SIMILARITY,
    Lever.RUNNER_UP_SCORE: Lever.SCORE,
}


@dataclass(frozen=True, slots=True)
class Flip:
    """One changed number and who gets the task then; `instead` is None when it would wait. `size` is in the scale."""

    lever: Lever
    before: float
    after: float
    size: float
    instead: str | None
    sentence: str


def smallest_flip(
    tasks: Iterable[Task],
    agents: Iterable[Agent],
    now: datetime,
    params: MatchParams,
    similarity: Similarity | None,
    task_id: str,
) -> Flip | None:
    """None when no single change within range gives the task to somebody else.

    Matches some hundred times: on demand, not for every assignment. Raises InvalidTask for a task that was not assigned.
    """
    case = Case(tuple(tasks), tuple(agents), now, params, similarity or {})
    matching = match(case.tasks, case.agents, now, params, case.similarity)
    given = next((a for a in matching.assignments if a.task_id == task_id), None)
    if given is None:
        raise InvalidTask(f"task {task_id} was given to nobody")
    by_id = {agent.id: agent for agent in case.agents}
    runner_up = by_id[given.runner_up.agent_id] if given.runner_up else None
    task = next(task for task in case.tasks if task.id == task_id)
    best: Flip | None = None
    for lever in ranges(case, task, by_id[given.agent_id], runner_up):
        of = runner_up if lever.lever in _OF_RUNNER_UP else by_id[given.agent_id]
        for limit in (lever.low, lever.high):
            within = best.size if best else float("inf")
            found = _first_flip(lever, limit, within, task_id, given.agent_id)
            if found is not None:
                best = _flip(lever, found[0], found[1], of.id if of else "")
    return best


def _first_flip(
    lever: Range, limit: float, within: float, task_id: str, owner: str
) -> tuple[float, str | None] | None:
    """The nearest value towards the limit that gives the task to another, smaller than `within`, and to whom."""
    reach = min(abs(limit - lever.value) / lever.scale, within)
    direction = 1.0 if limit > lever.value else -1.0
    below, size = 0.0, 1.0 if lever.whole else min(_FIRST_TRY, reach)
    while 0.0 < size <= reach and size < within:
        value = lever.value + direction * size * lever.scale
        instead = lever.turned(value).owner(task_id)
        if instead != owner:
            return (value, instead) if lever.whole else _narrow(lever, direction, below, size, task_id, owner)
        below = size
        size = size + 1.0 if lever.whole else (min(2.0 * size, reach) if size < reach else reach + 1.0)
    return None


def _narrow(
    lever: Range, direction: float, below: float, size: float, task_id: str, owner: str
) -> tuple[float, str | None]:
    """Bisect between a size that changes nothing and one that flips."""
    while size - below > _PRECISION:
        middle = (below + size) / 2.0
        flips = lever.turned(lever.value + direction * middle * lever.scale).owner(task_id) != owner
        below, size = (below, middle) if flips else (middle, size)
    value = lever.value + direction * size * lever.scale
    return value, lever.turned(value).owner(task_id)


def _flip(lever: Range, after: float, instead: str | None, agent_id: str) -> Flip:
    size = abs(after - lever.value) / lever.scale
    condition = _SAY[_OF_RUNNER_UP.get(lever.lever, lever.lever)].format(
        before=lever.value, after=after, agent=agent_id
    )
    consequence = "it would wait" if instead is None else f"{instead} would get it"
    return Flip(lever.lever, lever.value, after, size, instead, f"If {condition}, {consequence}.")
