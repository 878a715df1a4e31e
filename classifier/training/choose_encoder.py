"""Which encoder a training uses when nobody says: the default one, else the packaged one."""

from datetime import datetime
from pathlib import Path

from classifier.encoders.recipes import DEFAULT, recipe_named
from classifier.encoders.store import Installed, fetch, fetch_or_fallback

AUTO = "auto"


def choose_encoder(name: str, folder: Path, now: datetime) -> tuple[Installed, str | None]:
    """The encoder called `name`, fetched if it is not there; the text is a line to print, if there is one."""
    if name == AUTO:
        return fetch_or_fallback(DEFAULT, folder, now)
    return fetch(recipe_named(name), folder), None
