"""The worker: every stored delivery is worked until it is settled, whatever happens on the way."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from bot.delivery import outbox
from bot.edge.bolt import build_bolt
from bot.edge.worker import AHEAD, InboxWorker
from bot.errors import LeaseLost, SlackAway
from bot.storage.database import WRITE_WITHIN_S, Database
from bot.storage.inbox import Delivery, store
from bot.storage.tables import Conversation, InboxKind, InboxRow, OutboxRow, RowState
from bot.storage.work import Claim, Work

Clock = Callable[[], datetime]


@pytest.fixture
def worker(make_settings, database: Database, clock: Clock, wake, bolt) -> InboxWorker:
    """A worker that a test drives by hand; it gives up after three attempts."""
    settings = make_settings(firstline_max_attempts=3, firstline_retry_base_s=2)
    return InboxWorker(settings, database, clock, wake, bolt)


@pytest.fixture
def work(database: Database, clock: Clock, wake) -> Work:
    """Opens units of work as listeners do."""
    return Work(database, clock, wake)


@pytest.fixture
def arrive(database: Database, clock: Clock, make_event):
    """Stores a message event."""

    def run(number: int = 1, lane: str = "T1:U1", kind=InboxKind.EVENT, **body):
        event = body or make_event(f"words {number}", event_id=f"Ev{number}")
        with database.writing() as session:
            store(session, [Delivery(kind, f"T1:Ev{number}", "T1", lane, event)], clock())

    return run


class Wavering:
    """A Slack that can be asked who the bot is, or cannot, as a test likes."""

    is_away = True

    def authorize(self) -> AuthorizeResult:
        if self.is_away:
            raise SlackAway("no answer")
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="UBOT", bot_id="B1")


def test_while_slack_cannot_be_asked_nothing_is_given_up(
    make_settings, database, clock, wake, arrive
) -> None:
    """An outage of an hour uses up no attempt and tells nobody; the message is heard within half a minute of its end."""
    slack, heard = Wavering(), []
    settings = make_settings(firstline_max_attempts=3)
    bolt = build_bolt(settings, lambda: slack.authorize())
    bolt.event("message")(lambda event: heard.append(event["text"]))
    worker = InboxWorker(settings, database, clock, wake, bolt)
    arrive()
    tries = 0
    for _ in range(120):
        tries += run_once(worker)
        clock.forward(30)
    (row,) = rows(database)
    assert (row.state, row.attempts, row.fault) == (RowState.READY, 0, "SlackAway")
    assert rows(database, OutboxRow) == []
    assert tries > 60  # it was tried all along
    slack.is_away = False
    run_once(worker)
    assert heard == ["words 1"]
    assert [row.state for row in rows(database)] == [RowState.DONE]


def test_a_short_absence_of_slack_costs_a_short_wait(make_settings, database, clock, wake, arrive) -> None:
    """A fresh message is tried again soon, an older one less and less often."""
    settings = make_settings(firstline_retry_base_s=1)
    worker = InboxWorker(
        settings, database, clock, wake, build_bolt(settings, lambda: Wavering().authorize())
    )
    arrive()
    waits = []
    for _ in range(8):
        assert run_once(worker) == 1
        waits.append((rows(database)[0].due_at - clock()).total_seconds())
        clock.forward(waits[-1])
    assert waits == [1, 1, 2, 4, 8, 16, 30, 30]


def test_trouble_with_the_database_uses_up_no_attempt(make_settings, sqlite_database, clock, wake) -> None:
    """While a disk is full rows can be claimed, and nothing new stored: no row is to blame for that, however long it takes."""
    is_full = True
    settings = make_settings(firstline_max_attempts=3)
    bolt = build_bolt(settings, lambda: AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="UBOT"))

    @bolt.event("message")
    def take(event, context) -> None:
        with Work(sqlite_database, clock, wake)(context["claim"]) as session:
            if is_full:
                session.execute(text("PRAGMA query_only=ON"))
            try:
                session.execute(text("INSERT INTO locks (name, taken_at) VALUES ('work', '2026-01-01')"))
            finally:
                session.execute(text("PRAGMA query_only=OFF"))

    worker = InboxWorker(settings, sqlite_database, clock, wake, bolt)
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "event": {"type": "message", "user": "U1", "ts": "1.0"},
    }
    with sqlite_database.writing() as session:
        store(session, [Delivery(InboxKind.EVENT, "T1:Ev1", "T1", "T1:U1", body)], clock())
    for _ in range(10):
        run_once(worker)
        clock.forward(30)
    (row,) = rows(sqlite_database)
    assert (row.state, row.attempts, row.fault) == (RowState.READY, 0, "OperationalError")
    is_full = False
    run_once(worker)
    assert [row.state for row in rows(sqlite_database)] == [RowState.DONE]


def conversations(database: Database) -> list[tuple[str, str, str | None]]:
    with database.reading() as session:
        found = session.scalars(select(Conversation).order_by(Conversation.channel_id))
        return [(dm.members, dm.channel_id, dm.last_event_ts) for dm in found]


def test_a_dm_is_known_from_the_moment_its_person_opens_it(worker, database, arrive, clock) -> None:
    """App Home is opened before the first message is written, so that one can be found should it never arrive."""
    opened = {"type": "app_home_opened", "user": "U7", "channel": "D7", "tab": "messages"}
    for number, event in enumerate(
        [
            opened | {"event_ts": "1772442000.000300"},
            opened | {"user": "U8", "channel": "D8"},
            opened | {"user": "U9", "channel": None},
            opened | {"user": "U9", "channel": "C9"},
            opened | {"user": ["U9"], "channel": "D9"},
        ]
    ):
        arrive(number, lane=f"T1:{number}", type="event_callback", team_id="T1", event=event)
    run_once(worker)
    assert conversations(database) == [
        ("U7", "D7", "1772442000.000300"),
        ("U8", "D8", f"{clock().timestamp():.6f}"),
    ]


def run_once(worker: InboxWorker) -> int:
    rows = worker.claim(10)
    for row in rows:
        worker.work(row)
    worker.claim(0)  # what was worked is settled with the next claim
    return len(rows)


def wait_until(condition: Callable[[], bool]) -> None:
    """Look every few milliseconds, for a minute at most."""
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


@contextmanager
def taken(database: Database) -> Iterator[None]:
    """Somebody else has the inbox to themselves."""
    with database.writing() as session:
        if database.engine.dialect.name == "postgresql":
            session.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        yield


def rows(database: Database, table=InboxRow) -> list:
    with database.reading() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_a_listener_settles_its_row_with_its_unit_of_work(
    worker, database, arrive, bolt, work, clock
) -> None:
    """What is to be said and the settled row are one commit."""

    @bolt.event("message")
    def hear(event, context):
        with work(context["claim"]) as session:
            outbox.post(
                session, clock(), outbox.Address("T1", event["channel"]), key="answer", text=event["text"]
            )

    arrive()
    assert run_once(worker) == 1
    assert [row.state for row in rows(database)] == [RowState.DONE]
    assert [row.payload["text"] for row in rows(database, OutboxRow)] == ["words 1"]
    assert run_once(worker) == 0


def test_an_event_that_nobody_listens_for_is_done(worker, database, arrive) -> None:
    """Unmatched deliveries do not come back."""
    arrive()
    assert run_once(worker) == 1
    assert [(row.state, row.fault) for row in rows(database)] == [(RowState.DONE, None)]


def test_a_message_of_the_bots_own_is_ignored(worker, database, arrive, bolt, make_event) -> None:
    """Bolt sees by the authorisation that it hears itself."""
    heard = []
    bolt.event("message")(lambda event: heard.append(event))
    arrive(**make_event(user="UBOT", bot_id="B1"))
    run_once(worker)
    assert heard == []
    assert [row.state for row in rows(database)] == [RowState.DONE]


def test_a_listener_without_a_unit_of_work_is_settled_for(worker, database, arrive, bolt) -> None:
    """A listener that ignores an event leaves nothing to do."""
    bolt.event("message")(lambda event: None)
    arrive()
    run_once(worker)
    assert [row.state for row in rows(database)] == [RowState.DONE]


def test_what_was_worked_is_settled_together_with_the_next_claim(worker, database, arrive) -> None:
    """Rows that nobody listens for cost no commit of their own, and the next of their lane follows at once."""
    for number in range(3):
        arrive(number, lane="T1:U1" if number < 2 else "T1:U2")
    first = worker.claim(10)
    for row in first:
        worker.work(row)
    assert [row.state for row in rows(database)] == [RowState.CLAIMED, RowState.READY, RowState.CLAIMED]
    (next_of_lane,) = worker.claim(10)
    assert [row.state for row in rows(database)] == [RowState.DONE, RowState.CLAIMED, RowState.DONE]
    worker.work(next_of_lane)
    worker.claim(0)
    assert {row.state for row in rows(database)} == {RowState.DONE}


def test_what_was_worked_but_not_settled_is_not_settled_for_who_took_over(
    worker, database, arrive, clock
) -> None:
    """A late worker's settling is fenced by its lease like everything else."""
    arrive()
    (late,) = worker.claim(1)
    clock.forward(61)
    (quick,) = worker.claim(1)
    worker.work(late)
    worker.claim(0)
    assert [(row.state, row.lease) for row in rows(database)] == [(RowState.CLAIMED, quick.lease)]


