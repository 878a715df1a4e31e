"""The solver on small tables of costs, against every matching there is."""

import itertools
import random

import numpy as np
import pytest

from routing.solver import solve


def every_matching(allowed: list[list[bool]]) -> list[tuple[tuple[int, int], ...]]:
    """All sets of allowed pairs in which no row and no column occurs twice."""
    n_rows, n_columns = len(allowed), len(allowed[0])
    found = []
    for columns in itertools.product([None, *range(n_columns)], repeat=n_rows):
        pairs = tuple((row, column) for row, column in enumerate(columns) if column is not None)
        taken = [column for _, column in pairs]
        if len(set(taken)) == len(taken) and all(allowed[row][column] for row, column in pairs):
            found.append(pairs)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_among_equals_first_rows_get_first_columns(seed: int) -> None:
    """Most pairs, then least cost, then the written tie rule, in tables full of ties and of forbidden pairs."""
    draw = random.Random(seed)
    shape = draw.randint(1, 4), draw.randint(1, 4)
    cost = np.array([[float(draw.randint(0, 2)) for _ in range(shape[1])] for _ in range(shape[0])])
    allowed = np.array([[draw.random() < 0.8 for _ in range(shape[1])] for _ in range(shape[0])])

    def rank(pairs: tuple[tuple[int, int], ...]) -> tuple[int, float, int]:
        firsts = sum((shape[0] - row) * (shape[1] - column) for row, column in pairs)
        return (-len(pairs), sum(float(cost[pair]) for pair in pairs), -firsts)

    best = min(rank(pairs) for pairs in every_matching(allowed.tolist()))
    assert rank(tuple(solve(cost, allowed))) == best


def test_a_row_without_an_allowed_column_stays_out_and_infinite_costs_do_no_harm() -> None:
    """What is forbidden may cost anything, infinity included."""
    cost = np.array([[np.inf, 1.0], [np.inf, np.inf]])
    assert solve(cost, np.isfinite(cost)) == [(0, 1)]
    assert solve(cost, np.zeros((2, 2), dtype=bool)) == []


def test_an_infinite_cost_forbids_what_is_allowed() -> None:
    """Two rows that can pay for the first column alone: one of them gets it, and the finite costs decide which."""
    cost = np.array([[5.0, np.inf], [4.0, np.inf]])
    assert solve(cost, np.ones((2, 2), dtype=bool)) == [(1, 0)]
    assert solve(np.full((2, 2), np.inf), np.ones((2, 2), dtype=bool)) == []
