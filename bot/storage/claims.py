"""Takes rows of the inbox and the outbox into work, one per lane, and fences each with a lease.

A row goes READY -> CLAIMED -> DONE, back to READY when an attempt failed, or to DEAD after the last one. A worker
that dies leaves a CLAIMED row behind; when its lease has run out, :func:`sweep` puts it back for another worker.
Each claim has a fresh token, so whoever was taken over can change nothing any more.

Callers hold :func:`serialise` while they sweep and claim. Without it two replicas that look at the same moment could
each see the other's row as not yet taken, and work two rows of one lane side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Select, Update, UpdateBase, bindparam, case, func, literal, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from bot.ids import new_token
from bot.storage.statements import table_of
from bot.storage.tables import LET_GO, InboxRow, OutboxRow, RowState, UtcDateTime

Row = TypeVar("Row", InboxRow, OutboxRow)

LEASE_EXPIRED = "lease_expired"  # the fault of a row whose worker never came back: what it did is not known
ADVISORY_LOCKS = {"inbox": 0x666C01, "outbox": 0x666C02}  # PostgreSQL's lock numbers, ours by choice


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a failed row waits: ``base_s``, doubled with each attempt, never more than ``cap_s``."""

    base_s: float
    cap_s: float = 300

    def due(self, now: datetime, attempts: int) -> datetime:
        """When a row that has been tried ``attempts`` times (1 or more) may be tried again."""
        return now + timedelta(seconds=min(self.cap_s, self.base_s * 2.0 ** min(attempts - 1, 32)))


