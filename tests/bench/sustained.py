"""The highest rate of DMs that a bot keeps up with: the backlog does not grow while they come.

Each rate is tried on a fresh bot, from people so many that Slack's limit of about one message a second in each
conversation binds nobody. The playground answers the bot's calls on the same machine; its share is told beside.
"""

import os
import tempfile
import threading
import time
from pathlib import Path
from statistics import mean
from typing import Any

from playground.testing import PlaygroundServer
from tests.bench.crowd import Crowd
from tests.bench.figures import Target, note, percentiles, steadily
from tests.bench.running_bot import RunningBot, Usage

PEOPLE = 600
WANTED_A_SECOND = 60.0
SETTLE_S = 5.0  # at the start of a trial, not looked at
SLACK_S = 1.0  # a backlog may differ by the DMs of one second between the beginning of a trial and its end


def measure(
    slack: PlaygroundServer, folder: Path, rates: list[float], seconds: float
) -> tuple[dict[str, Any], list[Target]]:
    """Try ``rates`` from low to high, each for ``seconds``, and end with the first that is too much."""
    trials: list[dict[str, Any]] = []
    sustained = 0.0
    for rate in sorted(rates):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            trials.append(_try(slack, Path(place), rate, seconds))
        note(
            f"{rate:g} DMs/s: {'kept up' if trials[-1]['kept_up'] else 'fell behind'}, {trials[-1]['backlogs'][-1]} unsettled"
        )
        if not trials[-1]["kept_up"]:
            break
        sustained = rate
    return (
        {"sustained_dms_a_second": sustained, "trials": trials},
        [Target("DMs a second, sustained", sustained, WANTED_A_SECOND, at_least=True)],
    )


def _try(slack: PlaygroundServer, folder: Path, rate: float, seconds: float) -> dict[str, Any]:
    slack.reset()
    bot = RunningBot(slack, folder)
    try:
        crowd = Crowd(slack, PEOPLE)
        for number in steadily(5, 3):
            crowd.write(number)
        bot.wait_until_worked(30)
        crowd.written.clear()
        before, began_s = (bot.usage, Usage.of(os.getpid())), time.perf_counter()
        backlogs = _write_and_watch(bot, crowd, rate, seconds)
        lasted_s = time.perf_counter() - began_s
        after = (bot.usage, Usage.of(os.getpid()))
        drained_s = bot.wait_until_worked(120)
        waits_ms, unanswered = crowd.waits_ms()
    finally:
        bot.stop()
    written_a_second = len(crowd.written) / lasted_s
    return {
        "rate": rate,
        "written_a_second": round(written_a_second, 1),  # less than asked for when the people cannot keep up
        "kept_up": _is_level(backlogs, rate) and unanswered == 0 and written_a_second > 0.97 * rate,
        "backlogs": backlogs,
        "drained_s": drained_s,
        "dm_to_answer_ms": percentiles(waits_ms),
        "unanswered": unanswered,
        "bot_cores": round((after[0].cpu_s - before[0].cpu_s) / lasted_s, 2),
        "playground_and_people_cores": round((after[1].cpu_s - before[1].cpu_s) / lasted_s, 2),
    }


def _write_and_watch(bot: RunningBot, crowd: Crowd, rate: float, seconds: float) -> list[int]:
    """Unsettled rows of inbox and outbox, once a second, while people write."""

    def write() -> None:
        for number in steadily(rate, seconds):
            crowd.write(number)

    writing = threading.Thread(target=write)
    writing.start()
    backlogs = []
    while writing.is_alive():
        writing.join(1)
        backlogs.append(sum(bot.backlog().values()))
    return backlogs


def _is_level(backlogs: list[int], rate: float) -> bool:
    """Whether as much waits at the end as at the beginning, give or take the DMs of a second."""
    seen = backlogs[int(SETTLE_S) :] or backlogs
    part = max(1, len(seen) // 4)
    return mean(seen[-part:]) - mean(seen[:part]) <= SLACK_S * rate
