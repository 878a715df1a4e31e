"""Two replicas (PostgreSQL) or threads (SQLite) on one database, and people whose presses reach them at the same moment, one each."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from random import Random
from threading import Barrier
from time import sleep
from typing import Any

from sqlalchemy import func, select

from bot.jobs.matching import match_all
from bot.jobs.offers import expire_offers, hedge_offers
from bot.lifecycle import MOVES, RequestState
from bot.settings import Settings
from bot.storage.database import Database, open_engine
from bot.storage.tables import Assignment, Event, OutboxKind, OutboxRow, SupportRequest
from tests.bot.conftest import FakeClock
from tests.bot.listeners.conftest import Desk, sit_down

AGENTS = ("UANA", "UBEN")
Act = Callable[[Desk], "str | None"]  # returns the response_url of a press, at which a refusal is told

# Where each kind of event leads; those that the table of moves knows nothing of are left out.
LEADS_TO = {
    "suggested": {"suggested"},
    "abstained": {"waiting"},
    "closed_by_suggestion": {"closed_by_suggestion"},
    "reopened": {"waiting"},
    "escalated": {"waiting"},
    "offered": {"offered"},
    "accepted": {"in_progress"},
    "declined": {"waiting", "offered"},  # offered: others have been asked
    "expired": {"waiting", "offered"},
    "resolved": {"resolved"},
    "handed_back": {"waiting"},
    "withdrawn": {"withdrawn"},
    "closed": {"closed"},
}
HOLDERS = {
    "offered": "offered",
    "in_progress": "accepted",
}  # of which assignment there is one, in which state


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a race: the events since, how the rows stand, and the sentences that were said privately."""

    events: tuple[str, ...]
    state: str
    assignments: tuple[str, ...]
    told: tuple[str, ...]


