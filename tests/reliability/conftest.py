"""A desk with a real model, trained once."""

from tests.bot.conftest import make_settings
from tests.classifier.conftest import cache_dir, encoder_dir, model_dir, packaged, starter
from tests.scenarios.conftest import database_url, desk, postgres_database_url, slack, sqlite_desk, sqlite_url
from tests.security.conftest import open_door

__all__ = [
    "cache_dir",
    "database_url",
    "desk",
    "encoder_dir",
    "make_settings",
    "model_dir",
    "open_door",
    "packaged",
    "postgres_database_url",
    "slack",
    "sqlite_desk",
    "sqlite_url",
    "starter",
]
