"""How many tasks and agents a matching moves up or down a tier against random assignment: an expectation, not a count.

A task goes up when its agent is of a higher tier than the one that chance would have given it; an agent goes up when a
task of theirs is of a higher tier than a task that chance would have given them. Chance deals evenly: any agent (any
task) is as likely as any other, so the expectation is exact and needs no draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.originals.comparison import TierDeal, merge
from routing.originals.scoring import Indices, Tier
from routing.originals.tables import Floats


@dataclass(frozen=True, slots=True)
class Moves:
    """Of one tier's tasks or agents: how many there are, and how many of them are expected to go up, stay, go down."""

    tier: Tier
    count: int
    up: float
    same: float
    down: float


@dataclass(frozen=True, slots=True)
class TierMoves:
    """Both sides, by their own tier, the highest first."""

    tasks: tuple[Moves, ...]
    agents: tuple[Moves, ...]


def tier_places(tiers: dict[Tier, Indices]) -> Indices:
    """Each one's tier as its place in Tier, 0 the highest; everyone is in one of the tiers."""
    places = np.empty(sum(len(members) for members in tiers.values()), dtype=np.int64)
    for place, tier in enumerate(Tier):
        places[tiers[tier]] = place
    return places


def expect_moves(deals: Sequence[TierDeal], task_tier: Indices, agent_tier: Indices) -> TierMoves:
    """`task_tier`, `agent_tier`: as by `tier_places`; counted are the tasks that were dealt and the agents that got any."""
    dealt, staff = merge(deals), np.concatenate([deal.agents for deal in deals if deal.dealt is not None])
    pairs = np.zeros((len(Tier), len(Tier)))
    np.add.at(pairs, (task_tier[dealt.tasks], agent_tier[dealt.agents]), 1)
    tasks_in, agents_in = pairs.sum(axis=1), _count(agent_tier[staff])
    return TierMoves(
        tasks=_moves(pairs, tasks_in, agents_in / agents_in.sum()),
        agents=_moves(pairs.T, _count(agent_tier[np.unique(dealt.agents)]), tasks_in / tasks_in.sum()),
    )


def _moves(pairs: Floats, count: Floats, by_chance: Floats) -> tuple[Moves, ...]:
    """`pairs`: shape (own tier, the other's tier); `by_chance`: chance of each of the other's tiers."""
    lower = np.maximum(0.0, 1.0 - by_chance.cumsum())  # chance of another of a lower tier than this one
    found = []
    for place, tier in enumerate(Tier):
        matched = pairs[place] / max(float(pairs[place].sum()), 1.0)
        up, same = float(matched @ lower), float(matched @ by_chance)
        n = int(count[place])
        found.append(Moves(tier, n, n * up, n * same, n * max(0.0, float(matched.sum()) - up - same)))
    return tuple(found)


def _count(places: Indices) -> Floats:
    return np.bincount(places, minlength=len(Tier)).astype(np.float64)
