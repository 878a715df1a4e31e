"""Who fits one task best, in order: for a card that shows the first five, or an agent who asks why they are not first."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from routing.adaptive.moment import Moment
from routing.adaptive.reasons import pair_terms, total
from routing.adaptive.roster import Roster
from routing.model import Task, Term
from routing.params import AdaptiveParams

_DEFAULTS = AdaptiveParams()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An agent who may take the task now. The terms add up to the cost within 1e-9."""

    agent_id: str
    cost: float
    terms: tuple[Term, ...]


def rank(
    task: Task, roster: Roster, now: datetime, params: AdaptiveParams = _DEFAULTS, top: int = 5
) -> tuple[Candidate, ...]:
    """At most `top` agents with a free place who pass every filter, cheapest first, the smaller id on a tie.

    The task is looked at alone: other tasks may have a better claim. Empty when nobody can take it.
    """
    moment = Moment([task], roster, now, params)
    costs = np.where(moment.open[0], moment.prices.free_costs()[0], np.inf)
    worst = np.partition(costs, top - 1)[top - 1] if len(costs) > top else np.inf
    columns = np.flatnonzero((costs <= worst) & (costs < np.inf))
    best = columns[np.argsort(costs[columns], kind="stable")][:top].tolist()
    return tuple(_candidate(moment, column) for column in best)


def _candidate(moment: Moment, column: int) -> Candidate:
    terms = pair_terms(moment, 0, column, moment.roster.agents[column].load)
    return Candidate(moment.roster.ids[column], total(terms), terms)
