"""Forgetting beside work that is under way: what is settled is waited for, what is not loses its lease, on both databases."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.delivery import say
from bot.jobs.missed import take_missed
from bot.lifecycle import OPEN_STATES
from bot.services import assignments, matching, requests, suggestions
from bot.services.answering import Basis
from bot.services.deciding import NoDecision
from bot.services.erasure import erase_person
from bot.services.incoming import Incoming
from bot.services.purge import erase_workspace
from bot.settings import Settings
from bot.storage import claims
from bot.storage.database import Database
from bot.storage.inbox import Delivery, as_it_is, store
from bot.storage.tables import (
    Assignment,
    Conversation,
    InboxKind,
    InboxRow,
    SupportRequest,
)
from tests.bot.conftest import utc_now
from tests.security.test_erasure import CANARY, cells_with

TEAM, RILEY, ANA = "T1", "U0RILEY", "U0ANA"
BESIDE_S = 0.5  # long enough for whoever erases to come to the locks

Act = Callable[[Session, datetime], object]


def forget_riley(session: Session, now: datetime) -> None:
    erase_person(session, now, team_id=TEAM, user_id=RILEY, actor_id=None, row_id=None)


def forget_ana(session: Session, now: datetime) -> None:
    erase_person(session, now, team_id=TEAM, user_id=ANA, actor_id=None, row_id=None)


def leave(session: Session, now: datetime) -> None:
    erase_workspace(session, now, team_id=TEAM, row_id=None)


class Race:
    """A listener's unit of work that stands still, before or after it settles its delivery, while somebody is forgotten."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def run(self, work: Act, forget: Act, *, user: str = RILEY, settled: bool = True) -> bool:
        """Whether the listener committed what it did, after ``forget`` has come as far as it could."""
        row = self._claimed(user)
        here, go = threading.Event(), threading.Event()
        came = []

        def listen() -> None:
            with self.db.writing() as session:
                work(session, utc_now())
                if settled:
                    came.append(claims.finish(session, InboxRow, row.id, row.lease, utc_now()))
                here.set()
                go.wait(10)
                if not settled:
                    came.append(claims.finish(session, InboxRow, row.id, row.lease, utc_now()))
                if not came[-1]:
                    session.rollback()

        def erase() -> None:
            with self.db.writing() as session:
                forget(session, utc_now())

        listener, eraser = threading.Thread(target=listen), threading.Thread(target=erase)
        listener.start()
        assert here.wait(10)
        eraser.start()
        time.sleep(BESIDE_S)
        go.set()
        for thread in (listener, eraser):
            thread.join(20)
            assert not thread.is_alive()
        return came[-1]

    def _claimed(self, user: str) -> InboxRow:
        body = {"event": {"type": "message", "text": CANARY, "channel": f"D{user[1:]}"}}
        delivery = Delivery(InboxKind.EVENT, f"{TEAM}:Ev9", TEAM, f"{TEAM}:{user}", body)
        with self.db.writing() as session:
            store(session, [delivery], utc_now())
        with self.db.writing() as session:
            (row,) = claims.claim(session, InboxRow, utc_now(), lease_s=60, limit=1, waits_hold_lane=False)
        return row


@pytest.fixture
def race(database: Database) -> Race:
    return Race(database)


def opened(db: Database, state: str, **more: Any) -> None:
    """Riley's request 1."""
    now = utc_now()
    with db.writing() as session:
        session.add(
            SupportRequest(
                id=1,
                team_id=TEAM,
                requester_id=RILEY,
                channel_id="D0RILEY",
                thread_ts="1.0",
                text=CANARY,
                state=state,
                opened_at=now,
                reopened_count=0,
                **more,
            )
        )


def write_for(settings: Settings) -> Act:
    """Riley writes."""
    incoming = Incoming(TEAM, RILEY, "D0RILEY", f"{time.time():.6f}", f"the vpn of {CANARY}")
    basis = Basis(NoDecision("no model"), {}, settings)

    def write(session: Session, now: datetime) -> None:
        say.taken(session, now, requests.take(session, now, incoming, basis, wait_for_parent=False))

    return write


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("forget", [forget_riley, leave])
def test_a_message_beside_it_is_forgotten_as_well(
    race: Race, settings: Settings, forget: Act, settled: bool
) -> None:
    """Whether its request is committed a moment before or never, nothing of it is left."""
    race.run(write_for(settings), forget, settled=settled)
    assert cells_with(race.db, CANARY) == cells_with(race.db, RILEY) == []
    with race.db.reading() as session:
        open_ones = select(func.count()).where(SupportRequest.state.in_(OPEN_STATES))
        assert session.scalar(open_ones) == 0


@pytest.mark.parametrize("settled", [True, False])
def test_a_request_that_comes_back_beside_it_is_withdrawn(
    race: Race, settings: Settings, settled: bool
) -> None:
    """An Undo that is committed a moment before leaves no open request without words."""
    opened(race.db, "closed_by_suggestion", closed_at=utc_now())

    def undo(session: Session, now: datetime) -> None:
        which = {"team_id": TEAM, "user_id": RILEY, "request_id": 1, "settings": settings}
        say.undone(session, now, suggestions.undo(session, now, **which))

    assert race.run(undo, forget_riley, settled=settled)
    with race.db.reading() as session:
        (request,) = session.scalars(select(SupportRequest)).all()
    assert (request.state, request.text) == ("withdrawn", "")
    assert cells_with(race.db, CANARY) == cells_with(race.db, RILEY) == []


