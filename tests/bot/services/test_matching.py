"""Offering what waits: to whom, to whom never, and what is told when there is nobody."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from bot.services import agents, assignments, matching
from bot.storage.tables import Agent


def test_an_offer_says_why_and_until_when(office: Any) -> None:
    """An offer goes to one agent, with routing's reason and terms, and runs out after the offer time."""
    request_id = office.waiting()
    (offer,) = office.match().offers
    (row,) = office.assignments()
    assert offer.request.id == request_id
    assert offer.reason.startswith("Why you:")
    assert sum(row.terms.values()) == pytest.approx(row.cost)
    assert (offer.expires_at - office.clock()).total_seconds() == 120
    assert office.request(request_id).state == "offered"
    assert office.match().offers == ()


def test_work_is_spread(office: Any) -> None:
    """Requests that wait together are spread over the agents."""
    for _ in range(6):
        office.waiting()
    assert Counter(offer.agent_id for offer in office.match().offers) == {"UANA": 3, "UBEN": 3}


def test_nobody_gets_more_than_their_capacity(open_office: Any) -> None:
    """Offers and work in hand together never exceed an agent's capacity; a place that becomes free is used."""
    office = open_office(firstline_agents=("UANA",), firstline_agent_capacity=2)
    for _ in range(3):
        office.waiting()
    offers = office.match().offers
    assert len(offers) == 2
    assert office.match().offers == ()
    office.answer(assignments.accept, offers[0].assignment_id, "UANA")
    assert office.match().offers == ()
    office.resolve(offers[0].assignment_id, "UANA")
    assert len(office.match().offers) == 1


@pytest.mark.parametrize("ending", ["decline", "expire", "hand_back"])
def test_never_again_to_the_same_agent(office: Any, ending: str) -> None:
    """Who declined, did not answer or handed back is not asked again; age and deadline are kept."""
    request_id = office.waiting()
    (first,) = office.match().offers
    office.clock.forward(121)
    if ending == "expire":
        assert len(office.in_one(assignments.expire)) == 1
    else:
        if ending == "hand_back":
            office.answer(assignments.accept, first.assignment_id, first.agent_id)
        office.answer(getattr(assignments, ending), first.assignment_id, first.agent_id)
    (second,) = office.match().offers
    assert {first.agent_id, second.agent_id} == {"UANA", "UBEN"}
    assert second.request.waiting_since == first.request.waiting_since
    assert second.request.deadline_at == first.request.deadline_at
    assert second.request.id == request_id


def test_nobody_is_offered_their_own_request(office: Any) -> None:
    """An agent who needs help themselves is helped by another."""
    office.waiting(user="UANA")
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN"]


def test_an_agent_who_is_away_is_offered_nothing(office: Any) -> None:
    """Away means no offers; on again, they come."""
    for user in ("UANA", "UBEN"):
        office.in_one(
            agents.set_presence, team_id="T0ONE", user_id=user, is_on=False, settings=office.settings
        )
    office.waiting()
    assert office.match().offers == ()
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UBEN", is_on=True, settings=office.settings)
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN"]


def test_skills_decide(office: Any, abstains: Any) -> None:
    """A request goes to the agent with the skill, as long as there is one."""
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    with office.db.writing() as session:
        session.execute(update(Agent).where(Agent.user_id == "UANA").values(skills={"account_password": 1.0}))
    for _ in range(2):
        office.waiting(decision=abstains())  # its best guess is network_vpn
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN", "UBEN"]


def test_nobody_left_is_told_once(office: Any) -> None:
    """When everybody has declined, the request is reported once, and again only when it came back and waits anew."""
    request_id = office.waiting()
    for _ in range(2):
        (offer,) = office.match().offers
        office.answer(assignments.decline, offer.assignment_id, offer.agent_id)
    assert [stuck.request.id for stuck in office.match().stuck] == [request_id]
    assert office.match().stuck == ()
    taken = office.in_one(
        assignments.take, team_id="T0ONE", user_id="UBOSS", request_id=request_id, settings=office.settings
    )
    office.clock.forward(60)
    office.resolve(taken.offer.assignment_id, "UBOSS")
    office.write("not solved", thread_ts=office.request(request_id).thread_ts)
    assert [stuck.request.id for stuck in office.match().stuck] == [request_id]


def test_a_full_house_is_told_when_time_runs_out(open_office: Any) -> None:
    """While everybody is merely busy nothing is reported before half of the time is gone."""
    office = open_office(firstline_agents=("UANA",), firstline_agent_capacity=1)
    office.waiting()
    late = office.waiting()
    assert office.match().stuck == ()
    office.clock.forward(2 * 3600)
    assert [stuck.request.id for stuck in office.match().stuck] == [late]


def test_without_agents_it_is_told(open_office: Any) -> None:
    """With no agents at all every request is reported."""
    office = open_office(firstline_agents=())
    office.waiting()
    assert len(office.match().stuck) == 1


def test_what_nobody_wants_does_not_hold_up_the_others(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """More requests that nobody can be offered than one run looks at leave room for newer ones."""
    monkeypatch.setattr(matching, "BATCH", 2)
    for _ in range(2):
        office.waiting()
        for _ in range(2):
            (offer,) = office.match().offers
            office.answer(assignments.decline, offer.assignment_id, offer.agent_id)
    office.match()  # the second one, too, is told of
    newer = office.waiting()
    assert [offer.request.id for offer in office.match().offers] == [newer]


def test_two_matchers_at_once_offer_each_request_once(office: Any) -> None:
    """Replicas that match at the same moment never offer a request twice, nor exceed a capacity."""
    for _ in range(8):
        office.waiting()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: office.match(), range(4)))
    offered = [offer.request.id for result in results for offer in result.offers]
    assert sorted(offered) == list(range(1, 9))
    assert Counter(row.agent_id for row in office.assignments()) == {"UANA": 4, "UBEN": 4}


def test_workspaces_have_their_own_queue(office: Any) -> None:
    """A workspace's matcher offers only its own requests; the list of workspaces names those that wait."""
    office.waiting(team="T0TWO")
    assert office.match().offers == ()
    with office.db.reading() as session:
        assert matching.teams_waiting(session) == ["T0TWO"]
    assert len(office.match("T0TWO").offers) == 1


def test_a_second_matcher_sees_what_the_first_has_given_out(
    open_office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matcher that starts while another has not committed waits for it, so that together they exceed no capacity."""
    office = open_office(firstline_agents=("UANA",), firstline_agent_capacity=1)
    monkeypatch.setattr(matching, "BATCH", 1)  # each run looks at another request
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    office.waiting()
    office.waiting()
    with ThreadPoolExecutor(1) as pool:
        with office.db.writing() as session:
            first = matching.offer_waiting(session, office.clock(), "T0ONE", office.settings)
            second = pool.submit(office.match)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
        assert len(first.offers) == 1
        assert second.result().offers == ()


def test_matching_while_requests_are_withdrawn(office: Any) -> None:
    """Whoever withdraws while the matcher runs is let go, and the others are offered all the same."""
    ids = [office.waiting() for _ in range(10)]
    with ThreadPoolExecutor(4) as pool:
        withdrawn = [pool.submit(office.withdraw, request_id) for request_id in ids[::2]]
        matched = [pool.submit(office.match) for _ in range(3)]
    assert all(future.exception() is None for future in [*withdrawn, *matched])
    office.match()
    states = [office.request(request_id).state.value for request_id in ids]
    assert states == ["withdrawn", "offered"] * 5
    assert {a.state.value for a in office.assignments()} <= {"offered", "cancelled"}
