"""What is left of a forgotten person's words in the rows of others: answers, App Homes, clicks, decisions."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from bot.storage.database import Database
from bot.storage.tables import InboxRow, OutboxKind, OutboxRow
from tests.scenarios.conftest import Desk
from tests.security.conftest import FrontDoor
from tests.security.test_erasure import CANARY, cells_with

SITE = "lakehousesite"


def unsaid(db: Database) -> int:
    """How many things are still to be said."""
    with db.reading() as session:
        return session.scalar(select(func.count()).where(OutboxRow.state.in_(("ready", "claimed")))) or 0


def test_what_is_said_privately_is_not_kept(desk: Desk) -> None:
    """Once an answer or an App Home is with its person nobody looks it up again: its row tells when, and not what."""
    db = desk.start_bot().deps.db
    desk.riley.command("/firstline", f"site {SITE}")
    desk.sees(desk.riley, SITE)
    desk.riley.open_home()
    desk.slack.eventually(lambda: desk.riley.home, what="an App Home")
    desk.riley.dm("the vpn drops")
    desk.sees(desk.riley, "This may help")
    desk.slack.eventually(lambda: not unsaid(db), what="everything said")
    with db.reading() as session:
        rows = session.scalars(select(OutboxRow)).all()
    assert {row.kind for row in rows if row.payload == {}} == {OutboxKind.RESPOND, OutboxKind.PUBLISH_HOME}
    assert all(row.payload for row in rows if row.kind is OutboxKind.POST)


def test_what_slack_sends_back_of_a_card_is_not_stored(
    sqlite_desk: Desk, open_door: Callable[..., FrontDoor]
) -> None:
    """A click carries the whole card, an App Home what was published, a reply its thread's first message."""
    door = open_door(sqlite_desk)
    db = door.bot.deps.db
    card = {"text": "for you", "blocks": [{"text": f"> the vpn of {CANARY} drops"}]}
    click = {
        "type": "block_actions",
        "team": {"id": "T0PLAY"},
        "user": {"id": "U0ANA"},
        "trigger_id": "t",
        "container": {"type": "message", "message_ts": "1.0", "channel_id": "D0ANA"},
        "actions": [{"type": "button", "action_id": "decline_offer", "block_id": "b", "value": "1"}],
        "message": card,
        "state": {"values": {"b": {"b": {"value": CANARY}}}},
    }
    door._hand_in(click)
    door.post(_event("Ev1", type="app_home_opened", tab="home", channel="D0ANA", view=card))
    door.message("U0ANA", "see above", root=card, attachments=[card], subtype="thread_broadcast")
    door.settle()
    assert cells_with(db, CANARY) == []
    with db.reading() as session:
        stored = [row.body for row in session.scalars(select(InboxRow).order_by(InboxRow.id))]
    assert stored[0]["container"] == click["container"]
    assert stored[0]["actions"] == click["actions"]


def _event(event_id: str, **event: Any) -> bytes:
    body = {"type": "event_callback", "team_id": "T0PLAY", "event_id": event_id}
    return json.dumps(body | {"event": {"user": "U0ANA", **event}}).encode()
