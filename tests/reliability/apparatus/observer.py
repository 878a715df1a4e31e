"""Somebody who looks over the matcher's shoulder, and shares no code with it: plain SQL, and its own idea of who is free.

*Stuck* is who waits for more than five seconds beside an agent who could be asked at once, and is not held for another by
a written word that says for whom and until when. Where it would take the matcher's own arithmetic to tell (is there
time enough before a shift ends?), an agent counts only when nothing at all can be said against them.
"""

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.reliability.apparatus.history_rows import moment_of

PATIENCE = timedelta(seconds=5)
MARKET_HOLDS = timedelta(seconds=30)
SHIFT_LEFT = timedelta(hours=2)  # more than anything takes: an agent with less may be right to be left alone
RUNGS = {"market": 0.25, "shift": 0.25, "language": 0.5, "skill": 0.75}  # of the time until the deadline

WAITING = """
    SELECT r.id, r.requester_id, r.category, r.language, r.waiting_since, r.deadline_at, s.site
    FROM support_requests r LEFT JOIN requesters s ON s.team_id = r.team_id AND s.user_id = r.requester_id
    WHERE r.state = 'waiting' OR (r.state = 'offered' AND NOT EXISTS (
        SELECT 1 FROM assignments a LEFT JOIN outbox o ON o.message_key = 'offer:' || a.id AND o.kind = 'post'
        WHERE a.request_id = r.id AND a.state IN ('offered', 'hedged')
          AND (a.expires_at IS NULL OR a.expires_at > :now) AND coalesce(o.state, '') != 'dead'))
    """
AGENTS = "SELECT user_id, is_on, capacity, skills, languages, sites, hours FROM agents WHERE is_active"
LOADS = """
    SELECT agent_id, count(*) FROM assignments WHERE state IN ('offered', 'hedged', 'accepted') GROUP BY agent_id
    """
ENDED = """
    SELECT agent_id, state, ended_at FROM assignments
    WHERE request_id = :request AND state IN ('declined', 'handed_back', 'expired') ORDER BY id
    """
SEEN = "SELECT id, actor_id, at FROM events WHERE id > :last ORDER BY id"
DECISIONS = "SELECT id, at, record FROM routing_decisions WHERE id > :last ORDER BY id"


@dataclass(frozen=True, slots=True)
class Stuck:
    """A request that waited beside these agents from the one moment to the other."""

    request_id: int
    since: datetime
    until: datetime
    beside: tuple[str, ...]


