"""Replicas of the bot to be killed, with a classifier that goes by words; their settings come from the environment.

The order says which safeguard is taken out of one, so that tests show that they notice; the product has no such switch.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.app import Bot, build
from bot.edge.server import listen
from bot.services.deciding import Decider
from bot.settings import load_settings
from bot.storage import claims
from tests.fakes import WordClassifier
from tests.reliability.nursery import nurse


class Flaw(StrEnum):
    """What is wrong with a replica."""

    WHOLE = "whole"  # nothing
    NO_TAKEOVER = "no_takeover"  # a claim never runs out: what a dead replica had in work stays there
    SHARED_CLAIMS = "shared_claims"  # a claim keeps nobody else from the row


def never_swept(*_args: Any, **_kwargs: Any) -> Sequence[Any]:
    """In the place of claims.sweep: nothing is taken over."""
    return ()


def take_out(flaw: Flaw) -> None:
    """Take the safeguard out of this process."""
    match flaw:
        case Flaw.NO_TAKEOVER:
            claims.sweep = never_swept
        case Flaw.SHARED_CLAIMS:
            exclusive_claim, release = claims.claim, claims._release

            def shared_claim(session: Session, table: Any, now: datetime, **limits: Any) -> Sequence[Any]:
                rows = exclusive_claim(session, table, now, **limits)
                for row in rows:
                    session.expunge(row)  # the worker holds what it believes to be its own
                ids = [row.id for row in rows]
                session.execute(update(table).where(table.id.in_(ids)).values(state=claims.RowState.READY))
                return rows

            def shared_release(
                session: Session, table: Any, row_id: int, lease: str | None, **values: Any
            ) -> bool:
                mine = (
                    update(table).where(table.id == row_id).values(state=claims.RowState.CLAIMED, lease=lease)
                )
                session.execute(mine.execution_options(synchronize_session=False))
                return release(session, table, row_id, lease, **values)

            claims.claim, claims._release = shared_claim, shared_release


def make(flaw: str) -> Bot:
    """A replica on a free port with this flaw."""
    take_out(Flaw(flaw))
    decider = Decider(WordClassifier())  # type: ignore[arg-type]
    return build(load_settings(), lambda: datetime.now(UTC), listen("127.0.0.1", 0), decider)


if __name__ == "__main__":
    nurse(make)
