"""A bot that dies, as by kill -9, the first time it comes to the step named on the command line.

Run as a process of its own by test_crashes.py; its settings come from the environment, as a real bot's do.
"""

import os
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bot.app import build
from bot.delivery.sender import Sender
from bot.edge import worker, writer
from bot.edge.server import listen
from bot.edge.worker import InboxWorker
from bot.edge.writer import InboxWriter
from bot.jobs import matching
from bot.services.deciding import Decider
from bot.settings import load_settings
from bot.storage.work import Work
from tests.fakes import WordClassifier

DIED = 9


def die(*_args: Any, **_kwargs: Any) -> Any:
    """End at once: no handler runs, nothing is flushed, no lock is let go."""
    os._exit(DIED)


def then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, and after it the end."""

    def run(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)
        die()

    return run


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


def prepare(step: str) -> Decider:
    """Put the end at ``step``."""
    decider = Decider(WordClassifier())  # type: ignore[arg-type]
    match step:
        case "verified":
            InboxWriter._insert = die  # type: ignore[method-assign]
        case "stored":
            InboxWriter._insert = insert_then_die  # type: ignore[method-assign]
        case "claimed":
            InboxWorker.work = die  # type: ignore[method-assign]
        case "decided":
            decider = Decider(DyingClassifier())  # type: ignore[arg-type]
        case "written":
            Work._settle = die  # type: ignore[method-assign]
        case "committed":
            worker.claims.finish = die  # type: ignore[assignment]
        case "matched":
            matching.offer_waiting = die_after_an_offer(matching.offer_waiting)
        case "offered":
            matching.match_all = die_after_an_offer(matching.match_all)
        case "about_to_send":
            Sender.work = die  # type: ignore[method-assign]
        case "sent":
            Sender._settle = die  # type: ignore[method-assign]
        case "marked":
            Sender._settle = then_die(Sender._settle)  # type: ignore[method-assign]
        case _:
            raise SystemExit(f"no step {step}")
    return decider


def main() -> None:
    """Run until the step is reached."""
    decider = prepare(sys.argv[1])
    bot = build(load_settings(), lambda: datetime.now(UTC), listen("127.0.0.1", 0), decider)
    print(bot.port, flush=True)
    bot.start()
    threading.Event().wait(60)


if __name__ == "__main__":
    main()
