"""Refusals shared by everything that is built from numbers and times: one clear line each."""

import math
from datetime import datetime

from routing.errors import RoutingError


def refuse_unless_share(error: type[RoutingError], what: str, value: float) -> None:
    """Raise `error` unless `value` is a number from 0 to 1."""
    if not _is_number(value) or not 0.0 <= value <= 1.0:
        raise error(f"{what} must be a number from 0 to 1, not {value!r}")


def refuse_negative(error: type[RoutingError], what: str, value: float) -> None:
    """Raise `error` unless `value` is a finite number of at least 0."""
    if not _is_number(value) or not math.isfinite(value) or value < 0.0:
        raise error(f"{what} must be a finite number of at least 0, not {value!r}")


def refuse_unless_positive(error: type[RoutingError], what: str, value: float) -> None:
    """Raise `error` unless `value` is a finite number above 0."""
    if not _is_number(value) or not math.isfinite(value) or value <= 0.0:
        raise error(f"{what} must be a finite number above 0, not {value!r}")


def refuse_unless_count(error: type[RoutingError], what: str, value: int) -> None:
    """Raise `error` unless `value` is a whole number of at least 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise error(f"{what} must be a whole number of at least 0, not {value!r}")


def refuse_naive(error: type[RoutingError], what: str, moment: datetime) -> None:
    """Raise `error` unless `moment` knows its time zone: naive times hide an hour twice a year."""
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise error(f"{what} must be a datetime with a time zone, not {moment!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
