"""Places a task can have: one for each task an agent can take now, and one for each that is about to be free."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.adaptive.roster import Counts, Floats, Roster
from routing.params import AdaptiveParams


@dataclass(frozen=True, slots=True)
class Slots:
    """One entry for each place, shape (n_slots,): free ones first, the least busy agent first, then by id.

    `in_hand` is what the agent will have in hand besides, `minutes` how long until the place is free (0: now).
    """

    owner: NDArray[np.int64]
    in_hand: NDArray[np.int64]
    minutes: Floats


def find_slots(
    roster: Roster, free: Counts, n_tasks: int, now_s: float, ends_s: Floats, params: AdaptiveParams
) -> Slots:
    """No agent needs more places than there are tasks. `ends_s` is when each agent leaves, in the past for who is not at
    work: nobody is waited for who leaves before the place is free, nor when the place should be free already."""
    counts = np.minimum(free, n_tasks)
    owner = np.repeat(np.arange(len(free)), counts)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    in_hand = roster.load[owner] + nth
    order = np.lexsort((owner, in_hand))
    soon = _soon_free(roster, now_s, ends_s, params) if params.hold else []
    return Slots(
        np.concatenate([owner[order], np.array([column for _, column, _ in soon], dtype=np.int64)]),
        np.concatenate([in_hand[order], np.array([left for left, _, _ in soon], dtype=np.int64)]),
        np.concatenate([np.zeros(len(owner)), np.array([minutes for _, _, minutes in soon])]),
    )


def _soon_free(
    roster: Roster, now_s: float, ends_s: Floats, params: AdaptiveParams
) -> list[tuple[int, int, float]]:
    """Of agents who have no free place: waiting for somebody who could start now makes no sense."""
    found = []
    for column, agent in enumerate(roster.agents):
        if not agent.free_at or agent.load < agent.capacity:
            continue
        for done, moment in enumerate(sorted(agent.free_at), start=1):
            free_s, in_hand = moment.timestamp(), agent.load - done
            minutes = (free_s - now_s) / 60.0
            is_soon = 0.0 < minutes <= params.hold_within_minutes and free_s < ends_s[column]
            if is_soon and in_hand < agent.capacity:
                found.append((in_hand, column, minutes))
    return sorted(found, key=lambda slot: (slot[2], slot[1]))
