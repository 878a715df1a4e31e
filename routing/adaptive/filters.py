"""Who may take which task, and which filters gave way.

Presence, hours and having declined or written it never give way, nor does capacity. Every other filter bars those who fail it as long
as somebody at work passes it, full or not, and the task has not climbed the filter's rung of the ladder. A task that
somebody at the desk has turned down has lost time enough: it is on the first rung whatever its age, and waits for nobody.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from routing.adaptive.line import Line, Spread
from routing.adaptive.roster import Flags, Floats, Roster
from routing.params import AdaptiveParams


class Filter(StrEnum):
    """In the order they are asked."""

    SKILL = "skill"
    LANGUAGE = "language"
    MARKET = "market"
    SCORE = "score"
    SHIFT = "shift"


RUNG = {Filter.SKILL: 3, Filter.LANGUAGE: 2, Filter.MARKET: 1, Filter.SCORE: 1, Filter.SHIFT: 1}
"""From which rung of the ladder (1 to 3) a filter gives way."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of each pair, before any rule. `passes` broadcasts to (n_tasks, n_agents)."""

    skill_level: Spread
    alike: Spread
    passes: dict[Filter, Flags]


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Shapes are (n_tasks, n_agents) unless said."""

    at_work: Flags
    """Shape (n_agents,)."""
    base: Flags
    """At work, with a capacity at all, and has neither declined the task nor written it."""
    strict: Flags
    """Passes every filter without the ladder; a filter that nobody passes bars nobody."""
    allowed: Flags
    """Passes every filter that has not given way."""
    broken: NDArray[np.int8]
    """How many filters the pair fails, given way or not; the skill's is not counted, its level 0 has a price of its own."""
    nobody: dict[Filter, Flags]
    """Rows, shape (n_tasks,), where a filter bars nobody because nobody passes it."""
    gave_way: dict[Filter, Flags]
    """Rows where a filter bars nobody, for whatever reason."""
    turned_down: Flags
    """Rows of tasks that somebody of the roster has declined or left unanswered."""


def look_up(line: Line, roster: Roster, params: AdaptiveParams, closes_s: Floats) -> Facts:
    """Everything the filters are made of."""
    level = line.spread(lambda task: task.category, roster.skill_levels)
    speaks = line.spread(lambda task: task.language, roster.speakers)
    alike = line.spread(lambda task: task.market, roster.alike)
    longest = (closes_s - line.now_s) / (60.0 * roster.pace)
    passes = {
        Filter.SKILL: level.full(level.table > 0.0),
        Filter.LANGUAGE: speaks.full(speaks.table > 0.0),
        Filter.MARKET: alike.full(alike.table >= params.least_similarity),
        Filter.SCORE: line.score[:, np.newaxis] <= roster.score + params.most_lack,
        Filter.SHIFT: line.minutes[:, np.newaxis] <= longest,
    }
    return Facts(level, alike, passes)


def apply(facts: Facts, line: Line, roster: Roster, at_work: Flags, params: AdaptiveParams) -> Eligibility:
    """Ask every filter of every pair, in order."""
    base = np.repeat((at_work & (roster.capacity > 0))[np.newaxis, :], len(line), axis=0)
    turned_down = np.zeros(len(line), dtype=bool)
    for row, task in enumerate(line.tasks):
        for agent_id in task.barred:
            if (column := roster.column_of.get(agent_id)) is not None:
                base[row, column] = False
                turned_down[row] |= agent_id in task.declined_by
    strict, allowed = base.copy(), base.copy()
    broken = np.zeros(base.shape, dtype=np.int8)
    rung = np.maximum(line.rung, turned_down)
    nowhere = np.zeros(len(line), dtype=bool)
    nobody: dict[Filter, Flags] = {}
    gave_way: dict[Filter, Flags] = {}
    for name, passes in facts.passes.items():
        if passes.all():
            nobody[name] = gave_way[name] = nowhere
            continue
        both = strict & passes
        nobody[name] = np.logical_not(both.any(axis=1))
        gave_way[name] = nobody[name] | (rung >= RUNG[name])
        if name is Filter.MARKET:
            gave_way[name] |= line.waited_minutes >= params.market_minutes
        strict = both | (strict & nobody[name][:, np.newaxis]) if nobody[name].any() else both
        allowed &= passes | gave_way[name][:, np.newaxis] if gave_way[name].any() else passes
        if name is not Filter.SKILL:
            broken += ~passes
    return Eligibility(at_work, base, strict, allowed, broken, nobody, gave_way, turned_down)
