"""Writes the append-only event log to a file, in an open format.

Cells of a CSV that a spreadsheet would run as a formula get an apostrophe in front
(OWASP, "CSV Injection": = + - @, tab and carriage return).
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select

from bot.errors import BotError
from bot.storage.database import Database
from bot.storage.tables import Event

COLUMNS = ("id", "team_id", "at", "kind", "request_id", "actor_id", "data")
ROWS_AT_ONCE = 1_000
# Some spreadsheets skip what cannot be seen, and take the wide signs of East Asian keyboards for the narrow ones.
FORMULA = re.compile(r"[\t\r\n]|[\s\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def export_events(database: Database, out: Path, team_id: str | None = None) -> int:
    """Write every event, oldest first, to ``out`` (.jsonl, .csv, or ``-`` for the screen); return how many."""
    if str(out) != "-" and out.suffix not in {".jsonl", ".csv"}:
        raise BotError(f"export writes .jsonl or .csv, not {out.suffix or 'a file without ending'}")
    with _opened(out) as file:
        write = _csv_writer(file) if out.suffix == ".csv" else _jsonl_writer(file)
        count = 0
        for row in _events(database, team_id):
            write(row)
            count += 1
    return count


@contextmanager
def _opened(out: Path) -> Iterator[TextIO]:
    if str(out) == "-":
        yield sys.stdout
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise BotError(f"{out} cannot be written: {error.strerror}") from error


def _events(database: Database, team_id: str | None) -> Iterator[dict[str, Any]]:
    statement = select(Event).order_by(Event.id).execution_options(yield_per=ROWS_AT_ONCE)
    if team_id is not None:
        statement = statement.where(Event.team_id == team_id)
    with database.reading() as session:
        for event in session.scalars(statement):
            yield {name: getattr(event, name) for name in COLUMNS} | {
                "at": event.at.isoformat(),
                "kind": event.kind.value,
            }


def _jsonl_writer(file: TextIO) -> Any:
    return lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _csv_writer(file: TextIO) -> Any:
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    return lambda row: writer.writerow([_cell(row[name]) for name in COLUMNS])


def _cell(value: Any) -> str:
    text = (
        json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict)
        else ""
        if value is None
        else str(value)
    )
    return "'" + text if FORMULA.match(text) else text
