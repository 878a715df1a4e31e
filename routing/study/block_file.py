"""Blocks from a file of tickets: what a plan needs to know of them, and what a finished switchback found."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing.checks import refuse_negative, refuse_unless_positive
from routing.errors import InvalidParams, InvalidTable
from routing.originals.scoring import Indices
from routing.originals.tables import Floats, read_numbers, read_rows
from routing.plain import parse_time
from routing.study.switchback import CONTROL, TREATED, Blocks, Estimate, estimate_switchback, measure_blocks

_ARMS = {"control": CONTROL, "treated": TREATED}


@dataclass(frozen=True, slots=True)
class Tickets:
    """In order of arrival: minutes since `begins_at`, which is the first one's full hour, and the value that is compared.

    `arm` is CONTROL or TREATED for each, or None where the file has no such column.
    """

    begins_at: datetime
    minute: Floats
    value: Floats
    arm: Indices | None


@dataclass(frozen=True, slots=True)
class BlockStudy:
    """`used` blocks had tickets after their washout. `estimate` is None for a file without arms."""

    begins_at: datetime
    tickets: int
    used: int
    blocks: Blocks
    estimate: Estimate | None


def read_tickets(path: Path) -> Tickets:
    """Read arrived_at (ISO 8601 with offset), value and, if it is there, arm (control, treated). Raises InvalidTable."""
    rows = read_rows(path, ("arrived_at", "value"))
    moments = [_moment(path, line, row["arrived_at"]) for line, row in enumerate(rows, start=2)]
    values = read_numbers(path, rows, "value", False)
    arms = (
        [_arm(path, line, row["arm"]) for line, row in enumerate(rows, start=2)] if "arm" in rows[0] else None
    )
    begins_at = min(moments).replace(minute=0, second=0, microsecond=0)
    minute = np.array([(moment - begins_at) / timedelta(minutes=1) for moment in moments])
    line = np.argsort(minute, kind="stable")
    return Tickets(begins_at, minute[line], values[line], None if arms is None else np.array(arms)[line])


def study_blocks(tickets: Tickets, block_minutes: float, washout_minutes: float) -> BlockStudy:
    """Cut into blocks from `begins_at` on, leave out each one's washout, and measure.

    With arms, their means are taken out before the blocks are measured, blocks 1 and 2, 3 and 4 and so on are pairs, and
    a pair in which a block has no tickets is left out. Raises InvalidParams where blocks or pairs are not as planned.
    """
    refuse_unless_positive(InvalidParams, "block_minutes", block_minutes)
    refuse_negative(InvalidParams, "washout_minutes", washout_minutes)
    counted = tickets.minute % block_minutes >= washout_minutes
    block, value = (tickets.minute[counted] // block_minutes).astype(np.int64), tickets.value[counted]
    present = np.unique(block)
    if len(present) < 3:
        raise InvalidParams("at least three blocks with tickets after their washout are needed")
    estimate, apart = None, value
    if tickets.arm is not None:
        arm = tickets.arm[counted]
        estimate = _estimate(value, block, arm)
        apart = value - np.array([value[arm == each].mean() for each in (CONTROL, TREATED)])[arm]
    per_hour = len(value) / (len(present) * (block_minutes - washout_minutes) / 60.0)
    by_block = np.split(apart, np.flatnonzero(np.diff(block)) + 1)
    return BlockStudy(
        tickets.begins_at,
        len(value),
        len(present),
        measure_blocks(by_block, per_hour, block_minutes, washout_minutes),
        estimate,
    )


def _estimate(value: Floats, block: Indices, arm: Indices) -> Estimate:
    n_blocks = int(block.max()) // 2 * 2 + 2
    tickets, treated = np.bincount(block, minlength=n_blocks), np.bincount(block, arm, n_blocks)
    mixed = np.flatnonzero((treated > 0) & (treated < tickets))
    if len(mixed):
        raise InvalidParams(f"block {mixed[0] + 1} has tickets of both arms: is its length right?")
    full: NDArray[np.bool_] = np.all((tickets > 0).reshape(-1, 2), axis=1)
    order = (treated > 0).astype(np.int64)
    alike = np.flatnonzero(full & (order.reshape(-1, 2).sum(axis=1) != 1))
    if len(alike):
        raise InvalidParams(
            f"blocks {2 * alike[0] + 1} and {2 * alike[0] + 2} are of one arm: a pair has one of each"
        )
    place = np.cumsum(full) - 1  # pairs that are left, numbered anew
    kept = full[block // 2]
    return estimate_switchback(
        value[kept], 2 * place[block[kept] // 2] + block[kept] % 2, order.reshape(-1, 2)[full].ravel()
    )


def _moment(path: Path, line: int, text: str) -> datetime:
    try:
        return parse_time(text).astimezone(UTC)
    except InvalidTable as problem:
        raise InvalidTable(f"{path.name}, line {line}: {problem}") from problem


def _arm(path: Path, line: int, text: str) -> int:
    if text not in _ARMS:
        raise InvalidTable(f"{path.name}, line {line}: arm must be control or treated, not {text!r}")
    return _ARMS[text]
