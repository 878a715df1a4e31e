"""Answering an offer and ending the work: only the agent it was given to may."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.errors import NotAllowed, RefusedMove
from bot.services import assignments, matching


def test_accepting_names_the_agent(office: Any) -> None:
    """Accepting puts the request in work and remembers who and when."""
    office.waiting()
    (offer,) = office.match().offers
    office.clock.forward(30)
    answered = office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    assert (answered.state, answered.offer.request.state) == ("accepted", "in_progress")
    request = office.request(offer.request.id)
    assert (request.agent_id, request.accepted_at) == (offer.agent_id, office.clock())


@pytest.mark.parametrize("service", [assignments.accept, assignments.decline, assignments.hand_back])
@pytest.mark.parametrize(
    ("user", "team"), [("UBOSS", "T0ONE"), ("URILEY", "T0ONE"), ("UANA", "T0TWO"), ("UBEN", "T0TWO")]
)
def test_nobody_else_answers_an_offer(office: Any, service: Any, user: str, team: str) -> None:
    """An offer is answered by its agent alone, in its own workspace."""
    office.waiting()
    (offer,) = office.match().offers
    with pytest.raises(NotAllowed):
        office.answer(service, offer.assignment_id, user, team)
    assert [a.state for a in office.assignments()] == ["offered"]


def test_a_late_answer_still_counts_while_the_offer_is_open(office: Any) -> None:
    """An offer past its time that nobody has ended yet can be accepted; an ended one cannot."""
    office.waiting()
    office.waiting()
    first, second = office.match().offers
    office.clock.forward(500)
    office.answer(assignments.accept, first.assignment_id, first.agent_id)
    assert [ended.offer.assignment_id for ended in office.in_one(assignments.expire)] == [
        second.assignment_id
    ]
    with pytest.raises(RefusedMove, match="run out"):
        office.answer(assignments.accept, second.assignment_id, second.agent_id)


def test_an_offer_in_time_does_not_expire(office: Any) -> None:
    """Offers run out after the offer time, not before."""
    office.waiting()
    office.match()
    office.clock.forward(119)
    assert office.in_one(assignments.expire) == ()
    office.clock.forward(1)
    assert len(office.in_one(assignments.expire)) == 1


def test_the_second_press_is_told_so(office: Any) -> None:
    """Pressing a button twice changes nothing the second time and says why."""
    office.waiting()
    (offer,) = office.match().offers
    office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    with pytest.raises(RefusedMove, match="already accepted"):
        office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    with pytest.raises(RefusedMove, match="already accepted"):
        office.answer(assignments.decline, offer.assignment_id, offer.agent_id)
    office.resolve(offer.assignment_id, offer.agent_id)
    with pytest.raises(RefusedMove, match="already resolved"):
        office.resolve(offer.assignment_id, offer.agent_id)


def test_who_may_resolve(office: Any) -> None:
    """The agent who works on it, or an administrator, resolves; others may not, and nobody before it is accepted."""
    office.waiting()
    (offer,) = office.match().offers
    with pytest.raises(RefusedMove):
        office.resolve(offer.assignment_id, offer.agent_id)
    office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    with pytest.raises(NotAllowed):
        office.resolve(offer.assignment_id, "URILEY")
    assert office.resolve(offer.assignment_id, "UBOSS").state == "resolved"


def test_handing_back_keeps_the_age(office: Any) -> None:
    """Work handed back waits again without an agent, as old as it is."""
    request_id, assignment_id, agent = office.in_progress()
    since = office.request(request_id).waiting_since
    office.clock.forward(60)
    office.answer(assignments.hand_back, assignment_id, agent)
    request = office.request(request_id)
    assert (request.state, request.agent_id, request.accepted_at) == ("waiting", None, None)
    assert request.waiting_since == since


def test_taking_what_nobody_could_be_offered(office: Any) -> None:
    """An agent or administrator may take a waiting request; its requester and others may not; a second taker is told."""
    request_id = office.waiting(user="UANA")

    def take(user: str) -> Any:
        return office.in_one(
            assignments.take, team_id="T0ONE", user_id=user, request_id=request_id, settings=office.settings
        )

    for user in ("UANA", "USOMEBODY"):
        with pytest.raises(NotAllowed):
            take(user)
    assert take("UBOSS").offer.request.state == "in_progress"
    with pytest.raises(RefusedMove, match="already working"):
        take("UBEN")
    assert [(a.agent_id, a.state) for a in office.assignments()] == [("UBOSS", "accepted")]


@pytest.mark.parametrize("meanwhile", ["accepted", "offered to another"])
def test_an_answer_that_is_being_written_does_not_expire(office: Any, meanwhile: str) -> None:
    """An answer given while overdue offers are being ended counts, and the next agent's fresh offer stands."""
    request_id = office.waiting()
    (offer,) = office.match().offers
    office.clock.forward(121)
    who = {"team_id": "T0ONE", "user_id": offer.agent_id, "assignment_id": offer.assignment_id}
    with ThreadPoolExecutor(1) as pool:
        with office.db.writing() as session:
            if meanwhile == "accepted":
                assignments.accept(session, office.clock(), **who)
            else:
                assignments.decline(session, office.clock(), **who)
                assert (
                    len(matching.offer_waiting(session, office.clock(), "T0ONE", office.settings).offers) == 1
                )
            expired = pool.submit(office.in_one, assignments.expire)
            with pytest.raises(TimeoutError):
                expired.result(timeout=0.5)
        assert expired.result() == ()
    expected = {
        "accepted": ("in_progress", ["accepted"]),
        "offered to another": ("offered", ["declined", "offered"]),
    }
    states = [assignment.state.value for assignment in office.assignments()]
    assert (office.request(request_id).state.value, states) == expected[meanwhile]


def test_offers_end_in_the_order_of_their_requests(office: Any) -> None:
    """Everybody locks requests in that order, whichever of them was offered first: else two could wait for each other."""
    first = office.waiting()
    (offer,) = office.match().offers
    second = office.waiting(user="USAM")
    office.match()
    office.answer(assignments.decline, offer.assignment_id, offer.agent_id)
    office.match()
    office.clock.forward(121)
    assert [each.offer.request.id for each in office.in_one(assignments.expire)] == [first, second]
