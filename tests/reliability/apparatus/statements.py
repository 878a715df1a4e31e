"""Listens to what a database is asked: the statements of each transaction, and how the database would go about them."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, event


@dataclass
class Listener:
    """``transactions`` holds the statements of each that was committed, ``asked`` every statement with its parameters."""

    transactions: list[list[str]] = field(default_factory=list)
    asked: dict[str, Any] = field(default_factory=dict)
    _open: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))

    def hear(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        """A statement is executed. How a transaction begins is none."""
        if statement.startswith(("BEGIN", "PRAGMA", "EXPLAIN")):
            return
        self._open[threading.get_ident()].append(" ".join(statement.split()))
        self.asked[statement] = parameters[0] if many and isinstance(parameters, list) else parameters

    def committed(self, _connection: Connection) -> None:
        """A transaction ends well."""
        self.transactions.append(self._open.pop(threading.get_ident(), []))

    def rolled_back(self, _connection: Connection) -> None:
        """A transaction was only read in, or failed."""
        self._open.pop(threading.get_ident(), None)


@contextmanager
def listening(engine: Engine) -> Iterator[Listener]:
    """Listen to ``engine``."""
    listener = Listener()
    hooks = (
        ("before_cursor_execute", listener.hear),
        ("commit", listener.committed),
        ("rollback", listener.rolled_back),
    )
    for name, hook in hooks:
        event.listen(engine, name, hook)
    try:
        yield listener
    finally:
        for name, hook in hooks:
            event.remove(engine, name, hook)


def plan_of(connection: Connection, statement: str, parameters: Any, *, as_it_is: bool = False) -> list[str]:
    """The lines of the database's plan. PostgreSQL is told to read whole tables only where no index serves at all.

    ``as_it_is``: it is told nothing, and goes by how the tables are filled.
    """
    if connection.dialect.name == "sqlite":
        asked = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row[3]) for row in asked]
    if not as_it_is:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return [str(row[0]) for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]


def whole_tables(plan: list[str], tables: tuple[str, ...]) -> set[str]:
    """Which of ``tables`` the plan reads from one end to the other, row by row."""
    words = [line.replace("->", " ").split() for line in plan]
    scans = {w[1] for w in words if w[:1] == ["SCAN"] and "INDEX" not in w}
    scans |= {w[3] for w in words if w[:3] == ["Seq", "Scan", "on"]}
    return scans & set(tables)
