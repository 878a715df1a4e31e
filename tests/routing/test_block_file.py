"""Blocks of one's own tickets, from a file through the command."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from routing.study.shared_pool import Pool, draw_arrivals, resolve_by_block
from routing.study.switchback import TREATED, draw_order, estimate_switchback
from tests.routing.front_door import refused, run_routing

BEGIN = datetime.fromisoformat("2025-03-03T08:00:00+01:00")
Row = tuple[float, float, str | None]


def write(path: Path, rows: Sequence[Row]) -> str:
    """Rows of minute since BEGIN, value and arm as a file; returns the option."""
    has_arm = rows[0][2] is not None
    lines = ["arrived_at,value" + (",arm" if has_arm else "")]
    for minute, value, arm in rows:
        moment = (BEGIN + timedelta(minutes=minute)).isoformat()
        lines.append(f"{moment},{value}" + (f",{arm}" if has_arm else ""))
    path.write_text("\n".join([*lines, ""]))
    return f"--data={path}"


def study(*arguments: str) -> dict:
    done = run_routing("design", "blocks", *arguments, "--json")
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


def test_a_finished_switchback_is_estimated_from_its_tickets(tmp_path: Path) -> None:
    """The file says what the tickets say: the same estimate, and figures that `design switchback` takes as they are."""
    pool, rng = Pool(), np.random.default_rng(0)
    order = draw_order(40, rng)
    arrivals = draw_arrivals(pool, 40 * 240.0, rng)
    took = resolve_by_block(pool, arrivals, order, 240.0)
    block = (arrivals.minute // 240.0).astype(int)
    arms = np.where(order[block] == TREATED, "treated", "control")
    option = write(tmp_path / "tickets.csv", list(zip(arrivals.minute, took, arms, strict=True)))
    found = study(option, "--washout-minutes=60")
    late = arrivals.minute % 240.0 >= 60.0
    expected = estimate_switchback(took[late], block[late], order)
    assert found["estimate"]["difference"] == pytest.approx(expected.difference, abs=1e-4)
    assert (found["estimate"]["low"], found["estimate"]["high"]) == pytest.approx(
        (expected.low, expected.high), abs=1e-4
    )
    assert (found["used"], found["tickets"]) == (40, late.sum())
    assert found["blocks"]["per_hour"] == pytest.approx(24.0, rel=0.1)
    said = run_routing("design", "blocks", option).out
    assert "Treated minus control:" in said
    assert "from 2025-03-03 07:00 UTC on" in said
    options = said.split("design switchback ")[1].split("\n")[0].split()
    assert "find a difference of 2 " in run_routing("design", "switchback", "--difference=2", *options).out


def test_an_ordinary_week_is_measured_without_arms(tmp_path: Path) -> None:
    """No estimate, no arm column; nights without tickets are no blocks; the order of the rows does not matter."""
    rng = np.random.default_rng(1)
    rows: list[Row] = [
        (day * 1440.0 + minute, 10.0 + day + rng.normal(), None)
        for day in range(20)
        for minute in np.arange(0.0, 480.0, 4.0)
    ]
    found = study(write(tmp_path / "week.csv", rows), "--block-minutes=240", "--washout-minutes=0")
    assert (found["used"], found["estimate"]) == (40, None)
    assert found["blocks"]["within_sd"] == pytest.approx(1.0, abs=0.1)
    assert found["blocks"]["between_sd"] == pytest.approx(np.std(np.arange(20.0)), rel=0.1)
    assert found["blocks"]["per_hour"] == 15.0
    mixed = [rows[0], *(rows[at] for at in rng.permutation(len(rows) - 1) + 1)]
    assert study(write(tmp_path / "mixed.csv", mixed), "--washout-minutes=0") == found


def test_a_pair_with_an_empty_block_is_left_out(tmp_path: Path) -> None:
    """Its other block still tells how blocks vary."""
    arms = {0: "control", 1: "treated", 3: "control", 4: "treated", 5: "control"}
    rows: list[Row] = [
        (block * 60.0 + minute, 5.0 + minute / 10 + 2.0 * (arm == "treated") + 99.0 * (block == 3), arm)
        for block, arm in arms.items()
        for minute in range(0, 60, 10)
    ]
    found = study(write(tmp_path / "gap.csv", rows), "--block-minutes=60", "--washout-minutes=0")
    assert found["estimate"]["difference"] == pytest.approx(2.0)
    assert found["used"] == 5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("when,value\n", "lacks the column arrived_at"),
        ("arrived_at,value\nyesterday,1\n", "line 2: not a time (ISO 8601): 'yesterday'"),
        ("arrived_at,value\n2025-03-03T08:00:00,1\n", "line 2: a time needs an offset"),
        ("arrived_at,value\n2025-03-03T08:00:00+00:00,-1\n", "line 2: value must be a finite number of at least 0"),
        ("arrived_at,value\n2025-03-03T08:00:00+00:00,nan\n", "line 2: value must be a finite number"),
        ("arrived_at,value,arm\n2025-03-03T08:00:00+00:00,1,b\n", "line 2: arm must be control or treated, not 'b'"),
        ("arrived_at,value\n2025-03-03T08:00:00+00:00,1\n", "at least three blocks with tickets"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_in_one_line(text: str, complaint: str, tmp_path: Path) -> None:
    """Exit code 2, the line and what is wrong with it."""
    (tmp_path / "tickets.csv").write_text(text)
    assert complaint in refused(
        "design", "blocks", f"--data={tmp_path / 'tickets.csv'}", "--washout-minutes=0"
    )


@pytest.mark.parametrize(
    ("arms", "complaint"),
    [
        (("control", "treated", "control", "control"), "blocks 3 and 4 are of one arm"),
        (("control", "treated", "mixed", "treated"), "block 3 has tickets of both arms"),
        (("control", "treated", "control"), "two pairs of blocks"),
    ],
)
def test_arms_that_are_not_as_planned_are_refused(
    arms: Sequence[str], complaint: str, tmp_path: Path
) -> None:
    """A pair has one block of each arm, a block has one arm, and one pair is not enough."""
    rows: list[Row] = [
        (block * 60.0 + minute, 1.0, ("control", "treated")[minute // 30] if arm == "mixed" else arm)
        for block, arm in enumerate(arms)
        for minute in (0, 30)
    ]
    option = write(tmp_path / "tickets.csv", rows)
    assert complaint in refused("design", "blocks", option, "--block-minutes=60", "--washout-minutes=0")


@pytest.mark.parametrize("option", ["--block-minutes=0", "--washout-minutes=nan", "--washout-minutes=-1"])
def test_impossible_blocks_are_refused(option: str, tmp_path: Path) -> None:
    """One line, exit code 2."""
    assert "must be a finite number" in refused(
        "design", "blocks", write(tmp_path / "t.csv", [(0.0, 1.0, None)]), option
    )
