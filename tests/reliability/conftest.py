"""A desk with a real model, trained once."""

from tests.classifier.conftest import cache_dir, encoder_dir, model_dir, packaged, starter
from tests.scenarios.conftest import slack, sqlite_desk, sqlite_url
from tests.security.conftest import open_door

__all__ = [
    "cache_dir",
    "encoder_dir",
    "model_dir",
    "open_door",
    "packaged",
    "slack",
    "sqlite_desk",
    "sqlite_url",
    "starter",
]
