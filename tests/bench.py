"""`make bench`: measures what docs/benchmarks.md tells, with processes laid out as `make run` lays them out.

The playground runs here, the bot in a process of its own with the model at MODEL_DIR and a fresh SQLite file. Everything
stays on this machine, and every loop is bounded. Figures vary with what else the machine does: compare ratios of one run.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import psutil

from playground.manifest import read_manifest
from playground.signing import signed_headers
from playground.testing import PlaygroundServer, RateLimit

ROOT = Path(__file__).parents[1]
DMS_A_SECOND, EVENTS_A_SECOND = 8, 100
ACK_CONNECTIONS = 8
TEXTS = (
    "my vpn drops every few minutes since this morning",
    "locked out of my account after the holidays, the reset page says try again later",
    "need access to the finance share for the audit, my manager has agreed",
    "outlook keeps asking me to sign in and nothing arrives",
    "the printer on the second floor prints blank pages",
    "please install visio on my laptop",
    "a new colleague starts on monday and needs everything",
    "got a strange mail asking for my bank details",
    "when does the canteen open",
)


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p95 and the worst, in the values' unit."""
    cuts = quantiles(values, n=100, method="inclusive")
    return {
        "p50": round(cuts[49], 1),
        "p95": round(cuts[94], 1),
        "max": round(max(values), 1),
        "n": len(values),
    }


class RunningBot:
    """`python -m bot serve` as a child, on a fresh database."""

    def __init__(self, slack: PlaygroundServer, folder: str, port: int) -> None:
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "FIRSTLINE_"))},
            **slack.app_environment(),
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "FIRSTLINE_AGENTS": "U0ANA,U0BEN,U0CHLOE",
            "FIRSTLINE_AGENT_CAPACITY": "100",
        }
        subprocess.run(
            [sys.executable, "-m", "bot", "migrate", "--quiet"], env=self.environment, check=True, cwd=ROOT
        )
        began_s = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve"], env=self.environment, cwd=ROOT, stderr=subprocess.DEVNULL
        )
        self.port = port
        while not self._is_ready():
            if self.process.poll() is not None or time.perf_counter() - began_s > 60:
                raise SystemExit("the bot does not start; try `make run`")
            time.sleep(0.05)
        self.start_s = time.perf_counter() - began_s
        slack.set_request_url(f"http://127.0.0.1:{port}/slack/events")

    def _is_ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False

    @property
    def resident_mb(self) -> float:
        """Resident memory of the process."""
        return round(psutil.Process(self.process.pid).memory_info().rss / 1e6, 1)

    def stop(self) -> float:
        """End it; return the seconds it took."""
        began_s = time.perf_counter()
        self.process.terminate()
        self.process.wait(15)
        return round(time.perf_counter() - began_s, 1)


def free_port() -> int:
    """A port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def direct_messages(slack: PlaygroundServer, seconds: int) -> dict[str, Any]:
    """Milliseconds from a DM's arrival in the playground to the first answer's, at a steady rate from many people."""
    people = [slack.add_person(f"U0B{n:03d}", f"Bench {n}") for n in range(DMS_A_SECOND * 20)]
    sent: list[tuple[Any, str]] = []
    began_s = time.perf_counter()
    for number in range(DMS_A_SECOND * seconds):
        time.sleep(max(0.0, began_s + number / DMS_A_SECOND - time.perf_counter()))
        person = people[number % len(people)]
        sent.append((person, person.dm(f"{TEXTS[number % len(TEXTS)]} ({number})").ts))
    time.sleep(3)
    waits_ms, unanswered = [], 0
    for person, ts in sent:
        answers = [float(m.ts) for m in person.from_app(person.dm_channel) if m.thread_ts == ts]
        if answers:
            waits_ms.append((min(answers) - float(ts)) * 1000)
        else:
            unanswered += 1
    return {"dm_to_answer_ms": percentiles(waits_ms), "unanswered": unanswered}


def acknowledgements(bot: RunningBot, secret: str, seconds: int) -> dict[str, Any]:
    """Milliseconds from the first byte of a signed event to its 200, at a steady rate over a few connections."""
    took_ms: list[float] = []
    refused: list[int] = []
    lock = threading.Lock()
    began_s = time.perf_counter() + 0.2

    def run(offset: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", bot.port, timeout=10)
        for number in range(offset, EVENTS_A_SECOND * seconds, ACK_CONNECTIONS):
            body = _event(number)
            time.sleep(max(0.0, began_s + number / EVENTS_A_SECOND - time.perf_counter()))
            headers = {"Content-Type": "application/json", **signed_headers(secret, body, int(time.time()))}
            sent_s = time.perf_counter()
            connection.request("POST", "/slack/events", body, headers)
            answer = connection.getresponse()
            answer.read()
            with lock:
                took_ms.append((time.perf_counter() - sent_s) * 1000)
                if answer.status != 200:
                    refused.append(answer.status)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(ACK_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"ack_ms": percentiles(took_ms), "not_acknowledged": len(refused)}


def _event(number: int) -> bytes:
    """A deletion: stored, replayed and ignored, so that the edge is what is measured."""
    event = {
        "type": "message",
        "channel_type": "im",
        "channel": "D0X",
        "user": f"U0X{number % 50}",
        "subtype": "message_deleted",
    }
    event |= {"text": TEXTS[number % len(TEXTS)], "ts": f"{time.time():.0f}.{number:06d}"}
    return json.dumps(
        {
            "type": "event_callback",
            "team_id": "T0PLAY",
            "api_app_id": "A0PLAY",
            "event_id": f"EvBench{number}",
            "event": event,
        }
    ).encode()


def classification() -> dict[str, Any]:
    """What `python -m classifier bench` measures, in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-m", "classifier", "bench", "--json"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def main() -> None:
    """Measure everything and print it as JSON."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--seconds", type=int, default=60, help="length of each load")
    seconds = options.parse_args().seconds
    figures: dict[str, Any] = {
        "cores": os.cpu_count(),
        "seconds": seconds,
        "classification": classification(),
    }
    limit = RateLimit()
    with (
        tempfile.TemporaryDirectory() as folder,
        PlaygroundServer(manifest=read_manifest(ROOT / "manifest.yml"), rate_limit=limit) as slack,
    ):
        bot = RunningBot(slack, folder, free_port())
        try:
            figures["bot_ready_s"] = round(bot.start_s, 1)
            figures |= direct_messages(slack, seconds)
            figures["resident_mb"] = bot.resident_mb
            figures |= acknowledgements(bot, slack.signing_secret, seconds)
            figures["resident_mb_after_events"] = bot.resident_mb
        finally:
            figures["stop_s"] = bot.stop()
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
