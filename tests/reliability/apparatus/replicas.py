"""Replicas of the bot as real processes behind one address, somebody who kills them, and people who write all the while.

Over HTTP, as replicas on PostgreSQL run behind a load balancer: one request URL, and whoever is alive takes the
delivery. What was in work at the one that dies is cut off unanswered, and Slack's own retry brings it to the next.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Self

from playground.testing import PlaygroundServer, SeenMessage
from tests.bench.figures import steadily
from tests.reliability.apparatus.bot_process import Broken
from tests.reliability.apparatus.history_record import seen_in
from tests.reliability.apparatus.nursery import Child, Nursery

CHUNK_BYTES = 65_536


class Forwarder:
    """A load balancer for TCP: each connection goes to the next of ``ports``, and on to another when that refuses."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._turns = count()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="forwarder", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _listen(self) -> int:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        turn, ports = next(self._turns), list(self._ports)
        for step in range(len(ports)):
            port = ports[(turn + step) % len(ports)]
            try:
                there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))
            return
        writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):  # one side is gone: so is the other, then
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass(slots=True)
class Replicas:
    """Two replicas that can be killed and started again; ``ports`` is where they serve."""

    nursery: Nursery
    environment: dict[str, str]
    broken: Broken
    ports: list[int] = field(default_factory=list)
    kills: int = 0
    _children: list[Child] = field(default_factory=list)

    def start(self) -> None:
        """Start both; returns when they take deliveries."""
        self._children += [self._new() for _ in range(2)]
        self.ports += [child.port for child in self._children]

    def kill(self, number: int) -> None:
        """As by kill -9: no handler runs, nothing is flushed, no lock is let go."""
        self._children[number].kill()
        self.kills += 1

    def stop(self) -> None:
        """End both for good."""
        for child in self._children:
            if child.is_alive:
                child.kill()

    def start_again(self, number: int) -> None:
        """Another in its place, on another port."""
        self._children[number] = self._new()
        self.ports[number] = self._children[number].port

    def _new(self) -> Child:
        return self.nursery.start(self.broken, self.environment)


@contextmanager
def running(
    nursery: Nursery,
    slack: PlaygroundServer,
    database_url: str,
    broken: Broken = Broken.NOTHING,
    **given: str,
) -> Iterator[Replicas]:
    """Two replicas behind the address that Slack is told. ``given``: settings of both."""
    environment = {**slack.app_environment(), "DATABASE_URL": database_url, **given}
    replicas = Replicas(nursery, environment, broken)
    replicas.start()
    try:
        with Forwarder(replicas.ports) as forwarder:
            slack.set_request_url(f"http://127.0.0.1:{forwarder.port}/slack/events")
            yield replicas
    finally:
        replicas.stop()


@contextmanager
def killing(replicas: Replicas, every_s: float) -> Iterator[None]:
    """Kill one replica after the other, every ``every_s`` seconds, and start another in its place at once."""
    stopping = threading.Event()

    def run() -> None:
        while not stopping.wait(every_s):
            victim = replicas.kills % 2
            replicas.kill(victim)
            replicas.start_again(victim)

    thread = threading.Thread(target=run, name="killer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def write_for(
    slack: PlaygroundServer, duration_s: float, rate_per_s: float, people: int, seed: int
) -> list[SeenMessage]:
    """People write to the bot, ``rate_per_s`` direct messages a second in all; return what they wrote."""
    dice = Random(seed)
    crowd = [slack.add_person(f"U0K{n}", f"Kim {n}") for n in range(people)]
    turns = steadily(rate_per_s, duration_s)
    return [dice.choice(crowd).dm(f"vpn trouble {number}") for number in turns]


def answers_in(slack: PlaygroundServer) -> dict[tuple[str, str], list[str]]:
    """The ts of each message of the bot's, by the conversation and thread it stands in."""
    found: dict[tuple[str, str], list[str]] = {}
    for seen in seen_in(slack):
        if seen.thread_ts:
            found.setdefault((seen.channel, seen.thread_ts), []).append(seen.ts)
    return found


def waits_s(written: Sequence[SeenMessage], answers: dict[tuple[str, str], list[str]]) -> list[float]:
    """How long each message waited for its first answer, by Slack's clock, shortest first; the unanswered left out."""
    return sorted(
        min(map(float, answers[each.channel, each.ts])) - float(each.ts)
        for each in written
        if (each.channel, each.ts) in answers
    )
