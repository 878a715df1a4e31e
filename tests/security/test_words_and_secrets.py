"""People's words and our secrets: not in logs, metrics or answers; and, if it is wished, not in the database."""

import json
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.edge.redaction import redacted
from bot.jobs.reconcile import reconcile
from bot.storage.inbox import Delivery
from bot.storage.tables import Conversation, InboxKind
from playground.faults import FaultKind, FaultRule
from tests.scenarios.conftest import ASK_TWO, Desk, utc_now
from tests.security.conftest import FORM
from tests.security.test_erasure import cells_with, settle
from tests.serving import ask

CANARY = "xylophonequokka"
PERSONAL = "write to jane.quokka@example.com, call +49 170 1234567, the password is hunter2xyz"
PARTS = ("jane.quokka", "1234567", "hunter2xyz")


def fields_of(caplog: pytest.LogCaptureFixture) -> str:
    """What lines carry beside their text, as the JSON of a real log shows it."""
    usual = set(vars(logging.makeLogRecord({})))
    fields = [{k: v for k, v in vars(record).items() if k not in usual} for record in caplog.records]
    assert any("happened" in field for field in fields), "nothing that was committed is in the log"
    return json.dumps(fields, default=str)


def test_neither_words_nor_secrets_leave_by_logs_metrics_or_answers(
    sqlite_desk: Desk, open_door: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """At DEBUG, with every logger heard: through requests, forgeries, a failing model, Slack and database."""
    caplog.set_level(logging.DEBUG)
    door = open_door(sqlite_desk, firstline_max_attempts=1)
    slack, bot = sqlite_desk.slack, door.bot
    answers = [
        door.message("U0RILEY", f"the vpn of {CANARY}"),
        door.message("U0SAM", f"explode {CANARY}"),
        door.post(json.dumps({"text": CANARY}).encode(), headers={}),
        door.post(
            CANARY.encode(),
            headers={"X-Slack-Signature": f"v0={CANARY}", "X-Slack-Request-Timestamp": CANARY},
        ),
        door.post(f'{{"type": "{CANARY}'.encode()),
        door.post(json.dumps({"type": "event_callback", "team_id": "T0PLAY", "event": CANARY}).encode()),
        door.post(f"payload={CANARY}".encode(), FORM),
    ]
    door.command("U0RILEY", f"stats {CANARY}")
    door.command("U0RILEY", CANARY)
    door.press("U0SAM", f"close_with_suggestion:{CANARY}", CANARY)
    door.press("U0SAM", CANARY, CANARY)
    door.hand_in("U0SAM", CANARY, {CANARY: {CANARY: {"value": CANARY}}})
    door.settle()
    slack.set_faults(FaultRule(FaultKind.ERROR, "chat.postMessage", times=3))
    answers.append(door.message("U0RILEY", f"vpn {CANARY} while Slack is ill"))
    door.settle()
    with bot.deps.db.engine.begin() as connection:
        connection.execute(text("ALTER TABLE request_messages RENAME TO away"))
    answers.append(door.message("U0RILEY", f"vpn {CANARY} while a table is gone"))
    door.settle()
    pages = [ask(bot.port, "/metrics"), ask(bot.port, "/health/live")]
    assert [status for status, _ in pages] == [200, 200]
    shown = [*(page for _, page in pages), *(answer.decode() for _, answer in answers)]
    heard = "\n".join([caplog.text, fields_of(caplog), *capfd.readouterr(), *shown])
    assert "a listener failed" in caplog.text
    assert "refused a delivery with 401" in caplog.text
    for secret in (CANARY, slack.signing_secret, slack.bot_token):
        assert secret not in heard, [line for line in heard.splitlines() if secret in line][:3]


@pytest.mark.parametrize("switch", ["on", "off"])
def test_personal_data_is_stored_only_where_it_is_wished(sqlite_desk: Desk, switch: str) -> None:
    """Switched on, no column ever holds it, nor do the cards; the words around it are all there."""
    bot = sqlite_desk.start_bot(firstline_redact=switch)
    riley = sqlite_desk.riley
    riley.dm(f"vpn broken: {PERSONAL}", files=[riley.upload("jane.quokka@example.com.png", b"png")])
    card = sqlite_desk.sees(riley, "One of these may help")
    riley.press(card, ASK_TWO)
    agent, offer = sqlite_desk.offer_to()
    agent.press(offer, "Accept")
    sqlite_desk.sees(riley, "has taken your request")
    riley.reply(card, f"again: {PERSONAL}")
    riley.command("/firstline", PERSONAL)
    sqlite_desk.sees(agent, "again:")
    settle(sqlite_desk)
    db = bot.deps.db
    held = {part: cells_with(db, part) for part in PARTS}
    if switch == "off":
        assert all("request_messages.text" in cells for cells in held.values())
        return
    assert held == {part: [] for part in PARTS}
    assert "request_messages.text" in cells_with(db, "vpn broken: write to <EMAIL>")
    assert "vpn broken: write to <EMAIL>" in offer.words


def test_what_is_taken_up_later_is_redacted_as_well(sqlite_desk: Desk) -> None:
    """A message that never arrived comes from Slack's history, and is stored by the same rule."""
    bot = sqlite_desk.start_bot()
    sqlite_desk.slack.set_request_url(None)
    sqlite_desk.riley.dm(PERSONAL)
    at = utc_now() - timedelta(minutes=5)
    conversation = Conversation(
        team_id="T0PLAY",
        members="U0RILEY",
        channel_id=sqlite_desk.riley.dm_channel,
        last_event_ts=f"{at.timestamp():.6f}",
    )
    with bot.deps.db.writing() as session:
        session.add(conversation)
    flag, stopping = threading.Event(), threading.Event()
    later = utc_now() + timedelta(minutes=2)
    at_once = lambda _seconds: None  # noqa: E731
    assert reconcile(bot.deps.db, lambda: later, bot.slack, flag, stopping, redacted, wait=at_once) == 1
    assert [cells_with(bot.deps.db, part) for part in PARTS] == [[], [], []]
    assert cells_with(bot.deps.db, "write to") == ["inbox.body"]


def test_redaction_keeps_what_listeners_read() -> None:
    """Ids, times and kind stay as they came; blocks, which repeat the words, do not."""
    event = {
        "type": "message",
        "user": "U1",
        "channel": "D1",
        "ts": "1.0",
        "thread_ts": "1.0",
        "text": "hi &lt;b&gt;",
    }
    words = {
        "blocks": [{"text": PERSONAL}],
        "files": [{"name": "a.png", "url_private": "https://x/hunter2xyz"}],
    }
    body = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": event | words}
    stored = redacted(Delivery(InboxKind.EVENT, "T1:Ev1", "T1", "T1:U1", body))
    assert stored.body == body | {"event": event | {"files": [{"name": "a.png"}]}}
    click = Delivery(InboxKind.ACTION, "T1:t", "T1", "T1:U1", {"type": "block_actions"})
    assert redacted(click) == click


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (text, text)
        for text in (
            "",
            "stats 7d",
            "why 17 <@U1|jane>",
            "why #17 @U1",
            "erase <@U1|jane.quokka@example.com>",
            "why <https://acme.slack.com/archives/D1/p1772442000000100>",
            "site Utrecht West",
        )
    ]
    + [
        ("site jane.quokka@example.com", "site &lt;EMAIL&gt;"),
        ("jane.quokka@example.com", "&lt;EMAIL&gt;"),
        ("why 4111111111111111", "why &lt;CARD&gt;"),
        ("help 4111 1111 1111 1111", "help &lt;CARD&gt;"),
        (" " * 20_000 + "x" * 20_000,) * 2,
        ("why http://a" + "/archives/" * 4_000,) * 2,
        ("why <mailto:jane.quokka@example.com|jane>", "why &lt;EMAIL&gt;"),
    ],
)
def test_of_commands_only_what_people_wrote_is_redacted(typed: str, stored: str) -> None:
    """People, links to messages and numbers mean something; whatever else is typed may hold anything."""
    body = {"command": "/firstline", "team_id": "T1", "user_id": "U1", "text": typed}
    kept = redacted(Delivery(InboxKind.COMMAND, "T1:t", "T1", "T1:U1", body))
    assert kept.body == body | {"text": stored}
