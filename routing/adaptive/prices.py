"""What each pair costs: terms on fixed scales, so a batch of one pair prices like one of a thousand.

    .3 gap/.25 + .75 (1 - similarity)/.25 + .8 work/typical + .6 (1 - skill level) + .4 in hand/capacity
    + fairness x busy share + .6 x filters that gave way + hold - sticky - urgency

The gap is asymmetric: a lack counts in full, a surplus squared. (A linear surplus sums to the same for every
way to pair tasks with agents above them, so it would decide nothing.) A hold costs 7 (.04 + 1.5/minutes allowed) a minute
and 3 more beyond half of the time that is left.
"""

import numpy as np

from routing.adaptive.filters import Eligibility, Facts
from routing.adaptive.line import Line, urgency
from routing.adaptive.roster import Floats, Roster
from routing.adaptive.slots import Slots
from routing.params import AdaptiveParams


class Prices:
    """Costs of all pairs as one array, and term by term for any one of them; what hangs on the place is added for slots."""

    def __init__(
        self, line: Line, roster: Roster, facts: Facts, pairs: Eligibility, params: AdaptiveParams
    ) -> None:
        self._line, self._roster, self._params = line, roster, params
        self._facts, self._pairs = facts, pairs
        self._urgency = urgency(line, params)
        self.pair_costs: Floats = self._price_all()

    def _price_all(self) -> Floats:
        """Shape (n_tasks, n_agents)."""
        p, line, roster = self._params, self._line, self._roster
        costs = score_gap(line.score[:, np.newaxis] - roster.score, p.overqualified)
        costs *= p.gap / p.gap_scale
        costs += self._facts.alike.full(_similarity(self._facts.alike.table, p))
        costs += self._facts.skill_level.full(_skill(self._facts.skill_level.table, p))
        costs += (line.minutes * (p.work / p.typical_minutes))[:, np.newaxis] * roster.pace
        costs += p.fairness * roster.busy_share
        costs -= self._urgency[:, np.newaxis]
        if self._pairs.broken.any():
            costs += p.overflow * self._pairs.broken
        for row, task in enumerate(line.tasks):
            if task.previous_agent is not None and task.previous_agent in roster.column_of:
                costs[row, roster.column_of[task.previous_agent]] -= p.sticky
        return costs

    def terms(self, row: int, column: int) -> dict[str, float]:
        """The summands of one pair's cost, but for what the agent has in hand."""
        p, line, roster = self._params, self._line, self._roster
        lack = float(line.score[row]) - float(roster.score[column])
        gap = lack if lack > 0.0 else p.overqualified * lack * lack
        alike, level = self._facts.alike.value(row, column), self._facts.skill_level.value(row, column)
        had_it = line.tasks[row].previous_agent == roster.ids[column]
        return {
            "gap": p.gap * gap / p.gap_scale,
            "similarity": p.similarity * (1.0 - alike) / p.similarity_scale,
            "work": p.work * self.minutes(row, column) / p.typical_minutes,
            "skill": p.skill * (1.0 - level) + (0.0 if level > 0.0 else p.overflow),
            "fairness": p.fairness * float(roster.busy_share[column]),
            "overflow": p.overflow * int(self._pairs.broken[row, column]),
            "sticky": -p.sticky if had_it else 0.0,
            "waiting": -float(self._urgency[row]),
        }

    def minutes(self, row: int, column: int) -> float:
        """Expected handling time of the task with this agent."""
        return float(self._line.minutes[row] * self._roster.pace[column])

    def slot_costs(self, slots: Slots) -> Floats:
        """Costs of shape (n_tasks, n_slots)."""
        costs: Floats = self.pair_costs[:, slots.owner] + self.in_hand(slots.owner, slots.in_hand)
        if slots.minutes.any():
            later = np.flatnonzero(slots.minutes)
            costs[:, later] += hold_price(self._line, slots.minutes[later], self._params)
        return costs

    def free_costs(self) -> Floats:
        """Costs of each pair for the agent's first free place, shape (n_tasks, n_agents)."""
        share = self._params.in_hand * self._roster.load / np.maximum(1, self._roster.capacity)
        costs: Floats = self.pair_costs + share
        return costs

    def in_hand(self, owner: np.ndarray, in_hand: np.ndarray) -> Floats:
        """The term for what agents have in hand besides, shape (n_slots,)."""
        share: Floats = self._params.in_hand * in_hand / np.maximum(1, self._roster.capacity[owner])
        return share


def score_gap(lack: Floats, overqualified: float) -> Floats:
    """A lack as it is, a surplus squared and weighed; at least 0."""
    surplus = np.minimum(lack, 0.0)
    surplus *= surplus
    surplus *= overqualified
    surplus += np.maximum(lack, 0.0)
    return surplus


def hold_price(line: Line, minutes: Floats, params: AdaptiveParams) -> Floats:
    """What waiting so many minutes costs each task, shape (n_tasks, n_slots); infinite where no time was allowed."""
    with np.errstate(divide="ignore"):
        a_minute = params.hold_price * (params.hold_floor + 60.0 * params.hold_sla / line.allowed_s)
    left_minutes = (line.deadline_s - line.now_s) / 60.0
    late = minutes > 0.5 * left_minutes[:, np.newaxis]
    price: Floats = a_minute[:, np.newaxis] * minutes + params.hold_late * late
    return price


def _similarity(alike: Floats, params: AdaptiveParams) -> Floats:
    lack: Floats = (1.0 - alike) * (params.similarity / params.similarity_scale)
    return lack


def _skill(level: Floats, params: AdaptiveParams) -> Floats:
    lack: Floats = params.skill * (1.0 - level) + params.overflow * (level == 0.0)
    return lack
