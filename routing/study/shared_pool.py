"""A small desk to try experiments on: one pool of agents, two arms that share it.

Tickets arrive at random (Poisson), handling times are exponential, whoever is free takes the first in line, nobody is
interrupted. It is far simpler than `routing.simulation`, and made for one question only: what an experiment sees of an
effect that is known. With one arm alone the answer is Erlang's (M/M/c), so the truth needs no simulation.
"""

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from routing.checks import refuse_unless_count, refuse_unless_positive
from routing.errors import InvalidParams
from routing.originals.scoring import Indices
from routing.originals.tables import Floats
from routing.study.switchback import TREATED


@dataclass(frozen=True, slots=True)
class Pool:
    """A desk and what its treated tickets get: another mean handling time, or the right to go first, or both.

    Times in minutes. Raises InvalidParams where a number makes no sense or the work of one arm alone is more than the
    agents can do.
    """

    agents: int = 10
    per_hour: float = 24.0
    control_minutes: float = 20.0
    treated_minutes: float = 16.0
    treated_goes_first: bool = False

    def __post_init__(self) -> None:
        refuse_unless_count(InvalidParams, "agents", self.agents)
        for name in ("agents", "per_hour", "control_minutes", "treated_minutes"):
            refuse_unless_positive(InvalidParams, name, getattr(self, name))
        for minutes in (self.control_minutes, self.treated_minutes):
            if self.load(minutes) >= 1.0:
                raise InvalidParams(
                    f"{self.per_hour:g} tickets an hour of {minutes:g} minutes are more than {self.agents} agents can do"
                )

    def load(self, minutes: float) -> float:
        """Work that arrives over the work the agents can do, when every ticket takes `minutes` on average."""
        return self.per_hour * minutes / 60.0 / self.agents

    @property
    def true_difference(self) -> float:
        """Minutes from asking to resolved, everybody treated minus everybody not. Who goes first then changes nothing."""
        return self._alone(self.treated_minutes) - self._alone(self.control_minutes)

    def _alone(self, minutes: float) -> float:
        load = self.load(minutes)
        waits = chance_of_waiting(self.agents, load)
        return minutes + waits * minutes / (self.agents * (1.0 - load))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One stretch of time: when tickets arrive, in minutes from its beginning, and how long they take, in means."""

    minute: Floats
    effort: Floats


def chance_of_waiting(agents: int, load: float) -> float:
    """Erlang's C: the chance that all agents are busy; `load` below 1. By the recursion of his B, which cannot overflow."""
    blocked = 1.0
    for staff in range(1, agents + 1):
        blocked = load * agents * blocked / (staff + load * agents * blocked)
    return blocked / (1.0 - load * (1.0 - blocked))


def draw_arrivals(pool: Pool, minutes: float, rng: np.random.Generator) -> Arrivals:
    """Tickets of `minutes` minutes."""
    count = int(rng.poisson(pool.per_hour * minutes / 60.0))
    return Arrivals(np.sort(rng.uniform(0.0, minutes, count)), rng.exponential(1.0, count))


def resolve_by_ticket(pool: Pool, arrivals: Arrivals, arm: Indices) -> Floats:
    """Minutes from asking to resolved of each ticket, when each is handled as its own arm (CONTROL or TREATED) says."""
    handling = (
        arrivals.effort * np.where(arm == TREATED, pool.treated_minutes, pool.control_minutes)
    ).tolist()
    rank = np.where(arm == TREATED, 0, 1) if pool.treated_goes_first else np.zeros(len(arm), dtype=np.int64)
    return _serve(arrivals.minute.tolist(), rank.tolist(), pool.agents, lambda ticket, now: handling[ticket])


def resolve_by_block(pool: Pool, arrivals: Arrivals, order: Indices, block_minutes: float) -> Floats:
    """The same when the whole desk works as the arm of the moment says: `order` holds each block's, from minute 0 on.

    What counts is when a ticket is taken. All that wait are of one arm then, so nobody goes first.
    """
    means = np.where(order == TREATED, pool.treated_minutes, pool.control_minutes).tolist()
    effort, last = arrivals.effort.tolist(), len(order) - 1
    return _serve(
        arrivals.minute.tolist(),
        [0] * len(effort),
        pool.agents,
        lambda ticket, now: effort[ticket] * means[min(last, int(now // block_minutes))],
    )


def _serve(minute: list[float], rank: list[int], agents: int, takes: Callable[[int, float], float]) -> Floats:
    """Each time an agent is free, the ticket of the lowest rank, then the longest waiting, is taken.

    `takes(ticket, now)`: the minutes it is worked on.
    """
    free_at = [-math.inf] * agents
    waiting: list[tuple[int, int]] = []
    took, arrived = np.empty(len(minute)), 0
    for _ in minute:
        now = free_at[0] if waiting else max(free_at[0], minute[arrived])
        while arrived < len(minute) and minute[arrived] <= now:
            heapq.heappush(waiting, (rank[arrived], arrived))
            arrived += 1
        _, ticket = heapq.heappop(waiting)
        done = now + takes(ticket, now)
        heapq.heapreplace(free_at, done)
        took[ticket] = done - minute[ticket]
    return took
