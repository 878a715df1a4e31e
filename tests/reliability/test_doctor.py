"""`python -m bot doctor` finds each misconfiguration of a list: what is wrong in one line, what to do in another."""

import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import insert, text, update

from bot.delivery.slack import PROXY_VARIABLES
from bot.doctor import Finding, Level, Limits, examine
from bot.doctor.database import NETWORK_DRIVES, drive_of
from bot.storage.database import open_engine
from bot.storage.tables import Agent, InboxRow, RowState
from playground.faults import FaultKind, FaultRule
from playground.model import BOT_USER
from playground.testing import PlaygroundServer
from tests.reliability.apparatus.rows import inbox_row
from tests.scenarios.conftest import utc_now
from tests.serving import free_port


@dataclass
class Ward:
    """A desk that is in order, to be spoiled in one way; `environment` is what the doctor reads."""

    slack: PlaygroundServer
    database_url: str
    folder: Path
    environment: pytest.MonkeyPatch
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] = utc_now
    held: list[socket.socket] = field(default_factory=list)

    def set(self, **settings: str) -> None:
        """Settings as the environment gives them."""
        for name, value in settings.items():
            self.environment.setenv(name, value)

    def sql(self, statement: object) -> None:
        """Change the database."""
        engine = open_engine(self.database_url)
        with engine.begin() as connection:
            connection.execute(statement)  # type: ignore[call-overload]
        engine.dispose()

    def found(self) -> dict[str, Finding]:
        """What the doctor finds, by check; of several findings of a check the worst."""
        order = [Level.GOOD, Level.WARNING, Level.FAULT]
        findings = sorted(examine(self.clock, self.limits), key=lambda finding: order.index(finding.level))
        return {finding.check: finding for finding in findings}


