"""Claims on inbox and outbox rows, on both databases."""

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text, update

from bot.storage import claims
from bot.storage.database import Database
from bot.storage.inbox import Delivery, count_waiting, queue_state, store
from bot.storage.tables import InboxKind, InboxRow, OutboxKind, OutboxRow, RowState

Clock = Callable[[], datetime]


def delivery(number: int, lane: str = "T1:U1") -> Delivery:
    return Delivery(InboxKind.EVENT, f"T1:Ev{number}", "T1", lane, {"number": number})


def fill(database: Database, now: datetime, *lanes: str) -> None:
    with database.writing() as session:
        store(session, [delivery(n, lane) for n, lane in enumerate(lanes)], now)


def take(database: Database, now: datetime, limit: int = 10, waits_hold_lane: bool = False) -> list[InboxRow]:
    with database.writing() as session:
        claims.serialise(session, InboxRow)
        claims.sweep(session, InboxRow, now, max_attempts=3)
        return claims.claim(session, InboxRow, now, lease_s=60, limit=limit, waits_hold_lane=waits_hold_lane)


def numbers(rows: list[InboxRow]) -> list[int]:
    return [row.body["number"] for row in rows]


def test_a_lane_has_one_row_in_work_at_a_time_oldest_first(database: Database, clock: Clock) -> None:
    """Two messages of one person are worked one after the other; another person does not wait for them."""
    fill(database, clock(), "A", "A", "B")
    first = take(database, clock())
    assert numbers(first) == [0, 2]
    assert take(database, clock()) == []
    with database.writing() as session:
        assert claims.finish(session, InboxRow, first[0].id, first[0].lease, clock())
    assert numbers(take(database, clock())) == [1]


def test_no_more_rows_are_taken_than_asked_for(database: Database, clock: Clock) -> None:
    """The limit holds, and what is left is taken next, the longest waiting first."""
    fill(database, clock(), "A", "B", "C")
    assert numbers(take(database, clock(), limit=2)) == [0, 1]
    assert numbers(take(database, clock(), limit=2)) == [2]


def test_a_row_that_waits_for_a_retry_lets_its_inbox_lane_go_on(database: Database, clock) -> None:
    """In the inbox one failing message does not silence its person."""
    fill(database, clock(), "A", "A")
    (row,) = take(database, clock())
    with database.writing() as session:
        claims.put_back(
            session, InboxRow, row.id, row.lease, due_at=clock() + timedelta(seconds=5), attempts=1, fault="X"
        )
    assert numbers(take(database, clock())) == [1]
    clock.forward(6)
    assert take(database, clock()) == []  # number 1 is still in work


def test_a_row_that_waits_for_a_retry_holds_up_its_outbox_lane(database: Database, clock) -> None:
    """In the outbox the order of a lane is kept, until the row is said or dead."""
    fill(database, clock(), "A", "A")
    (row,) = take(database, clock(), waits_hold_lane=True)
    with database.writing() as session:
        claims.put_back(
            session, InboxRow, row.id, row.lease, due_at=clock() + timedelta(seconds=5), attempts=1, fault="X"
        )
    assert take(database, clock(), waits_hold_lane=True) == []
    clock.forward(6)
    (again,) = take(database, clock(), waits_hold_lane=True)
    assert (again.body["number"], again.attempts) == (0, 2)
    with database.writing() as session:
        claims.bury(session, InboxRow, again.id, again.lease, clock(), fault="X")
    assert numbers(take(database, clock(), waits_hold_lane=True)) == [1]


def test_a_row_whose_worker_died_is_taken_again_and_the_dead_hand_is_off(database: Database, clock) -> None:
    """After the lease has run out another takes the row; the first one's token opens nothing any more."""
    fill(database, clock(), "A")
    (first,) = take(database, clock())
    clock.forward(59)
    assert take(database, clock()) == []
    clock.forward(2)
    (second,) = take(database, clock())
    assert second.id == first.id
    assert second.attempts == 2
    assert second.fault == claims.LEASE_EXPIRED
    assert second.lease != first.lease
    with database.writing() as session:
        assert not claims.finish(session, InboxRow, first.id, first.lease, clock())
        assert not claims.put_back(
            session, InboxRow, first.id, first.lease, due_at=clock(), attempts=0, fault=None
        )
        assert not claims.bury(session, InboxRow, first.id, first.lease, clock(), fault="X")
        assert claims.finish(session, InboxRow, second.id, second.lease, clock())


