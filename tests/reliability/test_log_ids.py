"""One message can be followed through the log: by its delivery's id from the edge to Slack, then by its request's id."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.ids import shown_key
from playground.testing import PlaygroundServer
from tests.serving import ROOT, free_port, serve

CANARY = "xylophonequokka"


class RunningBot:
    """`python -m bot serve` without a model, with the lines it has logged so far."""

    def __init__(self, slack: PlaygroundServer, database_url: str, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "log"
        environment = {
            **slack.app_environment(),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": database_url,
            "MODEL_DIR": str(folder / "model"),
            "PORT": str(self.port),
            "FIRSTLINE_AGENTS": "U0ANA,U0BEN",
            "FIRSTLINE_MAX_ATTEMPTS": "1",
        }
        self.process = serve(environment, folder, self.log)
        slack.set_request_url(f"http://127.0.0.1:{self.port}/slack/events")

    def lines(self, **having: Any) -> list[dict[str, Any]]:
        """The lines with these fields, oldest first; every line is JSON."""
        written = self.log.read_text()
        whole = written[: written.rfind("\n") + 1].splitlines()
        return [line for line in map(json.loads, whole) if having.items() <= line.items()]


@pytest.fixture
def running(slack: PlaygroundServer, sqlite_url: str, tmp_path: Path) -> Iterator[RunningBot]:
    """A bot in a process of its own, as a supervisor runs it."""
    bot = RunningBot(slack, sqlite_url, tmp_path)
    yield bot
    bot.process.kill()
    bot.process.wait()


def key_of_the_message(slack: PlaygroundServer) -> str:
    """The id under which the log knows the one message with CANARY in it."""
    told = slack.deliveries("message.im")
    [event_id] = {
        record.event_id for record in told if record.payload["event"].get("text", "").endswith(CANARY)
    }
    return f"{slack.team_id}:{event_id}"


def test_one_message_is_followed_by_its_ids(slack: PlaygroundServer, running: RunningBot) -> None:
    """Edge, decision, commit, worker and sender carry the delivery's id; offer and acceptance the request's."""
    riley = slack.person("U0RILEY")
    riley.dm(f"the projector is on strike, {CANARY}")
    agents = [slack.person("U0ANA"), slack.person("U0BEN")]
    asked = slack.eventually(lambda: next((a for a in agents if a.find(CANARY)), None), 30, what="an offer")
    asked.press(asked.find(CANARY), "Accept")
    slack.eventually(lambda: riley.find("has taken your request"), 30, what="an acceptance")
    key = key_of_the_message(slack)

    slack.eventually(lambda: running.lines(delivery=key, event="said"), 30, what="the answer in the log")
    way = running.lines(delivery=key)
    assert {line["logger"]: line["event"] for line in way} == {
        "bot.edge.http": "stored",
        "bot.services.deciding": "decided",
        "bot.storage.work": "committed",
        "bot.edge.worker": "worked",
        "bot.delivery.sender": "said",
    }
    [committed] = running.lines(delivery=key, event="committed")
    [request_id] = committed["requests"]
    assert committed["happened"] == ["opened", "abstained"]
    slack.eventually(
        lambda: (
            {"card", "offer", "group", "line"}
            <= {line["what"] for line in running.lines(request=request_id, event="said")}
        ),
        30,
        what="everything said about the request in the log",
    )
    told = [line for line in running.lines(event="committed") if request_id in line["requests"]]
    assert [kind for line in told for kind in line["happened"]] == [
        "opened",
        "abstained",
        "offered",
        "accepted",
    ]
    assert len({line["delivery"] for line in told if "delivery" in line}) == 2  # the message and the click
    assert CANARY not in running.log.read_text()
    assert slack.bot_token not in running.log.read_text()


def test_what_is_refused_and_given_up_carries_the_id_too(
    slack: PlaygroundServer, running: RunningBot
) -> None:
    """The lines that somebody looks for at night: a delivery that was given up, and the apology for it."""
    database = running.log.parent / "bot.db"
    with sqlite3.connect(database, timeout=10) as connection:
        connection.execute("ALTER TABLE request_messages RENAME TO away")
    slack.person("U0SAM").dm(f"my screen is blue, {CANARY}")
    slack.eventually(lambda: slack.person("U0SAM").find("something went wrong"), 30, what="an apology")
    key = key_of_the_message(slack)
    slack.eventually(
        lambda: running.lines(delivery=key, event="said", what="apology"), 30, what="the apology's line"
    )
    errors = [line for line in running.lines(delivery=key) if line["level"] == "error"]
    assert [line["logger"] for line in errors] == ["bot.edge.bolt", "bot.edge.worker"]
    assert {line["inbox_row"] for line in errors} == {errors[0]["inbox_row"]}
    assert CANARY not in running.log.read_text()


@pytest.mark.parametrize("key", ["T1:Ev0A1_b.2-c", "T1:123.456.abc", "T1:missed:D1:17.0001"])
def test_ids_are_logged_as_they_are(key: str) -> None:
    """What Slack calls a delivery is what is searched for."""
    assert shown_key(key) == key


@pytest.mark.parametrize("key", ["T1:my secret words", "T1:écrit", "T1:a\nb", "T1:" + "x" * 130])
def test_what_is_no_id_is_logged_as_a_digest(key: str) -> None:
    """Where words could stand, none do."""
    assert shown_key(key).isalnum()
    assert len(shown_key(key)) == 32