def test_a_claim_of_the_same_worker_does_not_lend_its_lease_to_a_late_hand(
    worker, database, arrive, clock
) -> None:
    """Rows claimed together share a lease: settling one of them settles no other whose first hand comes late."""
    arrive(1, lane="T1:U1")
    (late,) = worker.claim(1)
    arrive(2, lane="T1:U2")
    clock.forward(61)
    again, other = worker.claim(2)
    for row in (late, other):
        worker.work(row)
    worker.claim(0)
    found = [(row.state, row.lease) for row in rows(database)]
    assert found == [(RowState.CLAIMED, again.lease), (RowState.DONE, None)]


def test_a_row_that_cannot_be_settled_takes_no_other_with_it(worker, database, arrive, monkeypatch) -> None:
    """What the database refuses of one row costs that row alone, and whoever claims is told why there are none."""
    for number in (1, 2):
        arrive(number, lane=f"T1:U{number}")
    bad, good = worker.claim(2)
    for row in (bad, good):
        worker.work(row)
    settle = worker.settle

    def refuse(session, worked, now):
        if bad in worked:
            raise IntegrityError("", {}, ValueError())
        return settle(session, worked, now)

    monkeypatch.setattr(worker, "settle", refuse)
    with pytest.raises(IntegrityError):
        worker.claim(1)
    assert [row.state for row in rows(database)] == [RowState.CLAIMED, RowState.DONE]