@dataclass
class Observer:
    """Looks whenever it is told to, and remembers. Settings in seconds; ``path`` is an SQLite file."""

    path: str
    capacity: int
    offer_s: float
    deadline_s: float
    stuck: dict[tuple[int, datetime], Stuck] = field(default_factory=dict)
    looks: int = 0
    holds: dict[int, tuple[str, datetime]] = field(default_factory=dict)  # request -> for whom, until when
    held: dict[int, timedelta] = field(default_factory=lambda: defaultdict(timedelta))  # how long, in all
    longest: timedelta = timedelta()
    most_waiting: int = 0
    _since: dict[int, datetime] = field(default_factory=dict)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _last: dict[str, int] = field(default_factory=lambda: {"event": 0, "decision": 0})
    _looked_at: datetime | None = None

    def __post_init__(self) -> None:
        self._db = sqlite3.connect(self.path, isolation_level=None)
        self._db.row_factory = sqlite3.Row

    def look(self, now: datetime) -> int:
        """Look; return how many wait."""
        self.looks += 1
        waiting = self._db.execute(WAITING, {"now": as_stored(now)}).fetchall()
        free = self._read_free(now) if waiting else []
        beside = {row["id"]: tuple(a.id for a in free if self._could_ask(a, row, now)) for row in waiting}
        self._note(now, beside)
        self.most_waiting = max(self.most_waiting, len(waiting))
        return len(waiting)

    def is_anything_offered(self) -> bool:
        """Whether an offer stands unanswered."""
        return (
            self._db.execute("SELECT 1 FROM assignments WHERE state IN ('offered', 'hedged')").fetchone()
            is not None
        )

    def is_anything_to_send(self) -> bool:
        """Whether a row of the outbox is not settled."""
        return (
            self._db.execute("SELECT 1 FROM outbox WHERE state IN ('ready', 'claimed')").fetchone()
            is not None
        )

    def _read_free(self, now: datetime) -> list["_Agent"]:
        self._read_on()
        loads = dict(self._db.execute(LOADS).fetchall())
        agents = [_Agent(*row) for row in self._db.execute(AGENTS)]
        return [a for a in agents if a.is_at_work(now) and loads.get(a.id, 0) < self._places(a)]

    def _note(self, now: datetime, beside: dict[int, tuple[str, ...]]) -> None:
        for request_id in [*self._since]:
            if not beside.get(request_id):
                del self._since[request_id]
        for request_id, agents in beside.items():
            if not agents:
                continue
            if self._is_held(request_id, now):
                self._since.pop(request_id, None)
                self.held[request_id] += now - (self._looked_at or now)
                continue
            since = self._since.setdefault(request_id, now)
            self.longest = max(self.longest, now - since)
            if now - since > PATIENCE:
                self.stuck[request_id, since] = Stuck(request_id, since, now, agents)
        self._looked_at = now

    def _is_held(self, request_id: int, now: datetime) -> bool:
        return request_id in self.holds and now <= self.holds[request_id][1]

    def _places(self, agent: "_Agent") -> int:
        return self.capacity if agent.capacity is None else agent.capacity

    def _read_on(self) -> None:
        """What was written since the last look: who was seen, and who is held for whom."""
        for id_, actor, at in self._db.execute(SEEN, {"last": self._last["event"]}):
            self._last["event"] = id_
            if actor is not None:
                self._seen[actor] = max(self._seen.get(actor, moment_of(at)), moment_of(at))
        for id_, _at, record in self._db.execute(DECISIONS, {"last": self._last["decision"]}):
            self._last["decision"] = id_
            for entry in _loaded(record)["outcome"]["waiting"]:
                hold = entry.get("hold")
                self.holds.pop(int(entry["task_id"]), None)
                if hold:
                    self.holds[int(entry["task_id"])] = hold["agent_id"], moment_of(hold["until"])

    def _could_ask(self, agent: "_Agent", row: Any, now: datetime) -> bool:
        if agent.id == row["requester_id"]:
            return False
        waited, allowed = now - moment_of(row["waiting_since"]), moment_of(row["deadline_at"])
        share = waited / (allowed - moment_of(row["waiting_since"]))
        silences = []
        for agent_id, state, ended_at in self._db.execute(ENDED, {"request": row["id"]}):
            if agent_id == agent.id:
                if state != "expired":
                    return False
                silences.append(moment_of(ended_at))
        return (
            (not silences or self._may_be_asked_again(agent.id, silences, now))
            and (agent.knows(row["category"]) or share >= RUNGS["skill"])
            and (agent.speaks(row["language"]) or share >= RUNGS["language"])
            and (agent.serves(row["site"]) or waited >= MARKET_HOLDS or share >= RUNGS["market"])
            and (agent.has_time(now) or share >= RUNGS["shift"])
        )

    def _may_be_asked_again(self, agent_id: str, silences: list[datetime], now: datetime) -> bool:
        if self._seen.get(agent_id, silences[-1]) > silences[-1]:
            return True
        return now >= silences[-1] + timedelta(
            seconds=min(self.deadline_s, self.offer_s * 2 ** len(silences))
        )


class _Agent:
    """An agent's row, as anybody would read it."""

    def __init__(
        self, id_: str, is_on: Any, capacity: int | None, skills: Any, languages: Any, sites: Any, hours: Any
    ) -> None:
        self.id, self.capacity, self._is_on = id_, capacity, bool(is_on)
        self._skills, self._languages = _loaded(skills) or {}, _loaded(languages) or []
        self._sites, self._hours = _loaded(sites) or [], _loaded(hours)

    def is_at_work(self, now: datetime) -> bool:
        return self._is_on and (self._hours is None or self._is_in_hours(now))

    def has_time(self, now: datetime) -> bool:
        quarter = timedelta(minutes=15)
        steps = range(int(SHIFT_LEFT / quarter) + 1)
        return self._hours is None or all(self._is_in_hours(now + n * quarter) for n in steps)

    def _is_in_hours(self, moment: datetime) -> bool:
        local = moment.astimezone(ZoneInfo(self._hours["zone"]))
        minute = local.hour * 60 + local.minute
        return any(
            day == local.weekday() and start <= minute < end for day, start, end in self._hours["windows"]
        )

    def knows(self, category: str | None) -> bool:
        return category is None or not self._skills or self._skills.get(category, 0) > 0

    def speaks(self, language: str | None) -> bool:
        return language is None or not self._languages or language in self._languages

    def serves(self, site: str | None) -> bool:
        return site is None or not self._sites or site in self._sites


def as_stored(moment: datetime) -> str:
    """As SQLite holds it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _loaded(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored
