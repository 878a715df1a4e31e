"""One matching before it is explained: who may take what, at which price, and which pairs are best."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from routing.adaptive.filters import Filter, apply, free_places, look_up
from routing.adaptive.line import Line
from routing.adaptive.prices import Prices
from routing.adaptive.roster import Flags, Roster
from routing.adaptive.slots import find_slots
from routing.model import Task
from routing.params import AdaptiveParams
from routing.solver import solve


class Moment:
    """A line, a roster and everything that follows from them at one time."""

    def __init__(self, tasks: Iterable[Task], roster: Roster, now: datetime, params: AdaptiveParams) -> None:
        self.roster, self.params = roster, params
        self.line = Line(tasks, now, params)
        at_work, closes_s = roster.presence(now)
        self.free = free_places(roster, at_work)
        self.facts = look_up(self.line, roster, params, closes_s)
        self.pairs = apply(self.facts, self.line, roster, at_work, params)
        self.prices = Prices(self.line, roster, self.facts, self.pairs, params)
        ends_s = np.where(at_work, closes_s, -np.inf)
        self.slots = find_slots(roster, self.free, len(self.line), self.line.now_s, ends_s, params)

    def solve(self) -> dict[int, int]:
        """Row of each task that gets a place, free or about to be, to the place's index, at the lowest total cost."""
        slots, pairs = self.slots, self.pairs
        if not len(self.line) or not len(slots.owner):
            return {}
        # Nobody waits for an agent whom only the ladder makes eligible: so getting older never costs a task a free place.
        is_free = slots.minutes == 0.0
        allowed = np.where(is_free, pairs.allowed[:, slots.owner], pairs.strict[:, slots.owner])
        return dict(solve(self.prices.slot_costs(slots), allowed))

    def may_pass(self, name: Filter) -> Flags:
        """Pairs that pass one filter, or for which it has given way; broadcasts to (n_tasks, n_agents)."""
        passing: Flags = self.facts.passes[name] | self.pairs.gave_way[name][:, np.newaxis]
        return passing