@pytest.mark.parametrize("starts_anew", [False, True])
def test_a_clock_that_is_put_back_holds_nobody_up(
    worker, database, arrive, clock, make_settings, wake, bolt, starts_anew: bool
) -> None:
    """What came in while it ran an hour ahead is worked at once, what a dead worker held then when a lease is over."""
    clock.forward(3600)
    arrive(1, lane="T1:U1")
    (held,) = worker.claim(1)
    arrive(2, lane="T1:U2")
    clock.forward(5 - 3600)
    if starts_anew:
        worker = InboxWorker(make_settings(), database, clock, wake, bolt)
    (row,) = worker.claim(10)
    assert row.id != held.id
    worker.work(row)
    clock.forward(59)
    assert worker.claim(10) == []
    clock.forward(2)
    assert [row.id for row in worker.claim(10)] == [held.id]


def test_a_database_that_is_away_for_a_moment_leaves_nothing_unsettled(worker, database, arrive) -> None:
    """What could not be settled with one claim is settled with the next."""
    arrive()
    (row,) = worker.claim(1)
    worker.work(row)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox RENAME TO inbox_away"))
    with pytest.raises(SQLAlchemyError):
        worker.claim(1)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE inbox_away RENAME TO inbox"))
    worker.claim(0)
    assert [row.state for row in rows(database)] == [RowState.DONE]


def test_stopping_settles_what_was_worked_last(worker, database, arrive) -> None:
    """Nothing is looked at again because of a restart."""
    arrive()
    worker.start()
    mine = [thread for thread in threading.enumerate() if thread.name.startswith("inbox")]
    assert len(mine) > 1
    assert all(thread.daemon for thread in mine)  # none of them keeps a process from ending
    for _ in range(3000):
        if rows(database)[0].state is not RowState.READY:
            break
        time.sleep(0.01)
    assert worker.stop(20)
    assert [row.state for row in rows(database)] == [RowState.DONE]


def test_stopping_does_not_wait_for_a_database_that_takes_nothing_more(
    make_settings, database, clock, wake, bolt, arrive
) -> None:
    """What was worked last and cannot be settled in time is left to its lease."""
    worker = InboxWorker(make_settings(firstline_poll_s=300), database, clock, wake, bolt)
    arrive(1)
    (row,) = worker.claim(1)
    arrive(2, lane="T1:U2")
    worker.start()
    wait_until(lambda: rows(database)[1].state is RowState.DONE)  # and looks again in a minute
    with taken(database):
        worker.work(row)
        began_s = time.monotonic()
        assert not worker.stop(1)
        took_s = time.monotonic() - began_s
    assert took_s < 0.7 * WRITE_WITHIN_S


