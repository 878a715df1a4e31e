"""Two people press at the same moment: whoever comes first, the request ends in one state that all rows agree on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import pytest

from bot.errors import RefusedMove
from bot.services import assignments

Act = Callable[[], object]


def at_once(*acts: Act) -> list[bool]:
    """Do all of them at the same moment; which of them took effect, and were not refused."""
    ready = Barrier(len(acts))

    def attempt(act: Act) -> bool:
        ready.wait(10)
        try:
            act()
        except RefusedMove:
            return False
        return True

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(attempt, acts))


@dataclass
class Case:
    """A request of URILEY's, the offer of it, and everything that can be pressed."""

    office: Any
    request_id: int
    assignment_id: int = 0
    agent: str = ""

    def act(self, name: str) -> Act:
        """What a press calls."""
        office = self.office
        acts: dict[str, Act] = {
            "accept": lambda: office.answer(assignments.accept, self.assignment_id, self.agent),
            "decline": lambda: office.answer(assignments.decline, self.assignment_id, self.agent),
            "hand back": lambda: office.answer(assignments.hand_back, self.assignment_id, self.agent),
            "resolve": lambda: office.resolve(self.assignment_id, self.agent),
            "resolve by admin": lambda: office.resolve(self.assignment_id, "UBOSS"),
            "expire": self._expire,
            "withdraw": lambda: office.withdraw(self.request_id),
            "close": lambda: office.close(self.request_id),
            "undo": lambda: office.undo(self.request_id),
            "ask a person": lambda: office.ask_person(self.request_id),
            "reply": lambda: office.write("more", thread_ts=office.request(self.request_id).thread_ts),
            "UANA takes": lambda: self._take("UANA"),
            "UBEN takes": lambda: self._take("UBEN"),
        }
        return acts[name]

    def _take(self, user: str) -> None:
        self.office.in_one(
            assignments.take,
            team_id="T0ONE",
            user_id=user,
            request_id=self.request_id,
            settings=self.office.settings,
        )

    def _expire(self) -> None:
        if not self.office.in_one(assignments.expire):
            raise RefusedMove("nothing was overdue")

    def states(self) -> tuple[str, list[str]]:
        """The request's state and those of its assignments."""
        rows = [a.state.value for a in self.office.assignments() if a.request_id == self.request_id]
        return self.office.request(self.request_id).state.value, rows


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        ("accept", "accept", [("in_progress", ["accepted"])]),
        ("accept", "decline", [("in_progress", ["accepted"]), ("waiting", ["declined"])]),
        ("accept", "expire", [("in_progress", ["accepted"]), ("waiting", ["expired"])]),
        ("decline", "decline", [("waiting", ["declined"])]),
        ("decline", "expire", [("waiting", ["declined"]), ("waiting", ["expired"])]),
        # Withdrawing may come after the other, and then ends that too.
        ("accept", "withdraw", [("withdrawn", ["cancelled"])]),
        ("decline", "withdraw", [("withdrawn", ["cancelled"]), ("withdrawn", ["declined"])]),
        ("expire", "withdraw", [("withdrawn", ["cancelled"]), ("withdrawn", ["expired"])]),
    ],
)
def test_an_offer_ends_once(office: Any, first: str, second: str, ends: list[Any]) -> None:
    """An overdue offer is answered, withdrawn or run out at once."""
    case = Case(office, office.waiting())
    (offer,) = office.match().offers
    case.assignment_id, case.agent = offer.assignment_id, offer.agent_id
    office.clock.forward(121)
    took = at_once(case.act(first), case.act(second))
    assert case.states() in ends
    assert took[1] if second == "withdraw" else sum(took) == 1


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        ("resolve", "resolve", [("resolved", ["resolved"])]),
        ("resolve", "resolve by admin", [("resolved", ["resolved"])]),
        ("resolve", "hand back", [("resolved", ["resolved"]), ("waiting", ["handed_back"])]),
        ("hand back", "hand back", [("waiting", ["handed_back"])]),
        ("resolve", "withdraw", [("resolved", ["resolved"]), ("withdrawn", ["cancelled"])]),
    ],
)
def test_work_ends_once(office: Any, first: str, second: str, ends: list[Any]) -> None:
    """Work is resolved, handed back or withdrawn at once: one takes effect, the other is refused."""
    case = Case(office, *office.in_progress())
    assert sum(at_once(case.act(first), case.act(second))) == 1
    assert case.states() in ends


def test_two_take_it(office: Any) -> None:
    """Of two agents who press "I'll take it" one gets it."""
    case = Case(office, office.waiting())
    assert sum(at_once(case.act("UANA takes"), case.act("UBEN takes"))) == 1
    assert case.states() == ("in_progress", ["accepted"])


@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        ("close", "close", ["closed_by_suggestion"]),
        ("close", "ask a person", ["closed_by_suggestion", "waiting"]),
        ("ask a person", "ask a person", ["waiting"]),
    ],
)
def test_suggestions_are_answered_once(office: Any, first: str, second: str, ends: list[str]) -> None:
    """Two clicks on one suggestion card, from two windows: one takes effect and leaves one feedback."""
    case = Case(office, office.write().request.id)
    assert sum(at_once(case.act(first), case.act(second))) == 1
    assert case.states()[0] in ends
    assert len(office.feedback()) == 1


@pytest.mark.parametrize(("first", "second"), [("undo", "undo"), ("undo", "reply"), ("reply", "reply")])
def test_a_request_is_reopened_once(office: Any, first: str, second: str) -> None:
    """Undo and a reply at the same moment reopen a request once; the reply is kept either way."""
    case = Case(office, office.write().request.id)
    office.close(case.request_id)
    acts = [case.act(first), case.act(second)]
    at_once(*acts)
    assert case.states() == ("waiting", [])
    assert office.request(case.request_id).reopened_count == 1
    assert office.events(case.request_id).count("reopened") == 1
    assert len(office.messages()) == 1 + [first, second].count("reply")
