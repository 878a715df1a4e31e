"""One matching before it is explained: who may take what, at which price, and which pairs are best."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

import numpy as np

from routing.adaptive.filters import Filter, apply, look_up
from routing.adaptive.line import Line
from routing.adaptive.prices import Prices
from routing.adaptive.roster import Flags, Roster
from routing.adaptive.slots import Slots, find_slots
from routing.model import Task
from routing.params import AdaptiveParams
from routing.solver import solve


class Moment:
    """A line, a roster and everything that follows from them at one time."""

    def __init__(self, tasks: Iterable[Task], roster: Roster, now: datetime, params: AdaptiveParams) -> None:
        self.roster, self.params = roster, params
        self.line = Line(tasks, now, params)
        self.at_work, self._closes_s, self.free = roster.presence(now)
        self.facts = look_up(self.line, roster, params, self._closes_s)
        self.pairs = apply(self.facts, self.line, roster, self.at_work, params)
        self.prices = Prices(self.line, roster, self.facts, self.pairs, params)

    @cached_property
    def slots(self) -> Slots:
        """The places that are free or about to be."""
        ends_s = np.where(self.at_work, self._closes_s, -np.inf)
        return find_slots(self.roster, self.free, len(self.line), self.line.now_s, ends_s, self.params)

    @cached_property
    def open(self) -> Flags:
        """Pairs that may be made now, looked at alone; shape (n_tasks, n_agents)."""
        opened: Flags = self.pairs.allowed & (self.free > 0)
        return opened

    def solve(self) -> dict[int, int]:
        """Row of each task that gets a place, free or about to be, to the place's index, at the lowest total cost."""
        slots, pairs = self.slots, self.pairs
        if not len(self.line) or not len(slots.owner):
            return {}
        # Nobody waits for an agent whom only the ladder makes eligible: so getting older never costs a task a free place.
        allowed = pairs.allowed[:, slots.owner]
        if (later := np.flatnonzero(slots.minutes)).size:
            allowed[:, later] = pairs.strict[:, slots.owner[later]] & ~pairs.turned_down[:, np.newaxis]
        return dict(solve(self.prices.slot_costs(slots), allowed))

    def may_pass(self, name: Filter) -> Flags:
        """Pairs that pass one filter, or for which it has given way; broadcasts to (n_tasks, n_agents)."""
        passing: Flags = self.facts.passes[name] | self.pairs.gave_way[name][:, np.newaxis]
        return passing
