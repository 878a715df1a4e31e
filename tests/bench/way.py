"""The way of one message: what docs/benchmarks.md tells of it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playground.testing import PlaygroundServer
from tests.bench.crowd import Crowd
from tests.bench.figures import percentiles, steadily
from tests.bench.noise import Order, post
from tests.bench.running_bot import RunningBot
from tests.serving import ROOT

DMS_A_SECOND, EVENTS_A_SECOND = 8, 100


def measure(slack: PlaygroundServer, folder: Path, seconds: float) -> dict[str, Any]:
    """One classification; then DMs alone, then events alone, each for so long."""
    figures: dict[str, Any] = {"classification": _classification()}
    bot = RunningBot(slack, folder, FIRSTLINE_AGENT_CAPACITY="100")
    try:
        figures["bot_ready_s"] = bot.start_s
        crowd = Crowd(slack, 600)
        for number in steadily(DMS_A_SECOND, seconds):
            crowd.write(number)
        time.sleep(3)
        waits_ms, unanswered = crowd.waits_ms()
        figures |= {"dm_to_answer_ms": percentiles(waits_ms), "unanswered": unanswered}
        figures["resident_mb"] = bot.usage.resident_mb
        count = round(EVENTS_A_SECOND * seconds)
        posted = post(Order(bot.port, slack.signing_secret, 0, count, EVENTS_A_SECOND))
        figures |= {"ack_ms": percentiles(posted.took_ms), "not_acknowledged": posted.undelivered}
        figures["resident_mb_after_events"] = bot.usage.resident_mb
    finally:
        figures["stop_s"] = bot.stop()
    return figures


def _classification() -> dict[str, Any]:
    """What `python -m classifier bench` measures, in a process of its own."""
    command = [sys.executable, "-m", "classifier", "bench", "--json"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found