def test_a_row_that_kills_its_worker_again_and_again_is_given_up(database: Database, clock) -> None:
    """A poison row ends as a dead letter that the sweep reports once."""
    fill(database, clock(), "A")
    for _ in range(3):
        assert len(take(database, clock())) == 1
        clock.forward(61)
    with database.writing() as session:
        given_up = claims.sweep(session, InboxRow, clock(), max_attempts=3)
        assert [(row.state, row.done_at) for row in given_up] == [(RowState.DEAD, clock())]
    with database.writing() as session:
        assert claims.sweep(session, InboxRow, clock(), max_attempts=3) == []
    assert take(database, clock()) == []


def test_eight_threads_take_each_row_once_and_keep_the_order_of_every_lane(
    database: Database, clock: Clock
) -> None:
    """200 rows in 20 lanes, taken by 8 threads at once: each once, in order, never two of a lane side by side."""
    fill(database, clock(), *(f"lane-{n % 20}" for n in range(200)))
    worked: list[tuple[str, int]] = []
    in_work: set[str] = set()
    together: list[str] = []
    guard = threading.Lock()

    def run() -> None:
        for _ in range(2000):
            rows = take(database, clock(), limit=3)
            with guard:
                for row in rows:
                    if row.lane in in_work:
                        together.append(row.lane)
                    in_work.add(row.lane)
                    worked.append((row.lane, row.body["number"]))
            for row in rows:
                with guard:
                    in_work.discard(row.lane)
                with database.writing() as session:
                    assert claims.finish(session, InboxRow, row.id, row.lease, clock())
            with guard:
                if len(worked) >= 200:
                    return

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(worked) == 200
    assert together == []
    by_lane: dict[str, list[int]] = defaultdict(list)
    for lane, number in worked:
        by_lane[lane].append(number)
    assert all(taken == sorted(taken) and len(taken) == 10 for taken in by_lane.values())


def test_a_row_is_held_by_the_lease_it_was_claimed_with(database: Database, clock: Clock) -> None:
    """And by no other, nor when it is gone."""
    fill(database, clock(), "A")
    (row,) = take(database, clock())
    with database.writing() as session:
        assert claims.hold(session, InboxRow, row.id, row.lease)
        assert not claims.hold(session, InboxRow, row.id, "another")
        session.execute(delete(InboxRow))
        assert not claims.hold(session, InboxRow, row.id, row.lease)


def test_a_claim_waits_for_one_that_is_being_made(database: Database, clock) -> None:
    """A replica whose clock is behind does not take a younger row beside the older one that another is taking."""
    fill(database, clock(), "A", "A")
    with database.writing() as session:
        session.execute(
            update(InboxRow).where(InboxRow.id == 1).values(due_at=clock() + timedelta(seconds=1))
        )
    taken: list[InboxRow] = []
    behind = threading.Thread(target=lambda: taken.extend(take(database, clock())))
    with database.writing() as session:
        claims.serialise(session, InboxRow)
        ahead = clock() + timedelta(seconds=2)
        claimed = claims.claim(session, InboxRow, ahead, lease_s=60, limit=1, waits_hold_lane=False)
        assert numbers(claimed) == [0]
        behind.start()
        behind.join(0.3)
        assert behind.is_alive()
    behind.join(10)
    assert taken == []


def test_a_delivery_that_comes_twice_is_stored_once(database: Database, clock: Clock) -> None:
    """Slack's retries carry the same key; the second insert changes nothing, not even of a row that is done."""
    fill(database, clock(), "A")
    (row,) = take(database, clock())
    with database.writing() as session:
        claims.finish(session, InboxRow, row.id, row.lease, clock())
        store(session, [delivery(0), delivery(1), delivery(1)], clock())
    with database.reading() as session:
        states = session.execute(select(InboxRow.body, InboxRow.state).order_by(InboxRow.id)).all()
        assert [(body["number"], state) for body, state in states] == [
            (0, RowState.DONE),
            (1, RowState.READY),
        ]
        assert count_waiting(session) == 1


def test_the_state_of_a_queue_tells_counts_and_the_oldest(database: Database, clock) -> None:
    """Metrics show rows by state and since when the oldest unsettled one waits."""
    fill(database, clock(), "A", "B")
    with database.reading() as session:
        empty = queue_state(session, OutboxRow)
        stands = queue_state(session, InboxRow)
    assert (empty.counts[RowState.READY], empty.oldest_at) == (0, None)
    assert stands.counts == {
        RowState.READY: 2,
        RowState.CLAIMED: 0,
        RowState.DEAD: 0,
    }
    assert stands.oldest_at == clock()


