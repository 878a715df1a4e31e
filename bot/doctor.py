"""`python -m bot doctor`: looks at everything the bot stands on, and says what to do about what is wrong.

Each check is a function that returns one finding; a check that fails in an unforeseen way becomes a finding too.
"""

import os
import socket
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.delivery.slack import QUIET, forget_proxies
from bot.errors import SchemaError, SettingsError
from bot.settings import DEFAULT_PORT, Settings, SlackMode, StorageSettings, load_settings
from bot.storage import schema
from bot.storage.database import open_engine
from bot.storage.tables import Agent, InboxRow, OutboxRow, RowState
from classifier import ClassifierError, load, load_answers

MANIFEST = Path(__file__).resolve().parents[1] / "manifest.yml"
SLACK_LIMIT_S = 5


class Level(StrEnum):
    """How bad it is."""

    GOOD = "good"
    WARNING = "warning"  # works, but not as it could
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    check: str
    level: Level
    sentence: str

    @property
    def is_fault(self) -> bool:
        """Whether the bot cannot work like this."""
        return self.level is Level.FAULT

    def as_line(self) -> str:
        """One line for a terminal."""
        mark = {Level.GOOD: "ok     ", Level.WARNING: "warning", Level.FAULT: "FAULT  "}[self.level]
        return f"{mark} {self.check}: {self.sentence}"

    def as_dict(self) -> dict[str, str]:
        """The same for `--json`."""
        return {"check": self.check, "level": self.level.value, "sentence": self.sentence}


