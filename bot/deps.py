"""What listeners, jobs and the edge are given: built once in ``bot/app.py``, handed down frozen."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.services.deciding import Decider
from bot.settings import Settings
from bot.storage.database import Clock, Database
from bot.storage.work import Wake, Work
from classifier import Answer


@dataclass(frozen=True, slots=True)
class Deps:
    """The parts of a running bot."""

    settings: Settings
    db: Database
    work: Work
    wake: Wake
    clock: Clock
    decider: Decider
    answers: Mapping[str, Answer]