def test_the_same_claims_serve_the_outbox(database: Database, clock: Clock) -> None:
    """The outbox is claimed by the same code, with its own lock."""
    with database.writing() as session:
        session.add(
            OutboxRow(
                dedupe_key="k",
                team_id="T1",
                lane="T1:C1",
                kind=OutboxKind.POST,
                payload={},
                created_at=clock(),
                due_at=clock(),
            )
        )
    with database.writing() as session:
        claims.serialise(session, OutboxRow)
        (row,) = claims.claim(session, OutboxRow, clock(), lease_s=1, limit=5, waits_hold_lane=True)
    assert row.state is RowState.CLAIMED
    with database.reading() as session:
        assert session.scalar(select(OutboxRow.attempts)) == 1


def test_what_a_wrong_clock_wrote_holds_up_no_lane(database: Database, clock: Clock) -> None:
    """In the outbox the first of a lane holds up the others; what waits for a retry or a 429 waits as before."""

    def say(key: str, created_s: float, due_s: float) -> OutboxRow:
        at = [clock() + timedelta(seconds=seconds) for seconds in (created_s, due_s)]
        what = {"team_id": "T1", "lane": f"T1:{key}", "kind": OutboxKind.POST, "payload": {}}
        return OutboxRow(dedupe_key=key, created_at=at[0], due_at=at[1], **what)

    with database.writing() as session:
        session.add_all([say("of the future", 3600, 3600), say("waits", 0, 3600)])
    with database.writing() as session:
        claims.put_right(session, OutboxRow, clock(), lease_s=60)
        taken = claims.claim(session, OutboxRow, clock(), lease_s=60, limit=5, waits_hold_lane=True)
    assert [row.dedupe_key for row in taken] == ["of the future"]


def test_no_lease_outlasts_a_clock_that_was_put_back(database: Database, clock: Any) -> None:
    """A lease of an hour from now, given when the clock was an hour ahead, ends as one given now; others end as they would."""
    fill(database, clock(), "A", "B")
    ended = []
    for claimed_s in (0, 3600):
        with database.writing() as session:
            at = clock() + timedelta(seconds=claimed_s)
            (row,) = claims.claim(session, InboxRow, at, lease_s=60, limit=1, waits_hold_lane=False)
            ended.append(row.lease_until)
    clock.forward(10)
    with database.writing() as session:
        claims.put_right(session, InboxRow, clock(), lease_s=60)
    with database.reading() as session:
        left = session.scalars(select(InboxRow.lease_until).order_by(InboxRow.id)).all()
    assert left == [ended[0], clock() + timedelta(seconds=60)]


@pytest.mark.parametrize(("attempts", "wait_s"), [(1, 2), (2, 4), (5, 32), (50, 60)])
def test_a_failed_row_waits_twice_as_long_each_time_up_to_a_cap(
    clock: Clock, attempts: int, wait_s: float
) -> None:
    """Backoff doubles from its base and stops at its cap."""
    assert claims.Backoff(2, cap_s=60).due(clock(), attempts) == clock() + timedelta(seconds=wait_s)


def test_a_failed_row_waits_five_minutes_at_most(clock: Clock) -> None:
    """Where no other cap is given."""
    assert claims.Backoff(2).due(clock(), 50) == clock() + timedelta(minutes=5)


def test_a_fault_fits_its_column(database: Database, clock: Clock) -> None:
    """However long it is."""
    fill(database, clock(), "A")
    (row,) = take(database, clock())
    with database.writing() as session:
        assert claims.bury(session, InboxRow, row.id, row.lease, clock(), fault="x" * 300)
    with database.reading() as session:
        assert session.scalar(select(InboxRow.fault)) == "x" * 200


def test_a_row_that_somebody_holds_keeps_nobody_waiting(database: Database, clock: Clock) -> None:
    """A claim takes the others."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer, who holds everything")
    fill(database, clock(), "A", "B")
    with database.writing() as holding, database.writing() as session:
        holding.scalars(select(InboxRow).where(InboxRow.lane == "A").with_for_update()).one()
        session.execute(text("SET LOCAL lock_timeout = '3s'"))
        claimed = claims.claim(session, InboxRow, clock(), lease_s=60, limit=5, waits_hold_lane=False)
    assert [row.lane for row in claimed] == ["B"]


def claim_and_crash(database: Database, now: datetime) -> None:
    with database.writing() as session:
        assert claims.claim(session, InboxRow, now, lease_s=60, limit=1, waits_hold_lane=False)
        raise RuntimeError("the process is gone")


def test_a_claim_rolled_back_leaves_the_row_ready(database: Database, clock: Clock) -> None:
    """A crash between claim and commit costs nothing."""
    fill(database, clock(), "A")
    with pytest.raises(RuntimeError):
        claim_and_crash(database, clock())
    (row,) = take(database, clock())
    assert row.attempts == 1