def good(check: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(check, Level.GOOD, sentence)


def warning(check: str, sentence: str) -> Finding:
    """Works, but not as it could."""
    return Finding(check, Level.WARNING, sentence)


def fault(check: str, sentence: str) -> Finding:
    """The bot cannot work like this."""
    return Finding(check, Level.FAULT, sentence)


def examine() -> list[Finding]:
    """Run every check that can be run with the settings there are; worst news is not hidden by the first."""
    try:
        settings = load_settings()
    except SettingsError as error:
        try:
            storage = load_settings(StorageSettings)
        except SettingsError:
            return [fault("settings", str(error))]
        return [
            fault("settings", str(error)),
            *_looked_at("database", _database, storage),
            *_looked_at("model", _model, storage),
        ]
    forget_proxies(settings.slack_api_url, os.environ)
    return [
        good("settings", f"complete; Slack reaches the bot over {_mode_in_words(settings)}"),
        *_people(settings),
        *_looked_at("database", _database, settings),
        *_looked_at("model", _model, settings),
        *_looked_at("slack", _slack, settings),
        *_looked_at("port", _port, settings),
    ]


def _looked_at(
    name: str, check: Callable[[Settings], Iterator[Finding]], settings: Settings
) -> Iterator[Finding]:
    """A check's findings; what it did not foresee is one more."""
    try:
        yield from check(settings)
    except Exception as error:  # the doctor's edge: one failing check must not hide the others
        yield fault(name, f"could not be checked: {type(error).__name__}")


def _mode_in_words(settings: Settings) -> str:
    return "Socket Mode" if settings.mode is SlackMode.SOCKET else "HTTP at /slack/events"


def _people(settings: Settings) -> Iterator[Finding]:
    if settings.firstline_admins:
        yield good("admins", f"{len(settings.firstline_admins)} listed")
    else:
        yield warning("admins", "nobody may see stats: list Slack user ids in FIRSTLINE_ADMINS")
    if settings.firstline_agents:
        yield good("agents", f"{len(settings.firstline_agents)} listed")
    else:
        yield warning("agents", "nobody takes requests: list Slack user ids in FIRSTLINE_AGENTS")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        engine = open_engine(settings.database_url)
        with engine.execution_options(firstline_read_only=True).connect():
            pass
    except (SQLAlchemyError, OSError, ImportError) as error:
        yield fault(
            "database",
            f"DATABASE_URL cannot be opened ({type(error).__name__}): is the server up, is the folder writable?",
        )
        return
    try:
        schema.require_head(engine)
        yield good("database", f"{engine.dialect.name}, schema {schema.head()}")
        yield from _rows(engine)
    except SchemaError as error:
        yield fault("database", str(error))
    finally:
        engine.dispose()


def _rows(engine: Engine) -> Iterator[Finding]:
    with Session(engine.execution_options(firstline_read_only=True)) as session:
        for name, table in (("inbox", InboxRow), ("outbox", OutboxRow)):
            dead = session.scalar(select(func.count()).where(table.state == RowState.DEAD)) or 0
            if dead:
                faults = session.execute(
                    select(table.fault, func.count())
                    .where(table.state == RowState.DEAD)
                    .group_by(table.fault)
                ).all()
                listed = ", ".join(f"{count} x {fault or 'unknown'}" for fault, count in faults)
                yield warning(name, f"{dead} dead letters ({listed})")
            else:
                yield good(name, "no dead letters")
        agents = session.scalar(select(func.count()).where(Agent.is_active, Agent.is_on)) or 0
        yield (
            good("presence", f"{agents} agents are on")
            if agents
            else warning("presence", "no agent is on: requests wait until one types /firstline on")
        )


def _model(settings: Settings) -> Iterator[Finding]:
    try:
        classifier = load(settings.model_dir, settings.encoder_dir)
    except (ClassifierError, OSError) as error:
        yield warning(
            "model",
            f"{error} Until then every request goes to a person; `python -m classifier train` makes a model.",
        )
        return
    yield good("model", f"{classifier.model_id} on {classifier.encoder_name}")
    try:
        answers = load_answers(settings.answers_file) if settings.answers_file else load_answers()
    except (ClassifierError, OSError) as error:
        yield fault("answers", str(error))
        return
    missing = sorted(set(classifier.categories) - set(answers))
    if missing:
        yield warning("answers", f"no answer for {', '.join(missing)}: requests about it go to a person")
    else:
        yield good("answers", f"{len(answers)} categories have an answer")


def _slack(settings: Settings) -> Iterator[Finding]:
    client = WebClient(
        settings.slack_bot_token, settings.slack_api_url, SLACK_LIMIT_S, retry_handlers=[], logger=QUIET
    )
    told = yield from _asked("slack", client.auth_test, "the bot token")
    if told is None:
        return
    yield good("slack", f"workspace {told.get('team')}, bot user {told.get('user_id')}")
    yield _scopes(str(told.headers.get("x-oauth-scopes", told.headers.get("X-OAuth-Scopes", ""))))
    if settings.mode is SlackMode.SOCKET:
        opened = yield from _asked(
            "socket mode",
            lambda: client.apps_connections_open(app_token=settings.slack_app_token or ""),
            "SLACK_APP_TOKEN",
        )
        if opened is not None:
            yield good("socket mode", "Slack opens a connection for the app token")


def _asked(check: str, ask: Callable[[], Any], subject: str) -> Generator[Finding, None, Any]:
    """Yield the finding when Slack refuses or is away; return its answer otherwise."""
    try:
        return ask()
    except SlackApiError as error:
        yield fault(check, f"Slack refuses {subject}: {error.response.get('error')}")
    except OSError as error:
        yield fault(
            check,
            f"Slack does not answer ({type(error).__name__}): does this machine reach it, is SLACK_API_URL right?",
        )
    return None


def _scopes(granted_header: str) -> Finding:
    granted = {scope.strip() for scope in granted_header.split(",") if scope.strip()}
    wanted = set(yaml.safe_load(MANIFEST.read_text())["oauth_config"]["scopes"]["bot"])
    if missing := wanted - granted:
        return fault(
            "scopes",
            f"the app lacks {', '.join(sorted(missing))}: paste manifest.yml into the app's settings and reinstall it",
        )
    if extra := granted - wanted:
        return warning("scopes", f"the app has more than it needs: {', '.join(sorted(extra))}")
    return good("scopes", "as in manifest.yml")


def _port(settings: Settings) -> Iterator[Finding]:
    port = settings.port or DEFAULT_PORT
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            yield warning("port", f"{port} is in use: by the running bot, one hopes; otherwise set PORT")
        else:
            yield good("port", f"{port} is free")
