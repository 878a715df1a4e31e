"""Files of the published matchings: tasks, agents and market similarity as CSV (plain or gzip)."""

import csv
import gzip
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from routing.errors import InvalidTable

Floats = NDArray[np.float64]

_TASK_NUMBERS = (
    "punish_num",
    "days_to_latest_punish",
    "avg_revenue",
    "revenue",
    "days_to_start",
    "baseline_st_min",
)
_TASK_EXTRAS = ("model_risk", "start_time_missing")
_TASK_GAPS = ("punish_num", "revenue", "model_risk")
_AGENT_NUMBERS = ("productivity", "utilisation", "handling_time", "accuracy")


@dataclass(frozen=True, slots=True)
class TaskTable:
    """Columns of equal length, one entry for each task; NaN where `punish_num`, `revenue` or `model_risk` has a gap.

    The last two are not part of the published scores, and None where the file lacks them: a model's risk in [0, 1], and
    1 where `days_to_start` is only a stand-in.
    """

    country: tuple[str, ...]
    punish_num: Floats
    days_to_latest_punish: Floats
    avg_revenue: Floats
    revenue: Floats
    days_to_start: Floats
    baseline_st_min: Floats
    model_risk: Floats | None = None
    start_time_missing: Floats | None = None


@dataclass(frozen=True, slots=True)
class AgentTable:
    """Columns of equal length, one entry for each agent; NaN where a number is missing."""

    markets: tuple[tuple[str, ...], ...]
    productivity: Floats
    utilisation: Floats
    handling_time: Floats
    accuracy: Floats


@dataclass(frozen=True, slots=True)
class SimilarityTable:
    """Similarity of unordered pairs of countries, each in [0, 1]."""

    pairs: dict[tuple[str, str], float]


def read_tasks(path: Path) -> TaskTable:
    """Read tasks; gaps are allowed in punish_num, revenue and model_risk. Raises InvalidTable with the line."""
    rows = read_rows(path, ("country", *_TASK_NUMBERS))
    names = [*_TASK_NUMBERS, *(name for name in _TASK_EXTRAS if name in rows[0])]
    columns = {name: read_numbers(path, rows, name, name in _TASK_GAPS) for name in names}
    for name in set(names) & set(_TASK_EXTRAS):
        _refuse_above_1(path, name, columns[name])
    return TaskTable(tuple(row["country"] for row in rows), **columns)


def read_agents(path: Path) -> AgentTable:
    """Read agents; gaps are allowed in every number. Markets are separated by |. Raises InvalidTable with the line."""
    rows = read_rows(path, ("markets", *_AGENT_NUMBERS))
    columns = {name: read_numbers(path, rows, name, True) for name in _AGENT_NUMBERS}
    return AgentTable(tuple(tuple(row["markets"].split("|")) for row in rows), **columns)


def read_similarity(path: Path) -> SimilarityTable:
    """Read similarities of pairs of countries. Raises InvalidTable with the line."""
    rows = read_rows(path, ("country_a", "country_b", "similarity"))
    values = read_numbers(path, rows, "similarity", False)
    _refuse_above_1(path, "similarity", values)
    pairs = zip(rows, values, strict=True)
    return SimilarityTable({(row["country_a"], row["country_b"]): float(value) for row, value in pairs})


def _refuse_above_1(path: Path, name: str, values: Floats) -> None:
    for at in np.flatnonzero(values > 1.0):
        raise InvalidTable(f"{path.name}, line {at + 2}: {name} must be from 0 to 1, not {values[at]:g}")


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file, plain or gzip, at least one; further columns are kept. Raises InvalidTable with the line."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text), strict=True)
        rows = list(reader)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as problem:
        raise InvalidTable(
            f"cannot read {path}: {getattr(problem, 'strerror', None) or problem}"
        ) from problem
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise InvalidTable(f"{path.name} lacks the column {', '.join(missing)}")
    for line, row in enumerate(rows, start=2):
        if any(row[name] is None for name in columns):
            raise InvalidTable(f"{path.name}, line {line}: too few columns")
    if not rows:
        raise InvalidTable(f"{path.name} has no rows")
    return rows


def read_numbers(path: Path, rows: Sequence[dict[str, str]], name: str, gaps: bool) -> Floats:
    """One column as finite floats of at least 0; an empty field is NaN where gaps are allowed. Raises InvalidTable."""
    values = np.empty(len(rows))
    for at, row in enumerate(rows):
        field = row[name].strip()
        try:
            values[at] = math.nan if gaps and not field else float(field)
        except ValueError:
            raise InvalidTable(f"{path.name}, line {at + 2}: {name} is not a number: {field!r}") from None
        if field and not (math.isfinite(values[at]) and values[at] >= 0.0):
            raise InvalidTable(
                f"{path.name}, line {at + 2}: {name} must be a finite number of at least 0, not {field}"
            )
    return values
