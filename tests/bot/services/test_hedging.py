"""Hedged offers: one more agent is asked while an offer is unanswered; one of them holds the request in the end."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from bot.errors import BotError, RefusedMove
from bot.services import assignments, hedging
from bot.services.views import OfferView
from bot.storage.tables import Assignment, RoutingDecision

AGENTS = ("UANA", "UBEN", "UKIM")
HOLDING = ("offered", "accepted")


@pytest.fixture
def office(open_office: Callable[..., Any]) -> Any:
    """Three agents; one more is asked after 30 seconds."""
    return open_office(firstline_agents=AGENTS)


def hedge(office: Any, after_s: float = 30) -> tuple[OfferView, ...]:
    """The job runs once, so much later."""
    office.clock.forward(after_s)
    return office.in_one(hedging.hedge, team_id="T0ONE", settings=office.settings)  # type: ignore[no-any-return]


def hedged(office: Any) -> tuple[int, OfferView, OfferView]:
    """A request with an offer and a hedged one."""
    request_id = office.waiting()
    (first,) = office.match().offers
    (second,) = hedge(office)
    return request_id, first, second


def at_once(*acts: Callable[[], object]) -> None:
    """Do all of them at the same moment; some may be refused."""
    ready = Barrier(len(acts))

    def attempt(act: Callable[[], object]) -> None:
        ready.wait(10)
        with suppress(RefusedMove):
            act()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(attempt, acts))


def states(office: Any) -> list[str]:
    """Of all assignments, oldest first."""
    return [assignment.state.value for assignment in office.assignments()]


def test_one_more_is_asked_every_thirty_seconds(office: Any) -> None:
    """Each time another agent, until everybody has been; the log keeps each decision."""
    request_id = office.waiting()
    (first,) = office.match().offers
    assert hedge(office, 29) == ()
    (second,) = hedge(office, 1)
    assert hedge(office, 29) == ()
    (third,) = hedge(office, 1)
    assert {first.agent_id, second.agent_id, third.agent_id} == set(AGENTS)
    assert hedge(office) == ()
    assert states(office) == ["offered", "hedged", "hedged"]
    assert second.is_hedged
    assert not first.is_hedged
    assert office.events(request_id)[-2:] == ["hedged", "hedged"]
    assert [row.reason.value for row in office.rows(RoutingDecision)] == ["offer", "hedge", "hedge"]


def test_zero_asks_one_at_a_time(open_office: Callable[..., Any]) -> None:
    """Switched off, nobody is asked beside another."""
    office = open_office(firstline_agents=AGENTS, firstline_hedge_s=0)
    office.waiting()
    office.match()
    assert hedge(office, 100) == ()
    assert states(office) == ["offered"]


@pytest.mark.parametrize("winner", [0, 1])
def test_the_first_accept_wins(office: Any, winner: int) -> None:
    """Whoever accepts first has it; the other's offer ends and they are told so."""
    request_id, *offers = hedged(office)
    won, lost = offers[winner], offers[1 - winner]
    answered = office.answer(assignments.accept, won.assignment_id, won.agent_id)
    assert office.request(request_id).agent_id == won.agent_id
    assert [(p.offer.assignment_id, p.state.value) for p in answered.passed_over] == [
        (lost.assignment_id, "passed_over")
    ]
    assert sorted(states(office)) == ["accepted", "passed_over"]
    with pytest.raises(RefusedMove, match="Somebody else has taken"):
        office.answer(assignments.accept, lost.assignment_id, lost.agent_id)


@pytest.mark.parametrize("ended", [0, 1])
def test_declining_one_leaves_the_other(office: Any, ended: int) -> None:
    """The request stays offered to who is left, and waits only when nobody is; who declined is not asked again."""
    request_id, *offers = hedged(office)
    gone, left = offers[ended], offers[1 - ended]
    office.answer(assignments.decline, gone.assignment_id, gone.agent_id)
    assert office.request(request_id).state == "offered"
    assert Counter(states(office)) == Counter(["offered", "declined"])
    office.answer(assignments.decline, left.assignment_id, left.agent_id)
    assert office.request(request_id).state == "waiting"
    (third,) = office.match().offers
    assert third.agent_id not in {gone.agent_id, left.agent_id}


def test_offers_run_out_one_by_one(office: Any) -> None:
    """The first expires and the hedged one takes its place; when that expires too the request waits."""
    request_id, first, second = hedged(office)
    office.clock.forward(90)
    assert [e.offer.assignment_id for e in office.in_one(assignments.expire)] == [first.assignment_id]
    assert office.request(request_id).state == "offered"
    assert states(office) == ["expired", "offered"]
    office.clock.forward(30)
    assert [e.offer.assignment_id for e in office.in_one(assignments.expire)] == [second.assignment_id]
    assert office.request(request_id).state == "waiting"


