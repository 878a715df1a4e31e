"""The published ways to give tasks to agents of one tier: matching 1 (Hungarian batches), matching 2 (by the clock), random.

Each returns `Dealt`: for every task who got it. Only matching 1 knows padding, and drops it before it answers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from routing.originals.scoring import EXACT_DECIMALS, Indices, Scored
from routing.originals.tables import Floats

_WEIGHT_SCORE, _WEIGHT_SIMILARITY, _WEIGHT_WORK = 0.3, 0.3, 0.4

LARGEST_SOLVED_AS_IS = 512
"""Rows of a batch. All pairings of least loss of a batch have the same sums of every part, but an agent with one task
less weighs each of theirs more, so which pairing it was shows in a tier's mean similarity: by .0001 among 300 agents, by
less than .00001 among 700 (published data). Larger batches are solved the quick way without harm to 4 decimals."""

Progress = Callable[[int], None]
"""Told how many more tasks are done."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """Tasks and who got each: two index arrays of one length."""

    tasks: Indices
    agents: Indices


def batch_loss(score_difference: Floats, similarity: Floats, work_in_hand: Floats) -> Floats:
    """.3 z(score difference) - .3 z(similarity) + .4 z(work in hand), each standardised over the batch (sample deviation)."""
    loss: Floats = (
        _WEIGHT_WORK * _standardise_batch(work_in_hand)
        + _WEIGHT_SCORE * _standardise_batch(score_difference)
        - _WEIGHT_SIMILARITY * _standardise_batch(similarity)
    )
    return loss


def deal_hungarian(
    scored: Scored, tasks: Indices, agents: Indices, *, as_published: bool, progress: Progress
) -> Dealt:
    """Matching 1: tasks by falling score in batches as large as the tier's staff, each batch one to one at least loss.

    Tasks of equal score stand in line as in the file. Many pairings of a batch have the very same loss.
    `as_published` fills up the last batch with dummies (score 0, no country, length 0), which take part in the
    standardising, and leaves it to the solver which of them it takes, up to LARGEST_SOLVED_AS_IS agents.
    """
    as_is = as_published and len(agents) <= LARGEST_SOLVED_AS_IS
    line = tasks[np.argsort(-scored.task_score[tasks], kind="stable")]
    in_hand = np.zeros(len(agents))
    owners = np.empty(len(line), dtype=np.int64)
    for start in range(0, len(line), len(agents)):
        batch = line[start : start + len(agents)]
        padding = len(agents) - len(batch) if as_published else 0
        score = np.pad(scored.task_score[batch], (0, padding))
        length = np.pad(scored.task_length[batch], (0, padding))
        country = np.pad(scored.country[batch], (0, padding), constant_values=scored.unknown_country)
        work = np.multiply.outer(length, scored.agent_pace[agents]) + in_hand
        difference = np.abs(np.subtract.outer(score, scored.agent_score[agents]))
        loss = batch_loss(difference, scored.similarity[np.ix_(country, agents)], work)
        rows, columns = linear_sum_assignment(loss) if as_is else _solve_quickly(loss)
        in_hand[columns] = work[rows, columns]
        real = rows < len(batch)
        owners[start + rows[real]] = columns[real]
        progress(len(batch))
    return Dealt(line, agents[owners])


def deal_greedy_clock(scored: Scored, tasks: Indices, agents: Indices, *, progress: Progress) -> Dealt:
    """Matching 2: every minute the highest tasks go to the highest free agents; who has a task is busy for its length.

    A length counts as minutes. Minutes in which nobody is free are skipped.
    """
    line = tasks[np.argsort(-scored.task_score[tasks], kind="stable")]
    staff = agents[np.argsort(-scored.agent_score[agents], kind="stable")]
    busy_until = np.zeros(len(staff))
    owners = np.empty(len(line), dtype=np.int64)
    minute, given = 0.0, 0
    while given < len(line):
        free = np.flatnonzero(busy_until <= minute)[: len(line) - given]
        batch = line[given : given + len(free)]
        owners[given : given + len(free)] = staff[free]
        busy_until[free] = minute + scored.task_length[batch] * scored.agent_pace[staff[free]]
        given += len(free)
        minute = max(minute + 1.0, float(np.ceil(busy_until.min())))
        progress(len(free))
    return Dealt(line, owners)


def deal_random(scored: Scored, tasks: Indices, agents: Indices, *, seed: int) -> Dealt:
    """Every agent gets the same number of tasks, give or take one; nothing else is looked at."""
    rng = np.random.default_rng(seed)
    rounds = -(-len(tasks) // len(agents))
    hands = np.concatenate([rng.permutation(agents) for _ in range(rounds)])
    return Dealt(rng.permutation(tasks), hands[: len(tasks)])


def _standardise_batch(values: Floats) -> Floats:
    """Sample standardisation; 0 where there is no spread, which includes a batch of one pair."""
    if values.size < 2:
        return np.zeros_like(values)
    middle, spread = (
        round(float(values.mean()), EXACT_DECIMALS),
        round(float(values.std(ddof=1)), EXACT_DECIMALS),
    )
    if not spread > 0.0:
        return np.zeros_like(values)
    standardised: Floats = (values - middle) / spread
    return standardised


def _solve_quickly(loss: Floats) -> tuple[Indices, Indices]:
    """The same least loss about three times as fast: without the rows' and columns' means the solver's paths are short.

    Taking a mean from a whole row or column moves every full matching alike; with fewer tasks than agents that no
    longer holds for the columns, so only the rows' means go.
    """
    centred = loss - loss.mean(axis=1, keepdims=True)
    if loss.shape[0] == loss.shape[1]:
        centred -= centred.mean(axis=0)
    columns, rows = linear_sum_assignment(np.ascontiguousarray(centred.T))
    return rows, columns
