"""100 events a second with workers busy: 8 DMs, some clicks and thread replies, and what a workspace sends besides.

The people are in this process, the rest comes from a process of its own. How long an acknowledgement takes is counted
there, by whoever sends; how long an answer takes, between two time stamps of the playground.
"""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from playground.testing import PlaygroundServer
from tests.bench.crowd import Crowd
from tests.bench.figures import Target, note, percentiles, steadily
from tests.bench.noise import Order, Posted, post
from tests.bench.running_bot import RunningBot, Usage

CLICKS_A_SECOND, REPLIES_A_SECOND = 3.0, 2.0
SLACK_WAITS_MS = 3000


@dataclass(frozen=True, slots=True)
class Load:
    """How much of what, for how long."""

    seconds: float
    events_a_second: float = 100.0
    dms_a_second: float = 8.3  # Slack tells an app no more than 30,000 events an hour of one workspace
    people: int = 600

    @property
    def noise_a_second(self) -> float:
        """What is left when people have written, pressed and replied."""
        return self.events_a_second - self.dms_a_second - CLICKS_A_SECOND - REPLIES_A_SECOND


def measure(slack: PlaygroundServer, folder: Path, load: Load) -> tuple[dict[str, Any], list[Target]]:
    """Run it; figures, and what they should be."""
    bot = RunningBot(slack, folder)
    try:
        crowd = Crowd(slack, load.people)
        before, began_s = (bot.usage, Usage.of(os.getpid())), time.perf_counter()
        posted = run(bot, slack, crowd, load)
        lasted_s = time.perf_counter() - began_s
        after = (bot.usage, Usage.of(os.getpid()))
        drained_s = bot.wait_until_worked(30)
        waits_ms, unanswered = crowd.waits_ms()
        figures: dict[str, Any] = {
            "seconds": round(lasted_s, 1),
            "ack_ms": percentiles(posted.took_ms),
            "ack_stored_ms": percentiles(posted.took_stored_ms),
            "statuses": dict(posted.statuses),
            "sent_by_kind": dict(posted.kinds),
            "broken_connections": posted.broken,
            "undelivered": posted.undelivered,
            "dms": len(crowd.written),
            "dm_to_answer_ms": percentiles(waits_ms),
            "unanswered": unanswered,
            "drained_s": drained_s,
            "bot_cores": round((after[0].cpu_s - before[0].cpu_s) / lasted_s, 2),
            "playground_and_people_cores": round((after[1].cpu_s - before[1].cpu_s) / lasted_s, 2),
            "resident_mb": [before[0].resident_mb, after[0].resident_mb],
            "dead_letters": bot.dead_letters(),
            "log_errors": bot.errors,
        }
    finally:
        bot.stop()
    return figures, _targets(figures)


def _targets(figures: dict[str, Any]) -> list[Target]:
    ack, answer = figures["ack_stored_ms"], figures["dm_to_answer_ms"]
    return [
        Target("stored and acknowledged, p95, ms", ack["p95"], 20),
        Target("stored and acknowledged, p99, ms", ack["p99"], 100),
        Target("stored and acknowledged, worst, ms", ack["max"], SLACK_WAITS_MS),
        Target("not acknowledged", figures["undelivered"] + figures["broken_connections"], 0),
        Target("DM to answer, p95, ms", answer["p95"], 200),
        Target("DMs without an answer", figures["unanswered"], 0),
        Target("given up", sum(figures["dead_letters"].values()), 0),
    ]


def run(bot: RunningBot, slack: PlaygroundServer, crowd: Crowd, load: Load) -> Posted:
    """Everything at once until its time is over; what became of the noise."""
    deeds: list[tuple[float, Callable[[int], object]]] = [
        (load.dms_a_second, crowd.write),
        (CLICKS_A_SECOND, crowd.press),
        (REPLIES_A_SECOND, crowd.reply),
    ]
    threads = [threading.Thread(target=_do, args=(rate, load.seconds, deed)) for rate, deed in deeds]
    order = Order(
        bot.port, slack.signing_secret, 0, round(load.noise_a_second * load.seconds), load.noise_a_second
    )
    with ProcessPoolExecutor(1, get_context("spawn")) as sender:
        sender.submit(time.sleep, 0).result()  # it has started
        noise = sender.submit(post, order)
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            for thread in threads:
                thread.join(10 / len(threads))
            note(f"{len(crowd.written)} DMs, unsettled: {bot.backlog()}")
        return noise.result()


def _do(rate: float, seconds: float, deed: Callable[[int], object]) -> None:
    for number in steadily(rate, seconds):
        deed(number)
