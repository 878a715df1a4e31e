"""Hours of a help desk in virtual time: two replicas of the real services on one real database, people, and faults.

Nothing sleeps: a heap of moments is worked off, and the clock is what the moment says. Slack is left out; what would be
delivered to an agent reaches them when the outbox row of their card is settled.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from bot.jobs.matching import Matcher
from bot.jobs.offers import hedge_offers
from bot.jobs.schedule import Schedule
from bot.jobs.timetable import HEDGE_TICK_S
from bot.services.agents import seed
from bot.settings import Settings
from bot.storage import claims
from bot.storage.database import Database, open_engine
from bot.storage.tables import OutboxKind, OutboxRow
from tests.bot.listeners.conftest import TEAM, Desk, sit_down
from tests.reliability.apparatus.observer import Observer
from tests.reliability.apparatus.support_people import People
from tests.reliability.apparatus.support_replica import (
    START,
    FallibleAnswers,
    Replica,
    ReplicaClock,
    without_fsync,
)

SEND_S = 1.0  # how often each replica looks for something to send


@dataclass(frozen=True, slots=True)
class Faults:
    """How often things go wrong: shares of what could, or a mean time between in seconds (0: never)."""

    matching_dies: float = 0.03  # of the matchings that offer something: after the offer, before the commit
    card_dies: float = 0.03  # of the offer cards: Slack refuses them for good
    card_waits: float = 0.06  # of the offer cards: delivered 5 to 60 s later
    sender_dies: float = 0.01  # of what is claimed to be sent: the lease has to run out
    replica_dies_s: float = 1200.0
    clock_stops_s: float = 1800.0
    goes_away_s: float = 5400.0  # each of the agents


@dataclass
class SupportDay:
    """A day from START on. ``happened`` counts what went on, faults included."""

    url: str
    settings: Settings
    seed: int
    faults: Faults = field(default_factory=Faults)
    requests_a_day: float = 300
    now: datetime = START
    happened: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self._heap: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers, self._ids = count(), count(1)
        self.replicas = [self._open_replica() for _ in range(2)]
        self.db = self.replicas[0].desk.deps.db
        settings = self.settings
        self.observer = Observer(
            str(make_url(self.url).database),
            settings.firstline_agent_capacity,
            settings.firstline_offer_s,
            settings.firstline_deadline_s,
        )
        self.people = People(self, self.requests_a_day)
        self._waiting = 0

    def _open_replica(self) -> Replica:
        clock, answers = ReplicaClock(self), FallibleAnswers()
        database = Database(without_fsync(open_engine(self.url)))
        desk = sit_down(database, clock, self.settings, ids=self._ids, answers=answers)
        schedule = Schedule(BackgroundScheduler(timezone=UTC), database, clock)
        return Replica(desk, clock, answers, Matcher(desk.deps), schedule)

    # --- time

    def at(self, seconds: float, act: Callable[[], None]) -> None:
        """Let ``act`` happen so many seconds from now."""
        moment = self.now + timedelta(seconds=seconds)
        heapq.heappush(self._heap, (moment, next(self._numbers), act))

    def every(self, mean_s: float, act: Callable[[], None]) -> None:
        """Let ``act`` happen again and again, at random, so far apart on average; 0: never."""
        if mean_s == 0:
            return

        def again() -> None:
            act()
            self.every(mean_s, act)

        self.at(self.random.expovariate(1 / mean_s), again)

    def run(self, hours: float) -> None:
        """Work off all that happens within these hours; look after every step, and every second while anybody waits."""
        self._begin()
        end = START + timedelta(hours=hours)
        while self._heap[0][0] <= end:
            self.now, _, act = heapq.heappop(self._heap)
            act()
            self._match_where_due()
            self._waiting = self.observer.look(self.now)

    def some_desk(self) -> Desk:
        """A replica that is alive."""
        return self.random.choice([replica for replica in self.replicas if replica.is_alive]).desk

    def _begin(self) -> None:
        with self.db.writing() as session:
            seed(session, self.now, TEAM, self.settings)
        for replica in self.replicas:
            for name, every_s, job in self._jobs():
                self._repeat(every_s, self._ticker(replica, name, every_s, job))
            self._repeat(SEND_S, self._sender(replica))
        self.people.begin()
        self.every(self.faults.replica_dies_s, self._replica_dies)
        self.every(self.faults.clock_stops_s, self._clock_stops)
        self._look_on()

    def _jobs(self) -> list[tuple[str, float, Callable[[Any], int]]]:
        settings = self.settings
        return [
            ("hedge_offers", min(HEDGE_TICK_S, settings.firstline_hedge_s), hedge_offers),
        ]

    def _repeat(self, every_s: float, act: Callable[[], None]) -> None:
        def again() -> None:
            act()
            self.at(every_s, again)

        self.at(self.random.uniform(0, every_s), again)

    def _look_on(self) -> None:
        self.at(1 if self._waiting else 5, self._look_on)

    # --- the bot

    def _match_where_due(self) -> None:
        """What the matchers' threads do: go on when woken, or when the tick is over."""
        for replica in self.replicas:
            flag = replica.desk.deps.wake.matching
            if replica.is_alive and (flag.is_set() or self.now >= replica.match_due):
                self._match(replica)

    def _match(self, replica: Replica) -> None:
        replica.answers.broken = self.random.random() < self.faults.matching_dies
        wait_s = replica.matcher.step()
        if replica.answers.broken and wait_s < self.settings.firstline_match_tick_s:
            self.happened["a matching died"] += 1
        replica.answers.broken = False
        self.happened["matchings"] += 1
        replica.match_due = self.now + timedelta(seconds=wait_s)
        self.at(wait_s, lambda: None)

    def _ticker(
        self, replica: Replica, name: str, every_s: float, job: Callable[[Any], int]
    ) -> Callable[[], None]:
        def tick() -> None:
            # With nothing offered a tick would do nothing but claim its slot.
            if replica.is_alive and self.observer.is_anything_offered():
                replica.schedule.tick(name, every_s, lambda: job(replica.desk.deps))

        return tick

    def _replica_dies(self) -> None:
        """One of them, for a while; what it was told to do next is forgotten. Never both."""
        if not all(replica.is_alive for replica in self.replicas):
            return
        self.happened["a replica died"] += 1
        dead = self.random.choice(self.replicas)
        dead.is_alive = False
        dead.desk.deps.wake.matching.clear()
        self.at(self.random.uniform(5, 120), lambda: self._replica_lives(dead))

    def _replica_lives(self, dead: Replica) -> None:
        dead.is_alive, dead.match_due = True, self.now

    def _clock_stops(self) -> None:
        self.happened["a clock stood still"] += 1
        clock = self.random.choice(self.replicas).clock
        clock.stopped_at = self.now
        self.at(self.random.uniform(2, 90), clock.go_on)

    # --- what Slack would do

    def _sender(self, replica: Replica) -> Callable[[], None]:
        """What the sender does, without Slack: claim, deliver or fail, settle."""

        def send() -> None:
            if replica.is_alive and self.observer.is_anything_to_send():
                for row in self._claim(replica):
                    if self.random.random() < self.faults.sender_dies:
                        self.happened["a lease had to run out"] += 1
                        continue
                    with replica.desk.deps.db.writing() as session:
                        self._deliver(session, row)

        return send

    def _claim(self, replica: Replica) -> Sequence[OutboxRow]:
        with replica.desk.deps.db.writing() as session:
            claims.serialise(session, OutboxRow)
            claims.sweep(session, OutboxRow, self.now, max_attempts=None)
            lease_s = self.settings.firstline_lease_s
            return claims.claim(session, OutboxRow, self.now, lease_s=lease_s, limit=50, waits_hold_lane=True)

    def _deliver(self, session: Session, row: OutboxRow) -> None:
        """Deliver, put back or give up."""
        key, chance = row.message_key or "", self.random.random()
        is_offer = key.startswith("offer:") and row.kind is OutboxKind.POST
        mine = (session, OutboxRow, row.id, row.lease)
        if is_offer and chance < self.faults.card_dies:
            self.happened["an offer card was given up"] += 1
            claims.bury(*mine, self.now, fault="user_not_found")
        elif is_offer and chance < self.faults.card_dies + self.faults.card_waits:
            self.happened["an offer card came late"] += 1
            due_at = self.now + timedelta(seconds=self.random.uniform(5, 60))
            claims.put_back(*mine, due_at=due_at, attempts=row.attempts, fault="timeout")
        else:
            claims.finish(*mine, self.now)
            kind, *ids = key.split(":")
            if row.kind is OutboxKind.POST and kind in ("offer", "nobody"):
                seen = self.people.sees_offer if kind == "offer" else self.people.hears_of
                self.at(0, lambda: seen(int(ids[0])))