@dataclass
class Case:
    """One request, on its way to the moment of the race. Everybody's buttons are read off the cards as they stand."""

    desks: tuple[Desk, Desk]
    clock: FakeClock
    requester: str
    request_id: int = 0
    cards: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)  # also those of older cards

    def write(self, text: str, thread_ts: str | None = None) -> None:
        """The requester writes."""
        self.desks[0].dm(self.requester, text, thread_ts=thread_ts)
        with self.desks[0].deps.db.reading() as session:
            mine = select(func.max(SupportRequest.id)).where(SupportRequest.requester_id == self.requester)
            self.request_id = session.scalar(mine) or 0
        self.look()

    def look(self) -> None:
        """Read the buttons on the cards of this request; those of older states stay known."""
        with self.desks[0].deps.db.reading() as session:
            offers = session.execute(
                select(Assignment.id, Assignment.agent_id)
                .where(Assignment.request_id == self.request_id)
                .order_by(Assignment.id)
            ).all()
            keys = {f"card:{self.request_id}": self.requester} | {f"offer:{id_}": who for id_, who in offers}
            rows = session.scalars(
                select(OutboxRow)
                .where(
                    OutboxRow.message_key.in_(keys)
                    | OutboxRow.message_key.like(f"nobody:{self.request_id}:%")
                )
                .order_by(OutboxRow.id)
            ).all()
        for row in rows:
            who = keys.get(row.message_key or "", "fallback")
            for block in row.payload["blocks"]:
                for each in block.get("elements", ()) if block["type"] == "actions" else ():
                    self.cards[who, each["text"]["text"]] = (each["action_id"], each["value"])

    def press(self, card: str, label: str, user: str | None = None) -> Act:
        """A press of the button so labelled on the card of this person, by them or by ``user``."""
        action_id, value = self.cards[card, label]
        return lambda desk: desk.press_raw(user or card, action_id, value)

    def do(self, card: str, label: str) -> None:
        """Press before the race, and look at what the cards say then."""
        self.press(card, label)(self.desks[0])
        self.look()

    def reply(self, text: str) -> Act:
        """A reply of the requester's in the request's thread."""
        thread_ts = self.row().thread_ts
        return lambda desk: (desk.dm(self.requester, text, thread_ts=thread_ts), None)[1]

    def match(self) -> None:
        """The matcher runs, on one replica."""
        match_all(self.desks[0].deps)
        self.look()

    def ask_one_more(self) -> None:
        """Half a minute without an answer."""
        self.clock.forward(30)
        hedge_offers(self.desks[0].deps)
        self.look()

    def row(self) -> SupportRequest:
        """The request as it stands."""
        with self.desks[0].deps.db.reading() as session:
            return session.get_one(SupportRequest, self.request_id)

    def asked(self) -> list[str]:
        """Whom it was offered to, in order."""
        return [assignment.agent_id for assignment in self._assignments()]

    def _assignments(self) -> Sequence[Assignment]:
        with self.desks[0].deps.db.reading() as session:
            mine = select(Assignment).where(Assignment.request_id == self.request_id).order_by(Assignment.id)
            return session.scalars(mine).all()

    def events(self) -> Sequence[Event]:
        """Of this request, oldest first."""
        with self.desks[0].deps.db.reading() as session:
            mine = select(Event).where(Event.request_id == self.request_id).order_by(Event.id)
            return session.scalars(mine).all()

    def race(self, random: Random, *acts: Act) -> Outcome:
        """Do all of them at the same moment, each on a replica of its own; what came of it."""
        before, ready = len(self.events()), Barrier(len(acts))
        lags = [random.choice((0.0, 0.0, random.uniform(0, 0.004))) for _ in acts]

        def run(number: int) -> str | None:
            ready.wait(30)
            sleep(lags[number])
            return acts[number](self.desks[number])

        with ThreadPoolExecutor(len(acts)) as pool:
            urls = [url for url in pool.map(run, range(len(acts))) if url]
        return Outcome(
            tuple(event.kind.value for event in self.events()[before:]),
            self.row().state.value,
            tuple(assignment.state.value for assignment in self._assignments()),
            self._said_at(urls),
        )

    def _said_at(self, urls: Sequence[str]) -> tuple[str, ...]:
        with self.desks[0].deps.db.reading() as session:
            lately = select(OutboxRow).where(OutboxRow.kind == OutboxKind.RESPOND)
            rows = session.scalars(lately.order_by(OutboxRow.id.desc()).limit(10)).all()
        return tuple(row.payload["text"] for row in rows if row.payload["response_url"] in urls)

    def check_history(self) -> None:
        """Whatever happened: the events are allowed moves, one after the other, and the rows agree with them."""
        state, kinds = {"new"}, []
        for event in self.events():
            kinds.append(event.kind.value)
            if (came_from := event.data.get("from")) is not None:
                assert came_from in state, f"{kinds}: from {came_from}, but it was {state}"
                state = LEADS_TO[event.kind.value]
                allowed = MOVES[RequestState(came_from)] | {RequestState(came_from)}
                assert state & {new.value for new in allowed}, f"{kinds}: no such move"
        row, assignments = self.row(), self._assignments()
        assert row.state.value in state, f"{kinds} end in {row.state}"
        holding = [a for a in assignments if a.state.value in ("offered", "accepted")]
        expected = [HOLDERS[row.state.value]] if row.state.value in HOLDERS else []
        assert [a.state.value for a in holding] == expected, f"{row.state} is held by {holding}"
        if row.state is RequestState.IN_PROGRESS:
            assert row.agent_id == holding[0].agent_id


def open_replicas(url: str, settings: Settings) -> tuple[tuple[Desk, Desk], FakeClock]:
    """Two replicas, told the same time; on SQLite, which is for one process, two threads of one."""
    clock, ids = FakeClock(), count(1)
    database = Database(open_engine(url))
    other = database if url.startswith("sqlite") else Database(open_engine(url))
    first, second = (sit_down(each, clock, settings, ids=ids) for each in (database, other))
    return (first, second), clock


def expire(desk: Desk) -> None:
    """The job that ends overdue offers runs."""
    expire_offers(desk.deps)


def match(desk: Desk) -> None:
    """The matcher runs."""
    match_all(desk.deps)


def types(user: str, text: str) -> Act:
    """``user`` types ``/firstline text``."""
    return lambda desk: _no_url(desk.command(user, text))


def _no_url(_said: Any) -> None:
    return None