@pytest.mark.parametrize("settled", [True, False])
def test_a_workspace_waits_for_work_that_is_under_way(race: Race, settings: Settings, settled: bool) -> None:
    """A click that has its request and has not settled its delivery yet: neither waits for the other for ever."""
    opened(race.db, "closed_by_suggestion", closed_at=utc_now())

    def undo(session: Session, now: datetime) -> None:
        which = {"team_id": TEAM, "user_id": RILEY, "request_id": 1, "settings": settings}
        suggestions.undo(session, now, **which)

    assert race.run(undo, leave, settled=settled)
    assert cells_with(race.db, CANARY) == cells_with(race.db, RILEY) == []


@pytest.mark.parametrize("settled", [True, False])
def test_work_that_an_agent_takes_beside_it_goes_to_somebody_else(race: Race, settled: bool) -> None:
    """Accepted a moment before its agent is forgotten, it is not left with nobody."""
    now = utc_now()
    opened(race.db, "offered", waiting_since=now, deadline_at=now)
    with race.db.writing() as session:
        offer = {"cost": 0.0, "reason": "", "terms": {}, "offered_at": now}
        session.add(Assignment(id=1, team_id=TEAM, request_id=1, agent_id=ANA, state="offered", **offer))

    def accept(session: Session, now: datetime) -> None:
        assignments.accept(session, now, team_id=TEAM, user_id=ANA, assignment_id=1)

    assert race.run(accept, forget_ana, user=ANA, settled=settled)
    with race.db.reading() as session:
        (request,) = session.scalars(select(SupportRequest)).all()
    assert (request.state, request.agent_id) == ("waiting", None)
    assert cells_with(race.db, ANA) == []


def test_an_agent_is_offered_nothing_while_they_are_forgotten(
    race: Race, make_settings: Callable[..., Settings]
) -> None:
    """A matching that is committed a moment before leaves no offer with somebody who is gone."""
    now = utc_now()
    opened(race.db, "waiting", waiting_since=now, deadline_at=now)
    settings = make_settings(firstline_agents=(ANA,))

    def match(session: Session, now: datetime) -> None:
        assert matching.offer_waiting(session, now, TEAM, settings).offers

    race.run(match, forget_ana, user="U0MATCHER")
    with race.db.reading() as session:
        assert [row.state for row in session.scalars(select(SupportRequest))] == ["waiting"]
    assert cells_with(race.db, ANA) == []


def test_nobody_claims_a_delivery_while_somebody_is_forgotten(database: Database) -> None:
    """What comes in meanwhile is taken into work when it is over, and known to be old or new by its mark."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer, who holds everything")
    claimed = []

    def claim() -> None:
        with database.writing() as session:
            claims.serialise(session, InboxRow)
            claimed.append(utc_now())

    with database.writing() as session:
        forget_riley(session, utc_now())
        claiming = threading.Thread(target=claim)
        claiming.start()
        claiming.join(BESIDE_S)
        assert claiming.is_alive()
        ended_at = utc_now()
    claiming.join(10)
    assert claimed[0] >= ended_at


class EraseFirst:
    """A database where somebody is forgotten each time before anybody gets to write."""

    def __init__(self, db: Database) -> None:
        self.engine, self.reading, self._db = db.engine, db.reading, db

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with self._db.writing() as session:
            forget_riley(session, utc_now())
        with self._db.writing() as session:
            yield session


def test_what_was_missed_is_not_taken_up_once_its_author_is_forgotten(database: Database) -> None:
    """Not even when they are forgotten while it is being read."""
    now = utc_now()
    with database.writing() as session:
        session.add(Conversation(team_id=TEAM, members=RILEY, channel_id="D1", last_event_ts="1.0"))
    with database.reading() as session:
        dm = session.scalars(select(Conversation)).one()
    heard = [{"type": "message", "user": RILEY, "text": CANARY, "ts": f"{now.timestamp() - 300:.6f}"}]
    assert take_missed(EraseFirst(database), dm, heard, now, now, as_it_is) == 0  # type: ignore[arg-type]
    assert cells_with(database, CANARY) == []


def test_only_what_was_written_before_is_refused(database: Database, settings: Settings) -> None:
    """A message from before they were forgotten changes nothing, whoever brings it; the next one opens a request."""
    with database.writing() as session:
        session.add(Conversation(team_id=TEAM, members=RILEY, channel_id="D0RILEY", last_event_ts="1.0"))
    late = write_for(settings)
    time.sleep(0.01)
    with database.writing() as session:
        forget_riley(session, utc_now())
    with database.writing() as session:
        late(session, utc_now())
    assert cells_with(database, CANARY) == []
    with database.writing() as session:
        write_for(settings)(session, utc_now())
    assert "support_requests.text" in cells_with(database, CANARY)
