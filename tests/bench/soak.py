"""A bot that runs for long: what grows, and what does not.

Most of the events are what a workspace sends besides (see `noise`): the bot acknowledges them all, and stores half of them first. A
stated share are DMs, whose cards are pressed. Retention is set to a minute, so that what is pruned after a month in
an office is pruned many times in a run.
"""

import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from playground.testing import PlaygroundServer
from tests.bench.crowd import Crowd
from tests.bench.figures import Target, note, percentiles
from tests.bench.noise import Order, Posted, post
from tests.bench.running_bot import RunningBot, Usage

CHUNK_AT_MOST = 5000  # events; the time limit is looked at after each chunk
THREADS_OF_A_MOMENT = 2  # a job has a thread of its own while it runs
FILES_OF_A_MOMENT = 8  # connections of senders, and of threads to the database; a leak would be hundreds
PRUNED = ("inbox", "outbox", "posted_messages", "routing_decisions")


@dataclass(frozen=True, slots=True)
class Soak:
    """``events`` in all, ``dm_share`` of them DMs, no faster than ``rate`` a second, and not longer than ``limit_s``."""

    events: int = 1_000_000
    dm_share: float = 0.01
    rate: float = 600.0
    limit_s: float = 3000.0
    warm_share: float = 0.1  # of the events come before what grows is counted from
    people: int = 600
    keep_s: float = 60.0
    chunks: int = 100

    @property
    def retention(self) -> dict[str, str]:
        """The bot's settings that make it prune."""
        return {"FIRSTLINE_KEEP_S": str(self.keep_s), "FIRSTLINE_REOPEN_WINDOW_S": str(self.keep_s)}


@dataclass(frozen=True, slots=True)
class Sample:
    """How the bot stood after ``events``."""

    events: int
    at_s: float
    usage: Usage
    rows: dict[str, int]
    backlog: dict[str, int]
    database_mb: float


def measure(slack: PlaygroundServer, folder: Path, soak: Soak) -> tuple[dict[str, Any], list[Target]]:
    """Run it; figures, and what they should be."""
    bot = RunningBot(slack, folder, **soak.retention)
    try:
        crowd = Crowd(slack, soak.people)
        began_s = time.perf_counter()
        posted, samples = _run(bot, slack, crowd, soak)
        lasted_s = time.perf_counter() - began_s
        drained_s = bot.wait_until_worked(120)
        waits_ms, unanswered = crowd.waits_ms()
        sent = sum(posted.kinds.values()) + len(crowd.written)
        figures: dict[str, Any] = {
            "events": sent,
            "dms": len(crowd.written),
            "seconds": round(lasted_s, 1),
            "events_a_second": round(sent / lasted_s, 1),
            "sent_by_kind": dict(posted.kinds),
            "statuses": dict(posted.statuses),
            "undelivered": posted.undelivered,
            "broken_connections": posted.broken,
            "ack_ms": percentiles(posted.took_ms),
            "dm_to_answer_ms": percentiles(waits_ms),
            "unanswered": unanswered,
            "drained_s": drained_s,
            "dead_letters": bot.dead_letters(),
            "log_errors": bot.errors,
            "samples": [asdict(sample) for sample in samples],
        }
    finally:
        bot.stop()
    return figures, _targets(figures, samples, soak)


def _run(bot: RunningBot, slack: PlaygroundServer, crowd: Crowd, soak: Soak) -> tuple[Posted, list[Sample]]:
    """Noise in chunks, DMs and presses in step with it; a sample after each chunk."""
    posted, samples, began_s = Posted(), list[Sample](), time.perf_counter()
    noise = round(soak.events * (1 - soak.dm_share))
    size = max(1, min(noise // soak.chunks, CHUNK_AT_MOST))
    progress, is_over = _Progress(soak.dm_share), threading.Event()
    people = threading.Thread(target=_write_in_step, args=(crowd, progress, is_over))
    people.start()
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as sender:
            for first in range(0, noise, size):
                order = Order(bot.port, slack.signing_secret, first, min(size, noise - first), soak.rate)
                progress.begin(order)
                posted.add(sender.submit(post, order).result())
                sample = _sample(bot, first + order.count + len(crowd.written), time.perf_counter() - began_s)
                samples.append(sample)
                note(_line(sample, soak))
                if sample.at_s > soak.limit_s:
                    break
    finally:
        is_over.set()
        people.join(30)
    return posted, samples


class _Progress:
    """How many DMs are due: their share of the noise, spread over each chunk as the last one went."""

    def __init__(self, dm_share: float) -> None:
        self._dms_a_noise = dm_share / (1 - dm_share)
        self._first, self._count, self._rate, self._began_s = 0, 0, 1.0, time.perf_counter()

    def begin(self, order: Order) -> None:
        now_s = time.perf_counter()
        if self._count:
            self._rate = self._count / (now_s - self._began_s)
        else:
            self._rate = order.rate
        self._first, self._count, self._began_s = order.first, order.count, now_s

    @property
    def dms_due(self) -> int:
        sent = min(self._count, (time.perf_counter() - self._began_s) * self._rate)
        return int((self._first + sent) * self._dms_a_noise)


def _write_in_step(crowd: Crowd, progress: _Progress, is_over: threading.Event) -> None:
    while not is_over.wait(0.05):
        while len(crowd.written) < progress.dms_due:
            crowd.write(len(crowd.written))
        while crowd.unpressed > 20 and crowd.press(0):  # some seconds after the answer
            pass


def _sample(bot: RunningBot, events: int, at_s: float) -> Sample:
    return Sample(events, round(at_s, 1), bot.usage, bot.rows(), bot.backlog(), bot.database_mb)


def _line(sample: Sample, soak: Soak) -> str:
    usage = sample.usage
    return (
        f"{sample.events:>9,} of {soak.events:,} in {sample.at_s:7.0f} s: {usage.resident_mb} MB, "
        f"{usage.threads} threads, {usage.files} files, inbox {sample.rows['inbox']:,} rows "
        f"({sample.backlog['inbox']} wait), database {sample.database_mb} MB"
    )


def _targets(figures: dict[str, Any], samples: list[Sample], soak: Soak) -> list[Target]:
    warm = [s for s in samples if s.events >= soak.warm_share * soak.events] or samples[-1:]
    few = max(1, len(warm) // 10)  # of the first and the last, the median: pruning makes saw teeth
    first, last = [s.usage for s in warm[:few]], [s.usage for s in warm[-few:]]
    grown = median(u.resident_mb for u in last) / median(u.resident_mb for u in first) - 1
    kept = max(sum(s.rows[name] for name in PRUNED) for s in warm)
    return [
        Target("events", figures["events"], 0.99 * soak.events, at_least=True),
        Target("memory growth, %", 100 * grown, 5),
        Target(
            "threads more",
            median(u.threads for u in last) - median(u.threads for u in first),
            THREADS_OF_A_MOMENT,
        ),
        Target(
            "files more", median(u.files for u in last) - median(u.files for u in first), FILES_OF_A_MOMENT
        ),
        Target("rows of pruned tables, at most", kept, _rows_allowed(figures, soak)),
        Target("undelivered", figures["undelivered"], 0),
        Target("DMs without an answer", figures["unanswered"], 0),
        Target("given up", sum(figures["dead_letters"].values()), 0),
    ]


def _rows_allowed(figures: dict[str, Any], soak: Soak) -> float:
    """Three times what arrives in ``keep_s`` seconds at the rate there was: what is kept, and what came until it was pruned."""
    return 3 * soak.keep_s * figures["events_a_second"] * (1 + 5 * soak.dm_share) + 2000
