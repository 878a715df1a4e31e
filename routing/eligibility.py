"""Who may take which task: the hard filters, and when a filter gives way.

Presence, having declined or written it, and capacity never give way. A skill (and then a language) bars those who lack it as long as
somebody who has it could take the task at all, full or not, and the task has not waited out its patience. A filter
that gave way is never silent: it stays in the assignment as a term.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from routing.model import Agent, Task, Waiting, WaitReason
from routing.params import MatchParams
from routing.wording import people, say_full, say_nobody_left

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

_AGE_CAP = 10.0
"""Waiting counts up to ten times the time to the deadline, so that a forgotten task cannot drown every other reason."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Filters of tasks (rows) against agents (columns), each of shape (n_tasks, n_agents)."""

    at_work: Flags
    """Shape (n_agents,): on, and within their hours."""
    skill_level: Floats
    speaks: Flags
    candidate: Flags
    """On, with a capacity at all, and has neither declined this task nor written it."""
    skill_ok: Flags
    language_ok: Flags
    free_places: NDArray[np.int64]
    """Shape (n_agents,): what each agent can still take; 0 when off."""

    @property
    def allowed(self) -> Flags:
        """Pairs that pass every filter but capacity."""
        return self.candidate & self.skill_ok & self.language_ok

    @property
    def open(self) -> Flags:
        """Allowed pairs whose agent has a free place before anything is given out."""
        return self.allowed & (self.free_places > 0)


def age_share(task: Task, now: datetime) -> float:
    """Waiting time over the time from creation to deadline, 0 to 10; a task created with its deadline passed counts 10."""
    waited_s = max(0.0, (now - task.created_at).total_seconds())
    allowed_s = (task.deadline_at - task.created_at).total_seconds()
    if allowed_s <= 0.0:
        return _AGE_CAP
    return min(_AGE_CAP, waited_s / allowed_s)


def filter_pairs(
    tasks: Sequence[Task], agents: Sequence[Agent], now: datetime, params: MatchParams
) -> Eligibility:
    """Apply every hard filter to every pair."""
    shape = (len(tasks), len(agents))
    at_work = np.array([agent.is_at_work(now) for agent in agents], dtype=bool)
    present = at_work & np.array([agent.capacity > 0 for agent in agents], dtype=bool)
    barred = np.zeros(shape, dtype=bool)
    column_of = {agent.id: column for column, agent in enumerate(agents)}
    for row, task in enumerate(tasks):
        for agent_id in task.barred & column_of.keys():
            barred[row, column_of[agent_id]] = True
    candidate = present[np.newaxis, :] & ~barred
    ages = np.array([age_share(task, now) for task in tasks])
    skill_level = _by_value(
        [task.category for task in tasks], lambda value: [a.skill_level(value) for a in agents], shape
    )
    speaks = (
        _by_value([task.language for task in tasks], lambda value: [a.speaks(value) for a in agents], shape)
        > 0.0
    )
    skill_ok = _bar_unless_given_up(skill_level > 0.0, candidate, ages >= params.skill_patience_share)
    language_ok = _bar_unless_given_up(speaks, candidate & skill_ok, ages >= params.language_patience_share)
    free = np.where(at_work, np.array([agent.free_places for agent in agents], dtype=np.int64), 0)
    return Eligibility(at_work, skill_level, speaks, candidate, skill_ok, language_ok, free)


def why_waiting(task: Task, row: int, agents: Sequence[Agent], pairs: Eligibility) -> Waiting:
    """Name the first filter that leaves nobody for an unassigned task; past all of them it was outbid."""
    reason, detail = _first_obstacle(task, row, agents, pairs)
    return Waiting(task.id, reason, detail)


def _first_obstacle(
    task: Task, row: int, agents: Sequence[Agent], pairs: Eligibility
) -> tuple[WaitReason, str]:
    n_on = int(pairs.at_work.sum())
    if n_on == 0:
        return WaitReason.NOBODY_ON, f"none of {people(len(agents))} is at work"
    at_work = {agent.id for agent, on in zip(agents, pairs.at_work, strict=True) if on}
    n_declined = len(at_work & task.declined_by)
    wrote_it = task.requester in at_work - task.declined_by
    if n_declined + wrote_it == n_on:
        return say_nobody_left(n_declined, wrote_it)
    candidate = pairs.candidate[row]
    has_room = candidate & (pairs.free_places > 0)
    if not has_room.any():
        return WaitReason.EVERYBODY_FULL, say_full(n_on - n_declined - wrote_it, n_declined, wrote_it)
    n_able = int((candidate & pairs.skill_ok[row]).sum())
    if not (has_room & pairs.skill_ok[row]).any():
        return (
            WaitReason.NO_SKILL,
            f"those with the skill {task.category} are full ({people(n_able)}); others are free but lack it",
        )
    if not pairs.open[row].any():
        n_speaking = int(pairs.allowed[row].sum())
        return (
            WaitReason.NO_LANGUAGE,
            f"those who speak {task.language} are full ({people(n_speaking)}); others are free but do not",
        )
    return (
        WaitReason.OUTBID,
        f"the {people(int(pairs.open[row].sum()))} free for it took tasks that came before it",
    )


def _bar_unless_given_up(has: Flags, candidate: Flags, out_of_patience: Flags) -> Flags:
    """Rows where nobody who could take the task has it, or that waited long enough, bar nobody."""
    gives_way = ~(candidate & has).any(axis=1) | out_of_patience
    return has | gives_way[:, np.newaxis]


def _by_value(
    values: Sequence[str | None], row_of: Callable[[str | None], Sequence[float]], shape: tuple[int, int]
) -> Floats:
    """One row for each task; tasks with the same value share the work of making it."""
    rows = {value: np.array(row_of(value), dtype=np.float64) for value in set(values)}
    return np.array([rows[value] for value in values], dtype=np.float64).reshape(shape)
