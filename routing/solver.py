"""The joint optimum: as many tasks as possible, then the lowest total cost, then a written tie rule.

Ties: costs that differ by less than a millionth count as equal; then the task first in line is not the one that waits,
agents are used from the left, and the task first in line gets the agent further left. Callers put their lines in order.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

_TIE_SIZE = 1e-6


def solve(cost: NDArray[np.float64], allowed: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the chosen (row, column) pairs, by row; disallowed pairs are never among them.

    Infinite costs make SciPy's solver raise when they leave no full matching, so a disallowed pair costs a finite
    penalty that no rearrangement of allowed pairs can outweigh, and is dropped from the answer.
    """
    if not allowed.any():
        return []
    lowest, highest = float(cost[allowed].min()), float(cost[allowed].max())
    penalty = (highest - lowest + 1.0) * (min(cost.shape) + 1.0)
    priced = np.where(allowed, cost - lowest - _tie_bonus(cost.shape), penalty)
    rows, columns = linear_sum_assignment(priced)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if allowed[r, c]]


def _tie_bonus(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Largest for the first row and column, and supermodular: it is best spent by pairing first with first."""
    n_rows, n_columns = shape
    places = np.outer(
        np.arange(n_rows, 0, -1, dtype=np.float64), np.arange(n_columns, 0, -1, dtype=np.float64)
    )
    return _TIE_SIZE * places / (n_rows * n_columns)