def test_stopping_settles_what_was_worked_while_one_row_still_hangs(
    make_settings, database, clock, wake, bolt, arrive
) -> None:
    """A slow one is left to its lease, and takes no other with it."""
    goes_on = threading.Event()

    @bolt.event("message")
    def listen(event):
        if event["text"] == "words 1":
            goes_on.wait(60)
        else:
            time.sleep(0.3)  # the bot is told to stop meanwhile

    worker = InboxWorker(make_settings(firstline_poll_s=300), database, clock, wake, bolt)
    for number in (1, 2, 3):
        arrive(number, lane=f"T1:U{number}")
    worker.start()
    wait_until(lambda: {row.state for row in rows(database)} == {RowState.CLAIMED})
    assert not worker.stop(3)
    assert [row.state for row in rows(database)] == [RowState.CLAIMED, RowState.DONE, RowState.DONE]
    goes_on.set()


def test_no_more_is_claimed_than_there_are_hands_for(
    make_settings, database, clock, wake, bolt, arrive
) -> None:
    """A few rows for each thread, as many as may be in work at once; the rest waits for whoever is free."""
    goes_on = threading.Event()
    bolt.event("message")(lambda event: goes_on.wait(60))
    worker = InboxWorker(make_settings(firstline_workers=2), database, clock, wake, bolt)
    for number in range(2 * AHEAD + 3):
        arrive(number, lane=f"T1:U{number}")
    worker.start()
    wait_until(lambda: Counter(row.state for row in rows(database))[RowState.CLAIMED] >= 2 * AHEAD)
    time.sleep(0.3)
    assert Counter(row.state for row in rows(database)) == {RowState.CLAIMED: 2 * AHEAD, RowState.READY: 3}
    goes_on.set()
    wait_until(lambda: {row.state for row in rows(database)} == {RowState.DONE})
    assert worker.stop(20)


def test_a_worker_with_nothing_to_do_asks_seldom(
    make_settings, database, clock, wake, bolt, monkeypatch
) -> None:
    """An idle bot leaves its database alone, but for a look every so often."""
    worker = InboxWorker(make_settings(firstline_poll_s=0.5), database, clock, wake, bolt)
    looks, claim = [], worker.claim
    monkeypatch.setattr(worker, "claim", lambda limit: looks.append(limit) or claim(limit))
    worker.start()
    time.sleep(1.2)
    assert worker.stop(20)
    assert 1 <= len(looks) <= 4


def test_the_next_of_a_lane_does_not_wait_to_be_looked_for(
    make_settings, database, clock, wake, bolt, arrive
) -> None:
    """It is claimed as soon as the one before it is worked, however seldom the worker looks by itself."""
    bolt.event("message")(lambda event: time.sleep(0.2))
    for number in range(3):
        arrive(number)
    worker = InboxWorker(make_settings(firstline_poll_s=300), database, clock, wake, bolt)
    worker.start()
    wait_until(lambda: [row.state for row in rows(database)][:2] == [RowState.DONE] * 2)
    assert worker.stop(20)


def test_nobody_waits_because_the_database_was_away(
    make_settings, database, clock, wake, bolt, arrive
) -> None:
    """However long the last look took, the next one comes soon."""
    worker = InboxWorker(make_settings(), database, clock, wake, bolt)
    worker.start()
    with taken(database):
        wake.inbox.set()
        time.sleep(4)
    arrive()
    began_s = time.monotonic()
    wake.inbox.set()
    wait_until(lambda: rows(database)[0].state is RowState.DONE)
    took_s = time.monotonic() - began_s
    assert worker.stop(20)
    assert took_s < 2


def test_stopping_does_not_wait_for_a_database_that_is_stuck(
    make_settings, sqlite_database, clock, wake, bolt
) -> None:
    """What outlasts the time for draining is left to its lease, and nothing more is begun."""
    worker = InboxWorker(make_settings(), sqlite_database, clock, wake, bolt)
    with sqlite_database.writing():
        worker.start()
        wake.inbox.set()
        began_s = time.monotonic()
        assert not worker.stop(1)
        took_s = time.monotonic() - began_s
    assert took_s < 0.7 * WRITE_WITHIN_S


