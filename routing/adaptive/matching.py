"""The adaptive matching: solve waiting x (free places + places about to be free), and say why."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from routing.adaptive.moment import Moment
from routing.adaptive.reasons import Obstacles, pair_terms, say_hold, total
from routing.adaptive.roster import Roster
from routing.model import Assignment, Matching, RunnerUp, Task
from routing.params import AdaptiveParams


def match_adaptively(
    tasks: Iterable[Task], roster: Roster, now: datetime, params: AdaptiveParams
) -> Matching:
    """Match tasks with a prepared roster. Raises InvalidTask for an id that occurs twice."""
    waiting_tasks = list(tasks)
    if not waiting_tasks:
        return Matching((), ())
    moment = Moment(waiting_tasks, roster, now, params)
    chosen = moment.solve()
    given = {row: at for row, at in chosen.items() if moment.slots.minutes[at] == 0.0}
    left = [row for row in range(len(moment.line)) if row not in chosen]
    obstacles = Obstacles(moment) if left else None
    waiting = [
        obstacles.of(row) if obstacles and row not in chosen else say_hold(moment, row, chosen[row])
        for row in range(len(moment.line))
        if row not in given
    ]
    return Matching(_assign(moment, given), tuple(waiting))


def _assign(moment: Moment, given: dict[int, int]) -> tuple[Assignment, ...]:
    rows = sorted(given)
    if not rows:
        return ()
    seconds, second_costs = _runners_up(moment, given, rows)
    made = []
    for place, row in enumerate(rows):
        column, in_hand = (int(of[given[row]]) for of in (moment.slots.owner, moment.slots.in_hand))
        terms = pair_terms(moment, row, column, in_hand)
        cost, next_cost = total(terms), float(second_costs[place])
        second = moment.roster.ids[int(seconds[place])]
        runner_up = RunnerUp(second, next_cost, next_cost - cost) if np.isfinite(next_cost) else None
        made.append(Assignment(moment.line.tasks[row].id, moment.roster.ids[column], cost, terms, runner_up))
    return tuple(made)


def _runners_up(moment: Moment, given: dict[int, int], rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """For each row the cheapest other agent with a free place, looked at alone, and their cost; infinite: nobody."""
    others = moment.open[rows]
    others[np.arange(len(rows)), moment.slots.owner[[given[row] for row in rows]]] = False
    costs = np.where(others, moment.prices.free_costs()[rows], np.inf)
    return costs.argmin(axis=1), costs.min(axis=1)
