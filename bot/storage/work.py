"""A unit of work: one transaction that holds what changed, what is to be said, and the inbox row it settles.

All three commit together or not at all. So a crash before the commit leaves the row to be worked again, and a crash
after it leaves nothing to do: the same delivery never has two effects.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.errors import LeaseLost
from bot.storage.database import Clock, Database
from bot.storage.tables import InboxRow, RowState

MATCHING_DUE = "firstline_matching_due"  # key of Session.info: a service found work for the matcher


@dataclass(frozen=True, slots=True)
class Claim:
    """An inbox row that a worker has taken; the lease fences it from any other that takes it over."""

    row_id: int
    lease: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Wake:
    """Flags that let a thread go on at once instead of at its next poll; losing one costs a poll, never a row."""

    inbox: threading.Event = field(default_factory=threading.Event)
    outbox: threading.Event = field(default_factory=threading.Event)
    matching: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Work:
    """Opens units of work. Call it with the claim of the delivery being worked, or None where there is none."""

    db: Database
    clock: Clock
    wake: Wake

    @contextmanager
    def __call__(self, claim: Claim | None = None) -> Iterator[Session]:
        """Yield a session; commit it together with the claim's row. LeaseLost rolls everything back."""
        with self.db.writing() as session:
            yield session
            if claim is not None:
                self._settle(session, claim)
        self.wake.outbox.set()
        if session.info.pop(MATCHING_DUE, False):
            self.wake.matching.set()

    def _settle(self, session: Session, claim: Claim) -> None:
        settled = session.execute(
            update(InboxRow)
            .where(
                InboxRow.id == claim.row_id, InboxRow.lease == claim.lease, InboxRow.state == RowState.CLAIMED
            )
            .values(state=RowState.DONE, done_at=self.clock(), lease=None, lease_until=None)
            .returning(InboxRow.id)
        ).first()
        if settled is None:
            raise LeaseLost(f"inbox row {claim.row_id} was taken over")
