"""What is left of a forgotten person's words in the rows of others: answers, App Homes, clicks, decisions."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from bot.services.agent_profile import Profile, save_profile
from bot.services.erasure import erase_person
from bot.storage.database import Database
from bot.storage.scrubbing import scrub_if_due
from bot.storage.tables import InboxRow, OutboxKind, OutboxRow, RoutingDecision
from routing.explaining import replay
from tests.scenarios.conftest import Desk, utc_now
from tests.scenarios.test_satisfaction import QUESTION, resolve_one
from tests.security.conftest import FrontDoor
from tests.security.test_erasure import CANARY, RILEY, bytes_of, cells_with, settle

SITE = "lakehousesite"


def forget_riley(desk: Desk) -> None:
    """An administrator asks for it, and presses the button."""
    morgan = desk.person("U0MORGAN")
    morgan.command("/firstline", "erase @Riley Chen")
    morgan.press(desk.sees(morgan, "Forget"), "Forget this person")
    desk.sees(morgan, "Forgotten:")
    settle(desk)


def comment_as_riley(desk: Desk) -> None:
    """Riley's request is resolved, and they write something about the help."""
    resolve_one(desk)
    desk.riley.press(desk.sees(desk.riley, QUESTION), "🙂 Good")
    desk.riley.press(desk.sees(desk.riley, "You said"), "Add a comment")
    (form,) = desk.riley.modals
    assert desk.riley.submit(form, {"comment": {"comment": f"my number is 5550199 {CANARY}"}})["ok"]


def unsaid(db: Database) -> int:
    """How many things are still to be said."""
    with db.reading() as session:
        return session.scalar(select(func.count()).where(OutboxRow.state.in_(("ready", "claimed")))) or 0


def test_what_administrators_were_shown_of_a_person_goes_with_them(desk: Desk) -> None:
    """The newest comments in the numbers and in App Home, Slack's copy of that App Home, and the answer to `site`."""
    db = desk.start_bot().deps.db
    riley, morgan = desk.riley, desk.person("U0MORGAN")
    riley.command("/firstline", f"site {SITE}")
    desk.sees(riley, SITE)
    comment_as_riley(desk)
    morgan.command("/firstline", "stats")
    desk.sees(morgan, CANARY)
    morgan.open_home()
    desk.slack.eventually(lambda: CANARY in str(morgan.home), what="the comment in App Home")
    morgan.open_home()  # what Slack tells of that carries the view as it stands
    settle(desk)
    forget_riley(desk)
    desk.stop_bots()
    scrub_if_due(db)
    assert cells_with(db, CANARY) == cells_with(db, SITE) == cells_with(db, RILEY) == []
    db.dispose()
    assert bytes_of(desk.database_url, CANARY, SITE) == {CANARY: 0, SITE: 0}


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


def test_old_decisions_can_still_be_explained_and_repeated(desk: Desk) -> None:
    """Where a forgotten person sits is out of what was decided, and of its reasons; `why` answers all the same."""
    db = desk.start_bot().deps.db
    for agent in desk.agents:
        _look_after_nothing_near(desk, agent.id)
    desk.riley.command("/firstline", f"site {SITE}")
    desk.sees(desk.riley, SITE)
    resolve_one(desk)
    settle(desk)
    assert {"assignments.reason", "routing_decisions.record"} <= set(cells_with(db, SITE))
    forget_riley(desk)
    desk.slack.eventually(lambda: not unsaid(db), what="everything said")
    assert cells_with(db, SITE) == []
    with db.reading() as session:
        records = session.scalars(select(RoutingDecision.record)).all()
    assert records
    for record in records:
        assert [each.task_id for each in replay(record).assignments] == ["1"]
    morgan = desk.person("U0MORGAN")
    morgan.command("/firstline", "why 1")
    desk.sees(morgan, "Request 1")


def _look_after_nothing_near(desk: Desk, agent_id: str) -> None:
    """The agent sends their form: another site than Riley's."""
    bot = desk.bots[0]
    with bot.deps.work() as session:
        profile = Profile(sites=("lyon",))
        save_profile(
            session,
            utc_now(),
            team_id="T0PLAY",
            user_id=agent_id,
            profile=profile,
            settings=bot.deps.settings,
        )


def test_answers_that_wait_for_slack_are_kept_where_they_hold_nobodys_words(
    desk: Desk, open_door: Callable[..., FrontDoor]
) -> None:
    """Theirs go, and administrators' numbers, which may show a comment; what others are told privately is still to be said."""
    door = open_door(desk)
    door.command(RILEY, f"site {SITE}")  # answered at response_urls that nobody answers at
    door.command("U0MORGAN", " Stats 7d")
    door.command("U0SAM", "site")
    door.press("U0SAM", "accept_offer", "1")
    door.settle()
    db = door.bot.deps.db
    assert len(_answers(db)) == 4
    with db.writing() as session:
        erase_person(session, utc_now(), team_id="T0PLAY", user_id=RILEY, actor_id=None, row_id=None)
    assert len(_answers(db)) == 2
    assert cells_with(db, SITE) == []


def _answers(db: Database) -> list[str]:
    with db.reading() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == OutboxKind.RESPOND)).all()
    return [row.payload["text"] for row in rows]