@pytest.mark.parametrize("acknowledges", [True, False])
def test_a_click_is_worked_once_whether_its_listener_acknowledges_or_not(
    worker, database, arrive, bolt, acknowledges
) -> None:
    """The edge has acknowledged long ago; a forgotten ack() costs nothing."""
    seen = []

    @bolt.action("close")
    def close(ack, action):
        seen.append(action["value"])
        if acknowledges:
            ack()

    arrive(
        kind=InboxKind.ACTION,
        type="block_actions",
        team={"id": "T1"},
        user={"id": "U1"},
        actions=[{"action_id": "close", "value": "7", "type": "button", "block_id": "b"}],
    )
    run_once(worker)
    assert seen == ["7"]
    assert [row.state for row in rows(database)] == [RowState.DONE]


def test_a_listener_that_fails_after_writing_leaves_no_trace_and_is_tried_again(
    worker, database, arrive, bolt, work, clock, caplog
) -> None:
    """A crash between the steps of a listener undoes all of them; the next attempt does them once."""
    attempts = []

    @bolt.event("message")
    def hear(event, context):
        attempts.append(context["claim"].attempts)
        with work(context["claim"]) as session:
            outbox.post(session, clock(), outbox.Address("T1", event["channel"]), key="answer", text="hi")
            session.flush()
            if len(attempts) == 1:
                raise RuntimeError(event["text"])

    arrive()
    run_once(worker)
    (row,) = rows(database)
    assert (row.state, row.attempts, row.fault) == (RowState.READY, 1, "RuntimeError")
    assert (row.due_at - clock()).total_seconds() == 2
    assert rows(database, OutboxRow) == []
    assert run_once(worker) == 0  # not yet due
    clock.forward(2)
    run_once(worker)
    assert attempts == [1, 2]
    assert [row.state for row in rows(database)] == [RowState.DONE]
    assert len(rows(database, OutboxRow)) == 1
    assert "RuntimeError" in caplog.text
    assert "words" not in caplog.text


def test_a_failure_after_the_commit_does_not_do_it_twice(worker, database, arrive, bolt, work) -> None:
    """What is committed is settled, whatever the listener does afterwards."""
    seen = []

    @bolt.event("message")
    def hear(event, context):
        with work(context["claim"]):
            seen.append(event)
        raise RuntimeError

    arrive()
    run_once(worker)
    assert [row.state for row in rows(database)] == [RowState.DONE]
    assert run_once(worker) == 0
    assert len(seen) == 1


def test_a_message_that_always_fails_is_given_up_and_its_person_is_told_once(
    worker, database, arrive, bolt, clock
) -> None:
    """After the last attempt the row is dead, and a reference stands in the person's thread."""

    @bolt.event("message")
    def hear(event):
        raise RuntimeError

    arrive()
    for _ in range(6):
        run_once(worker)
        clock.forward(60)
    (row,) = rows(database)
    assert (row.state, row.attempts, row.fault) == (RowState.DEAD, 3, "RuntimeError")
    (apology,) = rows(database, OutboxRow)
    assert apology.payload["channel_id"] == "D1"
    assert apology.payload["thread_ts"] == "1772442000.000100"
    assert f"inbox-{row.id}" in apology.payload["text"]


def test_a_message_that_kills_its_worker_is_given_up_and_its_person_is_told(
    worker, database, arrive, clock, wake
) -> None:
    """A row that never comes back three times ends the same way, by its leases."""
    arrive()
    for _ in range(3):
        assert len(worker.claim(1)) == 1  # and the process dies
        clock.forward(61)
    wake.outbox.clear()
    assert worker.claim(1) == []
    assert [row.state for row in rows(database)] == [RowState.DEAD]
    assert len(rows(database, OutboxRow)) == 1
    assert wake.outbox.is_set()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (InboxKind.COMMAND, {"command": "/firstline", "user_id": "U7", "team_id": "T1", "text": ""}),
        (
            InboxKind.ACTION,
            {
                "type": "block_actions",
                "team": {"id": "T1"},
                "user": {"id": "U7"},
                "actions": [{"action_id": "x", "block_id": "b", "type": "button"}],
            },
        ),
    ],
)
def test_a_click_or_command_that_is_given_up_is_answered_in_the_persons_dm(
    make_settings, database, clock, wake, bolt, arrive, kind, body
) -> None:
    """People hear about it wherever they pressed."""

    def fail(ack):
        raise RuntimeError

    bolt.action("x")(fail)
    bolt.command("/firstline")(fail)
    worker = InboxWorker(make_settings(firstline_max_attempts=1), database, clock, wake, bolt)
    arrive(kind=kind, **body)
    run_once(worker)
    (apology,) = rows(database, OutboxRow)
    assert apology.payload["user_ids"] == ["U7"]


