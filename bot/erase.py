"""Forgets a person from the command line, whether a bot runs or not."""

import re
import time
from datetime import datetime

from bot.errors import BotError
from bot.services.erasure import Erased, erase_person
from bot.storage.database import Database
from bot.storage.scrubbing import scrub_if_due

PERSON = re.compile(r"([TE][A-Z0-9]+)/([UW][A-Z0-9]+)")
SCRUB_WITHIN_S = 20.0  # a running bot reads for milliseconds at a time


def read_person(written: str) -> tuple[str, str]:
    """Workspace and user id of ``T1/U1``. Raises BotError."""
    found = PERSON.fullmatch(written)
    if found is None:
        raise BotError(f"{written!r} is not TEAM/USER, such as T012AB3CD/U045EF6GH")
    return found[1], found[2]


def erase(database: Database, now: datetime, team_id: str, user_id: str) -> Erased:
    """Forget, and write the database's files anew. Raises BotError when a reader keeps them from being written."""
    with database.writing() as session:
        erased = erase_person(session, now, team_id=team_id, user_id=user_id, actor_id=None, row_id=None)
    end_s = time.monotonic() + SCRUB_WITHIN_S
    while True:
        try:
            scrub_if_due(database)
        except BotError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.2)
        else:
            return erased