def serialise(session: Session, table: type[InboxRow] | type[OutboxRow]) -> None:
    """Let nobody else claim from ``table`` until this transaction ends (SQLite's write lock does so already)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(ADVISORY_LOCKS[table.__tablename__])))


def sweep(session: Session, table: type[Row], now: datetime, *, max_attempts: int | None) -> list[Row]:
    """Put back every row whose lease has run out; return those that had their last attempt and are now DEAD.

    ``max_attempts`` None: none is given up here.
    """
    expired = session.scalars(_expired(table), {"now": now}).all()
    for row in expired:
        is_dead = max_attempts is not None and row.attempts >= max_attempts
        row.state = RowState.DEAD if is_dead else RowState.READY
        row.done_at = now if is_dead else None
        row.fault = LEASE_EXPIRED
        row.lease = row.lease_until = None
    session.flush()
    return [row for row in expired if row.state is RowState.DEAD]


def put_right(session: Session, table: type[Row], now: datetime, *, lease_s: float) -> None:
    """After a clock that ran ahead was put back: what came in by its time is due now, and no lease lasts longer than one."""
    unsettled = table.state.in_([RowState.READY, RowState.CLAIMED])
    session.execute(
        update(table).where(unsettled, came_at(table) > now, table.due_at > now).values(due_at=now)
    )
    longest = now + timedelta(seconds=lease_s)
    session.execute(
        update(table)
        .where(table.state == RowState.CLAIMED, table.lease_until > longest)
        .values(lease_until=longest)
    )


def came_at(table: type[InboxRow] | type[OutboxRow]) -> InstrumentedAttribute[datetime]:
    """The column that says since when a row is there."""
    return InboxRow.received_at if table is InboxRow else OutboxRow.created_at


def claim(
    session: Session, table: type[Row], now: datetime, *, lease_s: float, limit: int, waits_hold_lane: bool
) -> list[Row]:
    """Take up to ``limit`` due rows, oldest first and one per lane, that nobody works on.

    ``waits_hold_lane``: whether a row that waits for its next attempt holds up the younger rows of its lane. It must
    in the outbox, where order is what people read; it must not in the inbox, where one bad row would silence a person.
    """
    given = {"now": now, "rows": limit, "token": new_token(), "until": now + timedelta(seconds=lease_s)}
    rows = session.scalars(_taking(table, waits_hold_lane), given).all()
    return sorted(rows, key=lambda row: row.id)


# Built once: a claim follows on each row that is settled, and building the statement took longer than running it.
@cache
def _expired(table: type[Row]) -> Select[Row]:
    return (
        select(table)
        .where(table.state == RowState.CLAIMED, table.lease_until < bindparam("now", type_=UtcDateTime()))
        .order_by(table.id)
        .with_for_update(skip_locked=True)  # a locked one is being settled at this moment, late but alive
    )


@cache
def _taking(table: type[Row], waits_hold_lane: bool) -> UpdateBase:
    """Choosing rows and marking them, in one statement; they come back as they now stand, under one token."""
    chosen = _claimable(table, waits_hold_lane).cte("chosen")
    return (
        update(table)
        .where(table.id.in_(select(chosen.c.id)))
        .values(
            state=RowState.CLAIMED,
            attempts=table.attempts + 1,
            lease=bindparam("token"),
            lease_until=bindparam("until", type_=UtcDateTime()),
        )
        .returning(table)
        .execution_options(synchronize_session=False, populate_existing=True)
    )


def _claimable(table: type[Row], waits_hold_lane: bool) -> Select[int]:
    now = bindparam("now", type_=UtcDateTime())
    waiting, working = aliased(table), aliased(table)
    in_work = select(working.lane).where(working.state == RowState.CLAIMED)
    # The head of each lane, in one pass over what waits: asking row by row whether another is ahead of it took
    # PostgreSQL half a second with 20,000 rows waiting.
    heads = select(func.min(waiting.id)).where(waiting.state == RowState.READY, waiting.lane.not_in(in_work))
    if not waits_hold_lane:
        heads = heads.where(waiting.due_at <= now)
    return (
        select(table.id)
        .where(table.id.in_(heads.group_by(waiting.lane)), table.state == RowState.READY, table.due_at <= now)
        .order_by(table.due_at, table.id)
        .limit(bindparam("rows"))
        .with_for_update(skip_locked=True, of=table)
    )


def hold(session: Session, table: type[Row], row_id: int, lease: str | None) -> bool:
    """Whether the row is still held by ``lease``; it stays so to the end of the transaction."""
    held = select(table.id).where(table.id == row_id, table.lease == lease).with_for_update()
    return session.execute(held).first() is not None


def finish(session: Session, table: type[Row], row_id: int, lease: str | None, now: datetime) -> bool:
    """DONE, unless the row was settled or taken over in the meantime (then False, and nothing is changed)."""
    held = {"row_id": row_id, "held": lease, "now": now}
    return session.execute(_finishing_one(table), held).first() is not None


@cache
def _finishing_one(table: type[InboxRow] | type[OutboxRow]) -> UpdateBase:
    row = table_of(table).c
    held = (row.id == bindparam("row_id"), row.lease == bindparam("held"))
    return _finishing(table).where(*held).returning(row.id)


def finish_all(session: Session, table: type[Row], rows: Sequence[Row], now: datetime) -> set[int]:
    """DONE, those of ``rows`` that are still held by the lease they were claimed with; their ids. One statement."""
    pairs = _of_few_lengths([(row.id, row.lease) for row in rows])
    held = {"ids": [row_id for row_id, _ in pairs], "held": pairs, "now": now}
    return set(session.scalars(_finishing_all(table), held))


def _of_few_lengths(pairs: list[tuple[int, str | None]]) -> list[tuple[int, str | None]]:
    """The last one again until there are 1, 2, 4, 8, ...: a statement for each length would be prepared and kept."""
    length = 1 << (len(pairs) - 1).bit_length()
    return pairs + pairs[-1:] * (length - len(pairs))


@cache
def _finishing_all(table: type[InboxRow] | type[OutboxRow]) -> UpdateBase:
    row = table_of(table).c
    held = (
        row.id.in_(bindparam("ids", expanding=True)),  # by which SQLite finds them; it has no index for pairs
        # Rows of one claim share a lease, so each with its own: one of them may be in work anew.
        tuple_(row.id, row.lease).in_(bindparam("held", expanding=True)),
    )
    return _finishing(table).where(*held).returning(row.id)


def _finishing(table: type[InboxRow] | type[OutboxRow]) -> Update:
    row = table_of(table).c
    return (
        update(table_of(table))
        .where(row.state == RowState.CLAIMED)
        .values(state=RowState.DONE, done_at=bindparam("now"), lease=None, lease_until=None, **_let_go(table))
    )


def _let_go(table: type[InboxRow] | type[OutboxRow]) -> dict[str, Any]:
    """What else changes in a row that is settled: private answers and App Homes hold people's words for nobody any more."""
    if table is InboxRow:
        return {}
    row = table_of(table).c
    return {"payload": case((row.kind.in_(LET_GO), literal({}, row.payload.type)), else_=row.payload)}


def put_back(
    session: Session,
    table: type[Row],
    row_id: int,
    lease: str | None,
    *,
    due_at: datetime,
    attempts: int,
    fault: str | None,
) -> bool:
    """READY again at ``due_at``, with ``attempts`` on its account; False as in :func:`finish`."""
    return _release(
        session,
        table,
        row_id,
        lease,
        state=RowState.READY,
        due_at=due_at,
        attempts=attempts,
        fault=_fit(fault),
    )


def bury(
    session: Session, table: type[Row], row_id: int, lease: str | None, now: datetime, *, fault: str
) -> bool:
    """DEAD: it is not tried again, and `doctor` and the metrics show it; False as in :func:`finish`."""
    ended = {"state": RowState.DEAD, "done_at": now, **_let_go(table)}
    return _release(session, table, row_id, lease, fault=_fit(fault), **ended)


def _release(session: Session, table: type[Row], row_id: int, lease: str | None, **values: Any) -> bool:
    released = session.execute(
        update(table)
        .where(table.id == row_id, table.lease == lease, table.state == RowState.CLAIMED)
        .values(lease=None, lease_until=None, **values)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    ).first()
    return released is not None


def _fit(fault: str | None) -> str | None:
    return fault[:200] if fault else fault
