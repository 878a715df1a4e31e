"""The front door: a playground, one bot or several on a real database, and people who write, press and look."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.app import Bot, build
from bot.edge.server import listen
from bot.services.deciding import Decider
from bot.settings import Settings
from bot.storage import schema
from bot.storage.database import Database, open_engine
from bot.storage.tables import Base
from playground.manifest import read_manifest
from playground.testing import PersonHandle, PlaygroundServer, SeenMessage
from tests.fakes import WordClassifier
from tests.serving import ROOT

CLOSE = "Yes, close my request"
ASK_ONE, ASK_TWO = "Ask a person", "None of these - ask a person"


def utc_now() -> datetime:
    """The real time: scenarios speak to real servers."""
    return datetime.now(UTC)


@dataclass
class Desk:
    """Everything a scenario needs. Bots are started with `start_bot` and stopped at the end."""

    slack: PlaygroundServer
    database_url: str
    bots: list[Bot] = field(default_factory=list)
    decider: Decider = field(default_factory=lambda: Decider(WordClassifier()))  # type: ignore[arg-type]
    given: dict[str, object] = field(default_factory=dict)

    def settings(self, **given: object) -> Settings:
        """Settings for a bot here: quick polls and retries, two agents, one admin."""
        defaults: dict[str, object] = {
            "slack_bot_token": self.slack.bot_token,
            "slack_signing_secret": self.slack.signing_secret,
            "slack_api_url": self.slack.api_url,
            "database_url": self.database_url,
            "firstline_admins": ("U0MORGAN",),
            "firstline_agents": ("U0ANA", "U0BEN"),
            "firstline_poll_s": 0.05,
            "firstline_retry_base_s": 0.05,
            "firstline_match_tick_s": 0.5,
            "firstline_hedge_s": 0,  # a slow machine would ask more agents than a scenario means to
        }
        return Settings(_env_file=None, **(defaults | self.given | given))  # type: ignore[call-arg, arg-type]

    def start_bot(self, decider: Decider | None = None, **given: object) -> Bot:
        """One more bot (a replica) on the same database; Slack is told its address."""
        settings = self.settings(**given)
        bot = build(settings, utc_now, listen("127.0.0.1", 0), decider or self.decider)
        bot.start()
        self.bots.append(bot)
        if bot.socket_edge is None:
            self.slack.set_request_url(f"http://127.0.0.1:{bot.port}/slack/events")
        else:
            edge = bot.socket_edge
            self.slack.eventually(lambda: edge.is_connected)
        return bot

    def stop_bots(self) -> None:
        """Stop every bot started here."""
        for bot in self.bots:
            bot.stop()
        self.bots.clear()

    def person(self, user: str) -> PersonHandle:
        """One of the playground's people."""
        return self.slack.person(user)

    @property
    def riley(self) -> PersonHandle:
        """A requester."""
        return self.person("U0RILEY")

    @property
    def sam(self) -> PersonHandle:
        """Another requester."""
        return self.person("U0SAM")

    @property
    def agents(self) -> tuple[PersonHandle, PersonHandle]:
        """The two agents."""
        return self.person("U0ANA"), self.person("U0BEN")

    def sees(self, person: PersonHandle, words: str, timeout_s: float = 10) -> SeenMessage:
        """Wait until the app shows ``person`` these words; return the newest such message."""
        return self.slack.eventually(
            lambda: person.find(words), timeout_s, what=f"{person.id} sees {words!r}"
        )

    def offer_to(self, *agents: PersonHandle, timeout_s: float = 10) -> tuple[PersonHandle, SeenMessage]:
        """Wait until one of ``agents`` holds an open offer; return who, and the card."""

        def look() -> tuple[PersonHandle, SeenMessage] | None:
            for agent in agents or self.agents:
                for message in reversed(agent.from_app()):
                    if "Accept" in message.buttons:
                        return agent, message
            return None

        return self.slack.eventually(look, timeout_s, what="an open offer")

    def rows(self, table: type[Base]) -> list[Base]:
        """Every row of a table, by its id."""
        engine = open_engine(self.database_url)
        with Database(engine).reading() as session:
            found = list(session.scalars(select(table).order_by(table.id)))  # type: ignore[attr-defined]
        engine.dispose()
        return found

    def said_to(self, *people: PersonHandle) -> list[str]:
        """What the bot said in these people's DMs, by kind ("card", "line", "offer"), sorted; fails if a thing was said twice."""
        said = [message for person in people for message in person.from_app(person.dm_channel)]
        keys = [message.metadata["event_payload"]["dedupe_key"] for message in said if message.metadata]
        assert len(keys) == len(set(keys)), "a thing was said twice"
        return sorted(key.split(":")[1] for key in keys)

    def cards(self, person: PersonHandle) -> list[SeenMessage]:
        """First answers this person got: cards with suggestions or "a person will look at this"."""
        return [m for m in person.from_app() if CLOSE in m.buttons or "A person will look at this" in m.words]


@pytest.fixture
def slack() -> Iterator[PlaygroundServer]:
    """A small Slack with the app's own manifest: its scopes and events are what the bot gets."""
    manifest = read_manifest(ROOT / "manifest.yml")
    with PlaygroundServer(manifest=manifest) as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A migrated SQLite database."""
    return migrated(f"sqlite:///{tmp_path}/bot.db")


@pytest.fixture
def postgres_database_url(postgres_schema_url: str) -> str:
    """A migrated PostgreSQL schema."""
    return migrated(postgres_schema_url)


@pytest.fixture(params=["sqlite_url", pytest.param("postgres_database_url", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database, once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def desk(slack: PlaygroundServer, database_url: str) -> Iterator[Desk]:
    """A desk on both databases."""
    made = Desk(slack, database_url)
    yield made
    made.stop_bots()


@pytest.fixture
def sqlite_desk(slack: PlaygroundServer, sqlite_url: str) -> Iterator[Desk]:
    """A desk for scenarios that have nothing to learn from a second database."""
    made = Desk(slack, sqlite_url)
    yield made
    made.stop_bots()


def migrated(url: str) -> str:
    """Bring the database to the schema, and return its URL."""
    engine = open_engine(url)
    schema.upgrade(engine)
    engine.dispose()
    return url
