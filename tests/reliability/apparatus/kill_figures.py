"""How long it took, by the times in the database: when a delivery came and when it was worked or said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from tests.reliability.apparatus.history_rows import looking_into, moment_of

CAME = {"inbox": "received_at", "outbox": "created_at"}


@dataclass(frozen=True, slots=True)
class Span:
    """Epoch seconds at which a row was written and done."""

    came_s: float
    done_s: float


@dataclass(frozen=True, slots=True)
class Life:
    """Epoch seconds: a bot was ordered, took deliveries, and was killed."""

    ordered_s: float
    up_s: float
    killed_s: float


def spans(database_url: str, table: str) -> list[Span]:
    """Every row of the inbox or the outbox that is done."""
    asked = text(f"SELECT {CAME[table]}, done_at FROM {table} WHERE done_at IS NOT NULL")
    with looking_into(database_url) as connection:
        return [
            Span(moment_of(came).timestamp(), moment_of(done).timestamp())
            for came, done in connection.execute(asked)
        ]


def first_rows_s(lives: Sequence[Life], inbox: Sequence[Span]) -> list[float]:
    """For each life at whose order something waited, and that worked any row: seconds from the order to the first."""
    return list(_first_rows_s(lives, inbox))


def _first_rows_s(lives: Sequence[Life], inbox: Sequence[Span]) -> Iterator[float]:
    for life in lives:
        waited = [span for span in inbox if span.came_s < life.ordered_s < span.done_s]
        worked = [span.done_s for span in inbox if life.ordered_s < span.done_s < life.killed_s]
        if waited and worked:
            yield min(worked) - life.ordered_s
