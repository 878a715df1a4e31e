"""/health/ready: only when model and schema are what the code expects; else what is wrong, and what to do."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot.app import Bot, load_decider
from bot.storage.database import open_engine
from tests.scenarios.conftest import Desk
from tests.serving import ask


def ready(bot: Bot) -> tuple[int, dict[str, Any]]:
    """What a load balancer hears."""
    status, page = ask(bot.port, "/health/ready")
    return status, json.loads(page)


def start(desk: Desk, place: Path, encoder_dir: Path) -> Bot:
    """A bot that loads what lies in ``place``, as `serve` does."""
    given = {"model_dir": place, "encoder_dir": encoder_dir}
    return desk.start_bot(load_decider(desk.settings(**given)), **given)


@pytest.fixture
def place(model_dir: Path, tmp_path: Path) -> Path:
    """A copy of a model, to be spoiled."""
    return Path(shutil.copytree(model_dir, tmp_path / "model"))


def test_with_its_model_and_schema_it_is_ready(sqlite_desk: Desk, place: Path, encoder_dir: Path) -> None:
    """Each check says so; when the folder then changes, the model that was loaded serves on, and that is said."""
    bot = start(sqlite_desk, place, encoder_dir)
    assert ready(bot) == (
        200,
        {
            "status": "ready",
            "checks": dict.fromkeys(("database", "storing", "inbox", "model", "threads"), "ok"),
        },
    )
    manifest = place / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    status, told = ready(bot)
    assert (status, told["degraded"]) == (200, ["model"])
    assert f"the model {bot.deps.decider.model_id} serves" in told["checks"]["model"]


def test_without_any_model_it_is_ready_and_says_degraded(
    sqlite_desk: Desk, tmp_path: Path, encoder_dir: Path
) -> None:
    """A desk may run without a model: every request goes to a person."""
    status, told = ready(start(sqlite_desk, tmp_path / "none", encoder_dir))
    assert (status, told["status"], told["degraded"]) == (200, "ready", ["model"])
    assert "every request goes to a person" in told["what_to_do"]["model"]


@pytest.mark.parametrize("file", ["model.txt", "views.safetensors", "manifest.json"])
def test_a_model_that_cannot_be_trusted_keeps_it_from_being_ready(
    sqlite_desk: Desk, place: Path, encoder_dir: Path, file: str
) -> None:
    """A flipped bit in the folder: 503, why, and what to do. The bot runs, and requests go to a person."""
    content = bytearray((place / file).read_bytes())
    content[0] ^= 1
    (place / file).write_bytes(content)
    bot = start(sqlite_desk, place, encoder_dir)
    status, told = ready(bot)
    assert (status, told["status"]) == (503, "not ready")
    assert file in told["checks"]["model"]
    assert "python -m classifier train" in told["what_to_do"]["model"]
    sqlite_desk.riley.dm("the vpn drops")
    sqlite_desk.sees(sqlite_desk.riley, "A person will look at this")


@pytest.mark.parametrize(
    ("revision", "remedy"), [("0003", "python -m bot migrate"), ("9999", "start that version")]
)
def test_a_schema_of_another_version_keeps_it_from_being_ready(
    sqlite_desk: Desk, revision: str, remedy: str
) -> None:
    """Behind: migrate. Ahead: run what migrated it. As soon as they agree again it is ready, without a restart."""
    bot = sqlite_desk.start_bot()
    engine = open_engine(sqlite_desk.database_url)
    with engine.begin() as connection:
        old = connection.scalar(text("SELECT version_num FROM alembic_version"))
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": revision})
    status, told = ready(bot)
    assert status == 503
    assert f"the database is at {revision}" in told["checks"]["database"]
    assert remedy in told["what_to_do"]["database"]
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :now"), {"now": old})
    engine.dispose()
    assert ready(bot)[0] == 200


def test_a_database_that_is_gone_is_said_without_its_address(sqlite_desk: Desk) -> None:
    """503 with the error's class and where to look; nothing of DATABASE_URL or of a statement."""
    bot = sqlite_desk.start_bot()
    with bot.deps.db.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    bot.deps.db.dispose()
    path = Path(sqlite_desk.database_url.removeprefix("sqlite:///"))
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    status, told = ready(bot)
    assert status == 503
    assert told["checks"]["database"] == "the database cannot be reached"
    assert told["what_to_do"]["database"]
    assert str(path) not in json.dumps(told)
