"""Periods of a report, and lengths of time in SQL on both databases."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Float, Select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement


class Period(StrEnum):
    """How far back numbers reach."""

    WEEK = "7d"
    MONTH = "30d"
    ALL = "all"

    def since(self, now: datetime) -> datetime | None:
        """The period's first moment; None for all."""
        days = {Period.WEEK: 7, Period.MONTH: 30, Period.ALL: None}[self]
        return None if days is None else now - timedelta(days=days)


class seconds_between(FunctionElement[float]):
    """``seconds_between(start, end)``: seconds from one datetime column to another, as a float."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({end} - {start})) AS DOUBLE PRECISION)"


def median(
    session: Session, value: ColumnElement[float], rows: Select[*tuple[Any, ...]], count: int
) -> float | None:
    """The median of ``value`` over ``rows``, of which there are ``count`` (a select that names the conditions); None of none.

    The middle of a sorted list, not a window function over it: SQLite takes a third of the time.
    """
    if count == 0:
        return None
    middle = rows.with_only_columns(value).order_by(value).limit(2 - count % 2).offset((count - 1) // 2)
    found = session.scalars(middle).all()
    return sum(found) / len(found) if found else None