def test_nobody_is_told_about_an_event_that_was_no_persons_message(
    make_settings, database, clock, wake, bolt, arrive, make_event
) -> None:
    """A failing edit or join is logged, not apologised for."""

    @bolt.event({"type": "message", "subtype": "message_changed"})
    def fail():
        raise RuntimeError

    worker = InboxWorker(make_settings(firstline_max_attempts=1), database, clock, wake, bolt)
    arrive(**make_event(subtype="message_changed", message={"user": "U1"}))
    run_once(worker)
    assert [row.state for row in rows(database)] == [RowState.DEAD]
    assert rows(database, OutboxRow) == []


def test_a_worker_that_was_taken_over_changes_nothing(worker, database, arrive, bolt, work, clock) -> None:
    """When the lease ran out on the way, the late one's work is rolled back and the other's stands."""
    seen = []

    @bolt.event("message")
    def hear(event, context):
        seen.append(context["claim"].attempts)
        with work(context["claim"]) as session:
            outbox.post(
                session,
                clock(),
                outbox.Address("T1", event["channel"]),
                key=f"by attempt {context['claim'].attempts}",
                text="x",
            )

    arrive()
    (late,) = worker.claim(1)
    clock.forward(61)
    (quick,) = worker.claim(1)
    worker.work(quick)
    worker.work(late)
    worker.claim(0)
    assert seen == [2, 1]
    (row,) = rows(database)
    assert (row.state, row.fault) == (RowState.DONE, "lease_expired")
    assert [row.message_key for row in rows(database, OutboxRow)] == ["by attempt 2"]


def test_a_lost_lease_is_an_error_for_whoever_holds_it(work) -> None:
    """A unit of work of a claim that is gone raises LeaseLost."""
    with pytest.raises(LeaseLost), work(Claim(999, "gone", 1)):
        pass


def test_a_body_that_bolt_itself_cannot_read_is_given_up(
    make_settings, database, clock, wake, bolt, arrive
) -> None:
    """A signed body of odd shape ends as a dead letter, not as a dead worker."""
    worker = InboxWorker(make_settings(firstline_max_attempts=1), database, clock, wake, bolt)
    arrive(type="event_callback", team_id="T1", authorizations=[7], event={"type": "x"})
    run_once(worker)
    assert [row.state for row in rows(database)] == [RowState.DEAD]


def test_running_workers_empty_the_inbox_and_stop_within_seconds(
    make_settings, database, real_clock, wake, bolt, make_event
) -> None:
    """100 messages of 10 people are each worked once, per person in order, and stop() waits for what is in work."""
    heard: list[tuple[str, int]] = []
    guard = threading.Lock()
    work = Work(database, real_clock, wake)

    @bolt.event("message")
    def hear(event, context):
        with work(context["claim"]), guard:
            heard.append((event["user"], int(event["text"])))

    with database.writing() as session:
        store(
            session,
            [
                Delivery(
                    InboxKind.EVENT,
                    f"T1:Ev{n}",
                    "T1",
                    f"T1:U{n % 10}",
                    make_event(str(n), event_id=f"Ev{n}", user=f"U{n % 10}"),
                )
                for n in range(100)
            ],
            real_clock(),
        )
    seconds: list[float] = []
    worker = InboxWorker(make_settings(), database, real_clock, wake, bolt, seconds.append)
    worker.start()
    end = time.monotonic() + 30
    while len(seconds) < 100 and time.monotonic() < end:
        time.sleep(0.01)
    began_s = time.monotonic()
    assert worker.stop(5)
    assert time.monotonic() - began_s < 3
    assert not worker.is_alive
    assert sorted(number for _, number in heard) == list(range(100))
    for user in {user for user, _ in heard}:
        numbers = [number for who, number in heard if who == user]
        assert numbers == sorted(numbers)
    assert {row.state for row in rows(database)} == {RowState.DONE}
