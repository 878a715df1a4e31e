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
    """Term by term, arrays that broadcast to (n_tasks, n_agents); what hangs on the place is added for slots."""

    def __init__(
        self, line: Line, roster: Roster, facts: Facts, pairs: Eligibility, params: AdaptiveParams
    ) -> None:
        self._line, self._roster, self._params = line, roster, params
        self.terms: dict[str, Floats] = {
            "gap": params.gap * score_gap(facts.lack, params.overqualified) / params.gap_scale,
            "similarity": params.similarity * (1.0 - facts.alike) / params.similarity_scale,
            "work": params.work * facts.minutes / params.typical_minutes,
            "skill": params.skill * (1.0 - facts.skill_level) + params.overflow * (facts.skill_level == 0.0),
            "fairness": (params.fairness * roster.busy_share)[np.newaxis, :],
            "overflow": params.overflow * pairs.broken.astype(np.float64),
            "sticky": _sticky(line, roster, params),
            "waiting": -urgency(line, params)[:, np.newaxis],
        }
        self.pair_costs: Floats = np.zeros((len(line), len(roster.agents)))
        for term in self.terms.values():
            self.pair_costs += term

    def slot_costs(self, slots: Slots) -> Floats:
        """Costs of shape (n_tasks, n_slots)."""
        costs: Floats = self.pair_costs[:, slots.owner] + self.in_hand(slots.owner, slots.in_hand)
        if slots.minutes.any():
            later = np.flatnonzero(slots.minutes)
            costs[:, later] += hold_price(self._line, slots.minutes[later], self._params)
        return costs

    def free_costs(self) -> Floats:
        """Costs of each pair for the agent's first free place, shape (n_tasks, n_agents)."""
        costs: Floats = self.pair_costs + self.in_hand(np.arange(len(self._roster.agents)), self._roster.load)
        return costs

    def in_hand(self, owner: np.ndarray, in_hand: np.ndarray) -> Floats:
        """The term for what agents have in hand besides, shape (n_slots,)."""
        share: Floats = self._params.in_hand * in_hand / np.maximum(1, self._roster.capacity[owner])
        return share


def score_gap(lack: Floats, overqualified: float) -> Floats:
    """A lack as it is, a surplus squared and weighed; at least 0."""
    return np.where(lack > 0.0, lack, overqualified * lack**2)


def hold_price(line: Line, minutes: Floats, params: AdaptiveParams) -> Floats:
    """What waiting so many minutes costs each task, shape (n_tasks, n_slots); infinite where no time was allowed."""
    with np.errstate(divide="ignore"):
        a_minute = params.hold_price * (params.hold_floor + 60.0 * params.hold_sla / line.allowed_s)
    left_minutes = (line.deadline_s - line.now_s) / 60.0
    late = minutes > 0.5 * left_minutes[:, np.newaxis]
    price: Floats = a_minute[:, np.newaxis] * minutes + params.hold_late * late
    return price


def _sticky(line: Line, roster: Roster, params: AdaptiveParams) -> Floats:
    if all(task.previous_agent is None for task in line.tasks):
        return np.zeros((1, 1))
    taken_off = np.zeros((len(line), len(roster.agents)))
    for row, task in enumerate(line.tasks):
        if task.previous_agent in roster.column_of:
            taken_off[row, roster.column_of[task.previous_agent]] = -params.sticky
    return taken_off