@pytest.fixture
def ward(
    slack: PlaygroundServer, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ward]:
    """In order, but that there is no model: a desk may run without one."""
    for name in [*os.environ]:
        if name.startswith(("SLACK_", "FIRSTLINE_")) or name in {*PROXY_VARIABLES, "HOST"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    made = Ward(slack, sqlite_url, tmp_path, monkeypatch)
    made.set(**slack.app_environment(), DATABASE_URL=sqlite_url, MODEL_DIR=str(tmp_path / "model"))
    made.set(FIRSTLINE_AGENTS="U0ANA,U0BEN", FIRSTLINE_ADMINS="U0MORGAN", PORT=str(free_port()))
    yield made
    for listening in made.held:
        listening.close()


def test_a_desk_in_order_has_no_fault(ward: Ward) -> None:
    """Everything is good, Socket Mode and a channel included; only the model is missing, and that is a warning."""
    ward.set(SLACK_APP_TOKEN=ward.slack.app_token, FIRSTLINE_AGENT_CHANNEL="C0HELP")
    found = ward.found()
    wrong = {check: finding.sentence for check, finding in found.items() if finding.level is not Level.GOOD}
    assert set(wrong) == {"model"}
    assert {"settings", "storage", "slack", "clock", "scopes", "socket mode", "people", "channel"} <= set(
        found
    )
    assert not ward.slack.person("U0ANA").messages("C0HELP")


Spoil = Callable[[Ward], None]


def wrong_token(ward: Ward) -> None:
    ward.set(SLACK_BOT_TOKEN="xoxb-of-another-app")


def swapped_tokens(ward: Ward) -> None:
    ward.set(SLACK_BOT_TOKEN=ward.slack.app_token, SLACK_APP_TOKEN=ward.slack.bot_token)


def no_app_token(ward: Ward) -> None:
    ward.set(SLACK_MODE="socket")


def refused_app_token(ward: Ward) -> None:
    ward.set(SLACK_APP_TOKEN="xapp-1-of-another-app")


def token_for_a_secret(ward: Ward) -> None:
    # The playground under an address that does not count as this machine's own, as its secret is a made-up one.
    ward.set(
        SLACK_API_URL=ward.slack.api_url.replace("127.0.0.1", "0.0.0.0"),
        SLACK_SIGNING_SECRET="xoxb-not-a-secret",
    )


def uninstalled(ward: Ward) -> None:
    ward.slack.uninstall()


def slack_away(ward: Ward) -> None:
    ward.set(SLACK_API_URL=f"http://127.0.0.1:{free_port()}/api/")


def clock_off(ward: Ward) -> None:
    ward.clock = lambda: utc_now() + timedelta(minutes=6)


def agent_unknown(ward: Ward) -> None:
    ward.set(FIRSTLINE_AGENTS="U0ANA,U0NOBODY")


def admin_is_the_bot(ward: Ward) -> None:
    ward.set(FIRSTLINE_ADMINS=BOT_USER)


def agent_deactivated(ward: Ward) -> None:
    where = {"users": "U0BEN"}
    ward.slack.set_faults(
        FaultRule(FaultKind.ERROR, "conversations.open", where=where, error="user_disabled")
    )


def slack_wants_patience(ward: Ward) -> None:
    ward.slack.set_faults(FaultRule(FaultKind.RATE_LIMITED, "conversations.open", skip=1))


def answers_gone(ward: Ward) -> None:
    ward.set(ANSWERS_FILE=str(ward.folder / "nowhere.yml"))


def not_in_the_channel(ward: Ward) -> None:
    def leave(playground: object) -> None:
        channels = playground.workspace.channels  # type: ignore[attr-defined]
        kept = tuple(member for member in channels["C0HELP"].members if member != BOT_USER)
        channels["C0HELP"] = replace(channels["C0HELP"], members=kept)

    ward.slack.look(leave)
    ward.set(FIRSTLINE_AGENT_CHANNEL="C0HELP")


def database_away(ward: Ward) -> None:
    ward.set(DATABASE_URL=f"postgresql://nobody:hunter2@127.0.0.1:{free_port()}/nothing")


def file_of_another_encoding(ward: Ward) -> None:
    (ward.folder / ".env").write_bytes(b"# hunter2 \xff")


def database_never_made(ward: Ward) -> None:
    ward.set(DATABASE_URL=f"sqlite:///{ward.folder}/slip/bot.db")


def host_forgotten(ward: Ward) -> None:
    ward.set(DATABASE_URL="postgresql://nobody:hunter2/nothing")


def password_for_slack(ward: Ward) -> None:
    ward.set(SLACK_API_URL="http://somebody:hunter2@127.0.0.1:9/api/")


def file_not_writable(ward: Ward) -> None:
    (ward.folder / "folder.db").mkdir()
    ward.set(DATABASE_URL=f"sqlite:///{ward.folder}/folder.db")


def in_memory(ward: Ward) -> None:
    ward.set(DATABASE_URL="sqlite:///:memory:")


def schema_behind(ward: Ward) -> None:
    ward.sql(text("UPDATE alembic_version SET version_num = '0003'"))


def schema_ahead(ward: Ward) -> None:
    ward.sql(text("UPDATE alembic_version SET version_num = '9999'"))


def dead_letters(ward: Ward) -> None:
    ward.sql(insert(InboxRow).values(**inbox_row("k", RowState.DEAD, utc_now()), fault="ZeroDivisionError"))


def nobody_for_a_category(ward: Ward) -> None:
    for user in ("U0ANA", "U0BEN"):
        skills = {"network_vpn": 1.0}
        row = {"team_id": "T0PLAY", "user_id": user, "is_on": True, "is_active": True, "skills": skills}
        ward.sql(insert(Agent).values(**row, languages=[], created_at=utc_now()))


def hours_lost(ward: Ward) -> None:
    nobody_for_a_category(ward)
    overlapping = {"zone": "UTC", "windows": [[0, 540, 1020], [0, 600, 660]]}
    ward.sql(update(Agent).where(Agent.user_id == "U0BEN").values(hours=overlapping))


def everybody_away(ward: Ward) -> None:
    nobody_for_a_category(ward)
    ward.sql(update(Agent).values(is_on=False))


def port_taken(ward: Ward) -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    ward.held.append(server.socket)
    ward.set(PORT=str(server.server_port))


def host_of_another_machine(ward: Ward) -> None:
    ward.set(HOST="192.0.2.1")


def disk_nearly_full(ward: Ward) -> None:
    ward.limits = Limits(least_free_bytes=shutil.disk_usage(ward.folder).total + 1)


def lease_too_short(ward: Ward) -> None:
    ward.set(FIRSTLINE_LEASE_S="20", FIRSTLINE_SLACK_TIMEOUT_S="10")


def hedge_too_late(ward: Ward) -> None:
    ward.set(FIRSTLINE_HEDGE_S="120", FIRSTLINE_OFFER_S="120")


def kept_too_shortly(ward: Ward) -> None:
    ward.set(FIRSTLINE_KEEP_S="600")


@pytest.mark.parametrize(
    ("spoil", "check", "level", "words", "remedy"),
    [
        (wrong_token, "slack", Level.FAULT, "invalid_auth", "SLACK_BOT_TOKEN"),
        (
            swapped_tokens,
            "settings",
            Level.FAULT,
            "SLACK_BOT_TOKEN holds a token of another kind",
            ".env.example",
        ),
        (no_app_token, "settings", Level.FAULT, "SLACK_MODE=socket needs it", ".env.example"),
        (refused_app_token, "socket mode", Level.FAULT, "invalid_auth", "connections:write"),
        (token_for_a_secret, "signing secret", Level.WARNING, "does not look like one", "Basic Information"),
        (uninstalled, "slack", Level.FAULT, "account_inactive", "installing"),
        (slack_away, "slack", Level.FAULT, "does not answer", "SLACK_API_URL"),
        (clock_off, "clock", Level.FAULT, " s apart, so every signature looks stale", "NTP"),
        (agent_unknown, "people", Level.FAULT, "U0NOBODY in FIRSTLINE_AGENTS", "correct it"),
        (admin_is_the_bot, "people", Level.FAULT, "cannot_dm_bot", "FIRSTLINE_ADMINS"),
        (agent_deactivated, "people", Level.FAULT, "user_disabled", "take it out"),
        (slack_wants_patience, "people", Level.WARNING, "2 were not tried", "in a minute"),
        (answers_gone, "answers", Level.FAULT, "ANSWERS_FILE: ", "mend the file"),
        (not_in_the_channel, "channel", Level.FAULT, "not_in_channel", "/invite"),
        (database_away, "database", Level.FAULT, "OperationalError", "server runs"),
        (file_of_another_encoding, "settings", Level.FAULT, ".env is not UTF-8", ".env.example"),
        (database_never_made, "database", Level.FAULT, "there is no database", "python -m bot migrate"),
        (host_forgotten, "settings", Level.FAULT, "DATABASE_URL: cannot be read", ".env.example"),
        (password_for_slack, "settings", Level.FAULT, "SLACK_API_URL: may hold no user", ".env.example"),
        (file_not_writable, "database", Level.FAULT, "cannot be opened", "writable"),
        (in_memory, "storage", Level.FAULT, "in memory forgets everything", "local disk"),
        (schema_behind, "database", Level.FAULT, "is at 0003", "python -m bot migrate"),
        (schema_ahead, "database", Level.FAULT, "is at 9999", "newer version"),
        (dead_letters, "inbox", Level.WARNING, "1 dead letters (1 x ZeroDivisionError)", "given up"),
        (hours_lost, "agent_rows", Level.WARNING, "U0BEN of T0PLAY cannot be read", "/firstline me"),
        (nobody_for_a_category, "skills", Level.WARNING, "nobody can ever be offered", "/firstline me"),
        (everybody_away, "presence", Level.WARNING, "no agent is on", "/firstline on"),
        (port_taken, "port", Level.FAULT, "taken by another program", "PORT"),
        (host_of_another_machine, "host", Level.FAULT, "HOST cannot be listened on", "127.0.0.1"),
        (disk_nearly_full, "disk", Level.WARNING, "MB are free", "make room"),
        (lease_too_short, "settings", Level.FAULT, "at least three times", ".env.example"),
        (hedge_too_late, "periods", Level.WARNING, "FIRSTLINE_HEDGE_S is not below", "lower"),
        (kept_too_shortly, "periods", Level.WARNING, "FIRSTLINE_KEEP_S is below 3600", "raise"),
    ],
)
def test_what_is_wrong_is_found(
    ward: Ward, spoil: Spoil, check: str, level: Level, words: str, remedy: str
) -> None:
    """One thing is wrong, and the doctor says which and what to do; no secret is in it."""
    spoil(ward)
    found = ward.found()
    assert (found[check].level, words in found[check].sentence) == (level, True), found[check]
    assert remedy in found[check].what_to_do
    told = "\n".join(finding.as_line() for finding in found.values())
    assert len(found[check].as_line().splitlines()) == 2
    for secret in (ward.slack.bot_token, ward.slack.app_token, ward.slack.signing_secret, "hunter2"):
        assert secret not in told


def test_a_missing_scope_is_found(ward: Ward) -> None:
    """An app that was installed with an older manifest."""
    manifest = replace(ward.slack.manifest, scopes=ward.slack.manifest.scopes - {"mpim:write"})
    with PlaygroundServer(manifest=manifest) as older:
        ward.set(**older.app_environment())
        found = ward.found()["scopes"]
    assert (found.level, found.sentence) == (Level.FAULT, "the app lacks mpim:write")


def test_a_sound_model_is_good(ward: Ward, model_dir: Path, encoder_dir: Path) -> None:
    """With the encoder that it was trained with."""
    ward.set(MODEL_DIR=str(model_dir), ENCODER_DIR=str(encoder_dir))
    assert ward.found()["model"].level is Level.GOOD


@pytest.mark.parametrize(
    ("part", "words"),
    [("model", "was altered or cut short"), ("encoder", "another build of encoder"), ("gone", "cannot run")],
)
def test_a_model_that_cannot_be_trusted_is_found(
    ward: Ward, model_dir: Path, encoder_dir: Path, part: str, words: str
) -> None:
    """A flipped bit, an encoder that is not the one it was trained with, or none."""
    place = Path(shutil.copytree(model_dir, ward.folder / "model"))
    ward.set(ENCODER_DIR=str(encoder_dir))
    if part == "model":
        content = bytearray((place / "model.txt").read_bytes())
        content[100] ^= 1
        (place / "model.txt").write_bytes(content)
    elif part == "encoder":
        pretend_other_encoder(place)
    else:
        ward.set(ENCODER_DIR=str(ward.folder / "nothing"))
    found = ward.found()["model"]
    assert (found.level, words in found.sentence) == (Level.FAULT, True), found
    assert "python -m classifier train" in found.what_to_do


def pretend_other_encoder(place: Path) -> None:
    """Say in the model's description that it was trained with another build, hashes made anew."""
    description = json.loads((place / "model.json").read_text())
    description["encoder"]["fingerprint"] = "0" * 64
    (place / "model.json").write_text(json.dumps(description))
    manifest = json.loads((place / "manifest.json").read_text())
    manifest["files"]["model.json"] = hashlib.sha256((place / "model.json").read_bytes()).hexdigest()
    (place / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "words"),
    [("default_transaction_read_only%3Don", "takes no writes"), (None, None)],
)
def test_a_postgres_that_takes_no_writes_is_found(
    ward: Ward, postgres_database_url: str, change: str | None, words: str | None
) -> None:
    """A standby, or a role that may only read; a sound one is good, its clock included."""
    url = postgres_database_url + (f"%20-c{change}" if change else "")
    ward.set(DATABASE_URL=url)
    found = ward.found()["storage"]
    assert (found.level is Level.GOOD) is (words is None)
    assert words is None or words in found.sentence
    ward.clock = lambda: utc_now() + timedelta(minutes=2)
    if words is None:
        assert "120 s apart" in ward.found()["storage"].sentence


def test_an_encoding_that_cannot_hold_words_is_found(ward: Ward, postgres_url: str) -> None:
    """A database made in a terminal without a locale."""
    admin = open_engine(postgres_url).execution_options(isolation_level="AUTOCOMMIT")
    name = f"ascii_{free_port()}"
    with admin.connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0"
        )
        try:
            ward.set(DATABASE_URL=admin.url.set(database=name).render_as_string(hide_password=False))
            assert "SQL_ASCII" in ward.found()["storage"].sentence
        finally:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    admin.dispose()


def test_a_network_drive_is_known_by_its_mount(tmp_path: Path) -> None:
    """The longest mount point that holds the file decides."""
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda1 / ext4 rw 0 0\nnas:/share /srv/desk nfs4 rw 0 0\ntmpfs /srv/desk/x tmpfs rw 0 0\n"
    )
    assert drive_of(Path("/srv/desk/bot.db"), mounts) in NETWORK_DRIVES
    assert drive_of(Path("/srv/desk/x/bot.db"), mounts) == "tmpfs"
    assert drive_of(Path("/srv/desktop.db"), mounts) == "ext4"
    assert drive_of(Path("/srv/desk/bot.db"), tmp_path / "none") is None