def test_all_overdue_end_in_one_run(office: Any) -> None:
    """However late the job is, nothing stays open that has run out."""
    request_id, *_ = hedged(office)
    office.clock.forward(1000)
    assert len(office.in_one(assignments.expire)) == 2
    assert office.request(request_id).state == "waiting"


def test_withdrawing_ends_all(office: Any) -> None:
    """Everybody who was asked is told that help is no longer needed."""
    request_id, first, second = hedged(office)
    withdrawal = office.withdraw(request_id)
    assert {c.assignment_id for c in withdrawal.cancelled} == {first.assignment_id, second.assignment_id}
    assert states(office) == ["cancelled", "cancelled"]


def test_taking_ends_all(office: Any) -> None:
    """Somebody who takes it by hand ends both offers."""
    request_id, first, second = hedged(office)
    taken = office.in_one(
        assignments.take, team_id="T0ONE", user_id="UBOSS", request_id=request_id, settings=office.settings
    )
    ended = {p.offer.assignment_id for p in taken.passed_over}
    assert ended == {first.assignment_id, second.assignment_id}
    assert states(office).count("accepted") == 1
    assert office.request(request_id).agent_id == "UBOSS"


def test_a_hedged_offer_takes_a_place(open_office: Callable[..., Any]) -> None:
    """It counts against capacity, so nobody is asked for more than they can take."""
    office = open_office(firstline_agents=("UANA", "UBEN"), firstline_agent_capacity=1)
    hedged(office)
    office.waiting(user="USAM")
    assert office.match().offers == ()


def test_the_database_allows_one_holder(office: Any) -> None:
    """Even code that is wrong cannot let two agents hold a request."""
    _, _, second = hedged(office)
    claim = update(Assignment).where(Assignment.id == second.assignment_id).values(state="offered")
    with office.db.writing() as session, pytest.raises(IntegrityError), session.begin_nested():
        session.execute(claim)


@pytest.mark.parametrize("acts", [("accept", "accept"), ("accept", "expire"), ("decline", "accept")])
def test_at_the_same_moment(office: Any, acts: tuple[str, str]) -> None:
    """Two press at once, or the clock runs out meanwhile: one agent holds the request or none, never two."""
    request_id, first, second = hedged(office)
    office.clock.forward(95)

    def act(name: str, offer: OfferView) -> object:
        if name == "expire":
            return office.in_one(assignments.expire)
        service = assignments.accept if name == "accept" else assignments.decline
        return office.answer(service, offer.assignment_id, offer.agent_id)

    if acts[1] == "expire":
        at_once(lambda: act("accept", second), lambda: act("expire", first))
    else:
        at_once(lambda: act(acts[0], first), lambda: act(acts[1], second))
    held = [state for state in states(office) if state in HOLDING]
    assert held == ["accepted"]
    assert office.request(request_id).state == "in_progress"
    assert "hedged" not in states(office)


STEPS = st.lists(
    st.tuples(st.sampled_from(["hedge", "accept", "decline", "expire", "match", "wait"]), st.integers(0, 5)),
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_whatever_happens_one_agent_holds_it(office: Any, steps: list[tuple[str, int]]) -> None:
    """After any sequence of presses, expiries and hedges: the request's state says who holds it, and it is one at most."""
    known = {assignment.id for assignment in office.assignments()}
    request_id = office.waiting()
    office.match()
    for step, number in steps:
        mine = [a for a in office.assignments() if a.id not in known]
        chosen = mine[number % len(mine)]
        try:
            if step in ("accept", "decline"):
                service = assignments.accept if step == "accept" else assignments.decline
                office.answer(service, chosen.id, chosen.agent_id)
            elif step == "hedge":
                hedge(office)
            elif step == "wait":
                office.clock.forward(60)
            else:
                office.match() if step == "match" else office.in_one(assignments.expire)
        except BotError:
            pass
        held = [a.state.value for a in office.assignments() if a.request_id == request_id]
        expected = {"offered": ["offered"], "in_progress": ["accepted"], "waiting": []}
        assert [s for s in held if s in HOLDING] == expected[office.request(request_id).state.value]
        if office.request(request_id).state != "offered":
            assert "hedged" not in held
    if office.request(request_id).state != "withdrawn":
        office.withdraw(request_id)
