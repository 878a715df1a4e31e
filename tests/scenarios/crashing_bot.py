"""Bots that die, as by kill -9, the first time they come to the step that was ordered; their settings come from the
environment, as a real bot's do.
"""

import os
from collections.abc import Callable
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from bot.app import Bot
from bot.delivery.sender import Sender
from bot.edge import writer
from bot.edge.http import _Edge
from bot.edge.worker import InboxWorker
from bot.edge.writer import InboxWriter
from bot.jobs import matching
from bot.storage.work import Work
from tests.fakes import WordClassifier
from tests.reliability.apparatus.nursery import bot_of_words, nurse

NEVER = "never"
STEPS = (
    "verified",
    "stored",
    "acknowledged",
    "claimed",
    "decided",
    "written",
    "committed",
    "matched",
    "offered",
    "about_to_send",
    "sent",
    "marked",
)
DIED = 9


def die(*_args: Any, **_kwargs: Any) -> Any:
    """End at once: no handler runs, nothing is flushed, no lock is let go."""
    os._exit(DIED)


def die_after_an_offer(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, and the end once it has offered something: the matcher also runs when nothing waits."""

    def run(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result if isinstance(result, int) else result.offers:
            die()
        return result

    return run


class DyingClassifier(WordClassifier):
    """Decides, and dies with the answer on its lips."""

    def decide(self, text: str) -> Any:
        super().decide(text)
        die()


def insert_then_die(self: Any, batch: Any) -> None:
    """The writer's commit, and the end before anybody is told."""
    with self._db.writing() as session:
        writer.store(session, [pending.delivery for pending in batch], self._clock())
    die()


def acknowledge_then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, and the end once Slack has been sent its 200."""

    async def run(self: Any, request: Request) -> Response:
        response: Response = await function(self, request)
        if response.status_code == 200:
            response.background = BackgroundTask(die)
        return response

    return run


def prepare(step: str) -> WordClassifier:
    """Put the end at ``step``; the classifier with which it is reached."""
    classifier = WordClassifier()
    match step:
        case "verified":
            InboxWriter._insert = die  # type: ignore[method-assign]
        case "stored":
            InboxWriter._insert = insert_then_die  # type: ignore[method-assign]
        case "acknowledged":
            _Edge.slack = acknowledge_then_die(_Edge.slack)  # type: ignore[method-assign]
        case "claimed":
            InboxWorker.work = die  # type: ignore[method-assign]
        case "decided":
            classifier = DyingClassifier()
        case "written":
            Work._settle = die  # type: ignore[method-assign]
        case "committed":
            InboxWorker.settle = die  # type: ignore[method-assign]
        case "matched":
            matching.offer_waiting = die_after_an_offer(matching.offer_waiting)
        case "offered":
            matching.match_all = die_after_an_offer(matching.match_all)
        case "about_to_send":
            Sender.work = die  # type: ignore[method-assign]
        case "sent":
            Sender.settle = die  # type: ignore[method-assign]
        case "marked":
            Sender._tell = die  # type: ignore[method-assign]
        case "never":
            pass
        case _:
            raise SystemExit(f"no step {step}")
    return classifier


def make(step: str) -> Bot:
    """A bot on a free port that runs until ``step`` is reached."""
    return bot_of_words(prepare(step))


if __name__ == "__main__":
    nurse(make)
