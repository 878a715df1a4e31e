"""The joint optimum: as many tasks as possible, then the lowest total cost, then a written tie rule.

Ties: costs that differ by less than a millionth count as equal; then the task first in line is not the one that waits,
agents are used from the left, and the task first in line gets the agent further left. Callers put their lines in order.

Most rows of a long line cannot be in the optimum and are left out before SciPy is asked.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_TIE_SIZE = 1e-6

Costs = NDArray[np.float64]


def solve(cost: Costs, allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the chosen (row, column) pairs, by row; disallowed pairs, and such of infinite cost, are never among them.

    Infinite costs make SciPy's solver raise when they leave no full matching, so a disallowed pair costs a finite
    penalty that no rearrangement of allowed pairs can outweigh, and is dropped from the answer.
    """
    allowed = allowed & np.isfinite(cost)
    if not allowed.any():
        return []
    lowest = float(np.where(allowed, cost, np.inf).min())
    highest = float(np.where(allowed, cost, -np.inf).max())
    penalty = (highest - lowest + 1.0) * (min(cost.shape) + 1.0)
    priced = np.where(allowed, cost - _tie_bonus(cost.shape) - lowest, penalty)
    rows = _rows_that_matter(priced)
    at, columns = linear_sum_assignment(priced[rows])
    chosen = zip(rows[at].tolist(), columns.tolist(), strict=True)
    return [(r, c) for r, c in chosen if allowed[r, c]]


def _rows_that_matter(priced: Costs) -> NDArray[np.int64]:
    """With k columns, those that are among the k cheapest of some column.

    A column matched with any other row could change to one of its k cheapest: k - 1 other columns cannot hold them all.
    """
    n_rows, n_columns = priced.shape
    if n_rows <= n_columns:
        return np.arange(n_rows)
    worst = np.partition(priced, n_columns - 1, axis=0)[n_columns - 1]
    return np.flatnonzero((priced <= worst).any(axis=1))


def _tie_bonus(shape: tuple[int, int]) -> Costs:
    """Largest for the first row and column, and supermodular: it is best spent by pairing first with first."""
    n_rows, n_columns = shape
    places = np.outer(
        np.arange(n_rows, 0, -1, dtype=np.float64), np.arange(n_columns, 0, -1, dtype=np.float64)
    )
    return _TIE_SIZE * places / (n_rows * n_columns)
