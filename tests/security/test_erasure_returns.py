"""What was forgotten does not come back when Slack sends it once more, as it does for some minutes."""

import json
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.services.erasure import erase_person
from bot.services.purge import erase_workspace
from bot.storage.scrubbing import scrub_if_due
from bot.storage.tables import InboxRow, SupportRequest
from playground.model import TEAM_ID
from tests.scenarios.conftest import Desk, utc_now
from tests.security.conftest import FrontDoor
from tests.security.test_erasure import CANARY, RILEY, bytes_of, cells_with

Act = Callable[[Session, datetime], object]


def forget_riley(session: Session, now: datetime) -> None:
    erase_person(session, now, team_id=TEAM_ID, user_id=RILEY, actor_id=None, row_id=None)


def leave(session: Session, now: datetime) -> None:
    erase_workspace(session, now, team_id=TEAM_ID, row_id=None)


def dm(event_id: str, text: str = f"the vpn of {CANARY} drops") -> bytes:
    """A message of Riley's, written now; posted twice it is a retry of Slack's."""
    event = {
        "type": "message",
        "channel_type": "im",
        "channel": "D0RILEY",
        "user": RILEY,
        "text": text,
        "ts": f"{time.time():.6f}",
        "team": TEAM_ID,
    }
    body = {"type": "event_callback", "team_id": TEAM_ID, "event_id": event_id, "event": event}
    return json.dumps(body).encode()


def home(event_id: str) -> bytes:
    """Riley opens the bot's home, now."""
    event = {
        "type": "app_home_opened",
        "tab": "home",
        "channel": "D0RILEY",
        "user": RILEY,
        "event_ts": f"{time.time():.6f}",
    }
    body = {"type": "event_callback", "team_id": TEAM_ID, "event_id": event_id, "event": event}
    return json.dumps(body).encode()


def come_late(desk: Desk, door: FrontDoor, forget: Act, late: bytes) -> None:
    """Forget, and then let something of before arrive: it is acknowledged, and nothing of it is left."""
    db = door.bot.deps.db
    time.sleep(0.01)
    with db.writing() as session:
        forget(session, utc_now())
    assert door.post(late)[0] == 200
    door.settle()
    assert cells_with(db, CANARY) == cells_with(db, RILEY) == cells_with(db, "D0RILEY") == []
    door.post(dm("Ev9", "the printer, written later"))
    door.settle()
    with db.reading() as session:
        texts = session.scalars(select(SupportRequest.text).where(SupportRequest.text != "")).all()
    assert texts == ["the printer, written later"]
    desk.stop_bots()
    scrub_if_due(db)
    db.dispose()
    assert bytes_of(desk.database_url, CANARY) == {CANARY: 0}


def test_a_retry_after_an_erasure_changes_nothing(desk: Desk, open_door: Callable[..., FrontDoor]) -> None:
    """Its delivery is known no more, but it was written before; what they write later is heard."""
    door = open_door(desk)
    said = dm("Ev1")
    door.post(said)
    door.settle()
    come_late(desk, door, forget_riley, said)


def test_a_retry_of_a_message_that_nobody_had_worked_changes_nothing(
    sqlite_desk: Desk, open_door: Callable[..., FrontDoor]
) -> None:
    """Where somebody wrote is known by their deliveries alone, when no request has been opened yet."""
    door = open_door(sqlite_desk)
    door.bot.worker.stop(5)
    said = dm("Ev1")
    door.post(said)
    with door.bot.deps.db.writing() as session:
        assert session.scalar(select(func.count()).select_from(InboxRow)) == 1
        forget_riley(session, utc_now())
    sqlite_desk.stop_bots()
    door = open_door(sqlite_desk)
    come_late(sqlite_desk, door, lambda _session, _now: None, said)


def test_a_delivery_that_comes_after_the_app_was_taken_out_changes_nothing(
    desk: Desk, open_door: Callable[..., FrontDoor]
) -> None:
    """What was written to a workspace's earlier installation stays there; a later one is heard."""
    come_late(desk, open_door(desk), leave, dm("Ev1"))


def test_a_home_that_was_opened_before_names_nobody_afterwards(
    sqlite_desk: Desk, open_door: Callable[..., FrontDoor]
) -> None:
    """Slack repeats every kind of event; this one brings an id and nothing else."""
    door = open_door(sqlite_desk)
    door.post(dm("Ev1"))
    door.settle()
    come_late(sqlite_desk, door, forget_riley, home("Ev2"))
