"""The people of a simulated day: requesters who write and change their minds, agents who take, decline, sleep and leave."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from bot.blocks.agent_cards import TAKE
from bot.ids import ActionId
from bot.lifecycle import AssignmentState, RequestState
from bot.storage.tables import Agent, Assignment, SupportRequest
from tests.bot.listeners.conftest import Desk

if TYPE_CHECKING:
    from tests.reliability.apparatus.support_day import SupportDay

BERLIN = {"zone": "Europe/Berlin", "windows": [[day, 7 * 60, 15 * 60] for day in range(5)]}
NEW_YORK = {"zone": "America/New_York", "windows": [[day, 9 * 60, 17 * 60] for day in range(5)]}
NIGHT = {
    "zone": "Europe/Lisbon",
    "windows": [[day, start, end] for day in range(7) for start, end in ((0, 300), (1200, 1440))],
}
AGENTS: dict[str, dict[str, Any]] = {
    "UANA": {"capacity": 2},
    "UBEN": {"capacity": 1, "skills": {"network_vpn": 1.0}},
    "UCLEO": {"capacity": 2, "skills": {"account_password": 0.7, "network_vpn": 0.4}, "hours": BERLIN},
    "UDAN": {"hours": NEW_YORK},
    "UEVE": {"languages": ["en", "de"], "sites": ["berlin"], "capacity": 2},
    "UFAY": {"sites": ["lisbon"], "hours": NIGHT},
}
ADMIN = "UBOSS"
WORDS = ("broken screen", "vpn", "password", "vpn password")
SITES = (None, None, "berlin", "lisbon", "oslo")
QUIET_HOURS = range(20, 24), range(6)  # UTC


@dataclass
class People:
    """Everybody. A press goes to whichever replica is alive."""

    day: "SupportDay"
    a_day: float  # requests, on average

    def __post_init__(self) -> None:
        self._random = self.day.random
        self._names = count(1)
        self._seen: set[int] = set()

    def begin(self) -> None:
        """Agents say what they can; the first request is on its way."""
        with self.day.db.writing() as session:
            for user, values in AGENTS.items():
                session.execute(update(Agent).where(Agent.user_id == user).values(**values))
        self.day.at(1, self._write)
        for agent in AGENTS:
            self.day.every(self.day.faults.goes_away_s, self._leaver(agent))

    def sees_offer(self, assignment_id: int) -> None:
        """An agent's card has come: they accept, decline, or sleep on."""
        if assignment_id in self._seen:
            return  # delivered once more
        self._seen.add(assignment_id)
        agent, chance = self._assignment(assignment_id).agent_id, self._random.random()
        if chance < 0.68:
            self.day.at(self._random.uniform(3, 90), lambda: self._accept(agent, assignment_id))
        elif chance < 0.80:
            self._later_press(5, 100, agent, ActionId.DECLINE, assignment_id)
        else:
            self.day.happened["an offer was left unanswered"] += 1

    def hears_of(self, request_id: int) -> None:
        """The fallback's card has come: nobody can be offered this. Mostly the administrator takes it, by and by."""
        if self._random.random() < 0.8:
            self.day.at(self._random.uniform(30, 900), lambda: self._take(request_id))

    def _take(self, request_id: int) -> None:
        self.day.some_desk().press_raw(ADMIN, f"{ActionId.ACCEPT}:{TAKE}", str(request_id))
        with self.day.db.reading() as session:
            taken = session.scalars(
                select(Assignment).where(
                    Assignment.request_id == request_id,
                    Assignment.agent_id == ADMIN,
                    Assignment.state == AssignmentState.ACCEPTED,
                )
            ).one_or_none()
        if taken is not None:
            self.day.happened["the fallback took it"] += 1
            self._later_press(60, 1800, ADMIN, ActionId.RESOLVE, taken.id)

    def _write(self) -> None:
        """Somebody writes; now and then an agent does."""
        self.day.happened["requests"] += 1
        user = (
            self._random.choice([*AGENTS])
            if self._random.random() < 0.03
            else f"UREQ{next(self._names) % 200}"
        )
        desk = self.day.some_desk()
        if site := self._random.choice(SITES):
            desk.command(user, f"site {site}")
        words = self._random.choice(WORDS)
        desk.dm(user, words)
        with self.day.db.reading() as session:
            last = select(SupportRequest.id).where(SupportRequest.requester_id == user)
            request_id = session.scalars(last.order_by(SupportRequest.id.desc()).limit(1)).one()
        if words != "broken screen":
            self._later_press(5, 60, user, ActionId.ASK_PERSON, request_id)
        if self._random.random() < 0.06:
            self._later_press(10, 1800, user, ActionId.WITHDRAW, request_id)
        self.day.at(self._random.expovariate(self._rate()), self._write)

    def _rate(self) -> float:
        """Requests a second, by the hour: at night a fifth of the day's."""
        is_quiet = any(self.day.now.hour in hours for hours in QUIET_HOURS)
        return self.a_day / 86400 * (0.28 if is_quiet else 1.5)

    def _accept(self, agent: str, assignment_id: int) -> None:
        self._press(agent, ActionId.ACCEPT, assignment_id)
        if self._assignment(assignment_id).state is not AssignmentState.ACCEPTED:
            return
        minutes = self._random.lognormvariate(2.3, 0.6)  # ten, mostly
        action = ActionId.RESOLVE if self._random.random() < 0.9 else ActionId.HAND_BACK
        self.day.at(60 * minutes, lambda: self._end(agent, action, assignment_id))

    def _end(self, agent: str, action: ActionId, assignment_id: int) -> None:
        self._press(agent, action, assignment_id)
        request = self._request(self._assignment(assignment_id).request_id)
        if request.state is RequestState.RESOLVED and self._random.random() < 0.08:
            self.day.at(self._random.uniform(30, 3600), lambda: self._reply(request))

    def _reply(self, request: SupportRequest) -> None:
        self.day.happened["came back"] += 1
        self.day.some_desk().dm(request.requester_id, "it is back", thread_ts=request.thread_ts)

    def _leaver(self, agent: str) -> Callable[[], None]:
        def leave() -> None:
            self.day.happened["an agent went away"] += 1
            self.day.some_desk().command(agent, "away")
            back_s = self._random.uniform(60, 2400)
            self.day.at(back_s, lambda: self._come_back(agent))

        return leave

    def _come_back(self, agent: str) -> None:
        self.day.some_desk().command(agent, "on")

    def _later_press(self, least_s: float, most_s: float, user: str, action: ActionId, target: int) -> None:
        self.day.at(self._random.uniform(least_s, most_s), lambda: self._press(user, action, target))

    def _press(self, user: str, action: ActionId, target: int) -> None:
        desk: Desk = self.day.some_desk()
        desk.press_raw(user, action, str(target))
        self.day.happened[f"pressed {action}"] += 1

    def _assignment(self, assignment_id: int) -> Assignment:
        with self.day.db.reading() as session:
            return session.get_one(Assignment, assignment_id)

    def _request(self, request_id: int) -> SupportRequest:
        with self.day.db.reading() as session:
            return session.get_one(SupportRequest, request_id)
