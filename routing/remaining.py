"""How much longer work in hand will take, for the moments in `Agent.free_at`."""

from typing import overload

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtri_exp

from routing.checks import refuse_unless_positive
from routing.errors import InvalidParams


@overload
def expected_remaining(expected: float, elapsed: float, spread: float) -> float: ...
@overload
def expected_remaining(
    expected: NDArray[np.float64], elapsed: NDArray[np.float64], spread: float
) -> NDArray[np.float64]: ...
def expected_remaining(
    expected: float | NDArray[np.float64], elapsed: float | NDArray[np.float64], spread: float
) -> float | NDArray[np.float64]:
    """Minutes until half of the tasks that have lasted `elapsed` minutes will be done; scalars or arrays of one shape.

    Handling times are taken as lognormal with mean `expected` minutes (above 0) and a standard deviation of the logarithm
    of `spread`. What has lasted long already will last longer still, which "expected less elapsed" gets wrong.
    """
    refuse_unless_positive(InvalidParams, "spread", spread)
    middle = np.log(expected) - spread**2 / 2.0
    with np.errstate(divide="ignore"):
        still_going = log_ndtr(
            (middle - np.log(elapsed)) / spread
        )  # logarithms: no underflow after a long day
    ends = np.exp(middle - spread * ndtri_exp(still_going - np.log(2.0)))
    left = np.maximum(0.0, ends - elapsed)
    return left if np.ndim(left) else float(left)
