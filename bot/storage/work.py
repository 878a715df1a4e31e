"""A unit of work: one transaction that holds what changed, what is to be said, and the inbox row it settles.

All three commit together or not at all. So a crash before the commit leaves the row to be worked again, and a crash
after it leaves nothing to do: the same delivery never has two effects.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from bot.errors import LeaseLost
from bot.ids import EventKind
from bot.storage import claims
from bot.storage.database import Clock, Database
from bot.storage.tables import InboxRow

log = logging.getLogger(__name__)

# Keys of Session.info:
MATCHING_DUE = "firstline_matching_due"  # a service found work for the matcher
HAPPENED = "firstline_happened"  # what was written to the append-only log, as a list of Happened
CAUSE = "firstline_cause"  # the Claim of the delivery being worked


@dataclass(frozen=True, slots=True)
class Claim:
    """An inbox row that a worker has taken; the lease fences it from any other that takes it over."""

    row_id: int
    lease: str
    attempts: int
    delivery_key: str | None = None
    arrived_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the append-only log: what, and to which request."""

    kind: EventKind
    request_id: int | None


OnEvents = Callable[[Sequence[Happened]], None]


def _nobody_listens(_events: Sequence[Happened]) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Wake:
    """Flags that let a thread go on at once instead of at its next poll; losing one costs a poll, never a row."""

    inbox: threading.Event = field(default_factory=threading.Event)
    outbox: threading.Event = field(default_factory=threading.Event)
    matching: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Work:
    """Opens units of work. Call it with the claim of the delivery being worked, or None where there is none.

    ``on_events`` is told what happened, once it is committed.
    """

    db: Database
    clock: Clock
    wake: Wake
    on_events: OnEvents = _nobody_listens

    @contextmanager
    def __call__(self, claim: Claim | None = None) -> Iterator[Session]:
        """Yield a session; commit it together with the claim's row. LeaseLost rolls everything back."""
        with self.db.writing() as session:
            session.info[CAUSE] = claim
            yield session
            if claim is not None:
                self._settle(session, claim)
        self._tell(session.info.pop(HAPPENED, []))
        self.wake.outbox.set()
        if session.info.pop(MATCHING_DUE, False):
            self.wake.matching.set()

    def _tell(self, events: Sequence[Happened]) -> None:
        if not events:
            return
        requests = sorted({event.request_id for event in events if event.request_id is not None})
        log.info(
            "committed", extra={"happened": [event.kind.value for event in events], "requests": requests}
        )
        self.on_events(events)

    def _settle(self, session: Session, claim: Claim) -> None:
        if not claims.finish(session, InboxRow, claim.row_id, claim.lease, self.clock()):
            raise LeaseLost(f"inbox row {claim.row_id} was taken over")
