"""Offering what waits: to whom, to whom never, and what is told when there is nobody."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from bot.lifecycle import AssignmentState
from bot.services import agents, assignments, line, matching
from bot.services.barring import rest
from bot.services.stuck import WhyNobody
from bot.storage.tables import Agent, RoutingDecision


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
def test_the_next_offer_goes_to_another(office: Any, ending: str) -> None:
    """Who declined, did not answer or handed back is passed over for another; age and deadline are kept."""
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


def test_an_agents_own_request_counts_as_turned_down_by_nobody(office: Any) -> None:
    """The matcher is told who wrote it, not that they declined; with nobody else on, that is what is told of."""
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UBEN", is_on=False, settings=office.settings)
    office.waiting(user="UANA")
    (stuck,) = office.match().stuck
    assert stuck.why is WhyNobody.EVERYBODY_ASKED
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UBEN", is_on=True, settings=office.settings)
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN"]
    (task,) = office.rows(RoutingDecision)[0].record["tasks"]
    assert (task["requester"], task["declined_by"]) == ("UANA", [])


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


def test_what_is_handed_back_with_nobody_left_is_told_again(open_office: Any) -> None:
    """A request that was told of, taken and handed back is told of again, once, under another number."""
    office = open_office(firstline_agents=("UANA",))
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UANA", is_on=False, settings=office.settings)
    request_id = office.waiting()
    (first,) = office.match().stuck
    taken = office.in_one(
        assignments.take, team_id="T0ONE", user_id="UBOSS", request_id=request_id, settings=office.settings
    )
    office.answer(assignments.hand_back, taken.offer.assignment_id, "UBOSS")
    (second,) = office.match().stuck
    assert (first.why, second.why) == (WhyNobody.EVERYBODY_AWAY, WhyNobody.EVERYBODY_AWAY)
    assert second.request.id == first.request.id
    assert second.wait > first.wait
    assert office.match().stuck == ()


def test_why_nobody(open_office: Any) -> None:
    """Whoever is told hears why nobody can be offered it: no agents, all away, all asked, none fits, all busy."""
    none = open_office(firstline_agents=())
    none.waiting(user="U1")
    assert [stuck.why for stuck in none.match().stuck] == [WhyNobody.NO_AGENTS]
    office = open_office(firstline_agents=("UANA",), firstline_agent_capacity=1)
    office.write("never mind", user="U1")
    (offer,) = office.match().offers
    late = office.waiting(user="U2")
    office.clock.forward(3 * 3600)
    assert [(s.request.id, s.why) for s in office.match().stuck] == [(late, WhyNobody.EVERYBODY_BUSY)]
    office.withdraw(late, user="U2")
    office.answer(assignments.decline, offer.assignment_id, "UANA")
    assert [stuck.why for stuck in office.match().stuck] == [WhyNobody.EVERYBODY_ASKED]


def test_who_let_an_offer_run_out_is_asked_again_after_a_rest(open_office: Any) -> None:
    """When everybody has had a turn, whoever was silent is asked again: after 4 minutes, then 8, 16 and so on."""
    office = open_office(firstline_agents=("UANA",))
    office.waiting()
    for rest_s in (240, 480, 960):
        assert len(office.match().offers) == 1
        office.clock.forward(120)
        office.in_one(assignments.expire)
        office.clock.forward(rest_s - 1)
        assert office.match().offers == ()
        office.clock.forward(1)
    assert len(office.match().offers) == 1


def test_a_rest_is_never_longer_than_the_deadlines_time(office: Any) -> None:
    """However often somebody was silent, they rest no longer than a request should wait."""
    rests = [rest(silences, office.settings).total_seconds() for silences in (1, 6, 7, 1000)]
    assert rests == [240, 7680, 4 * 3600, 4 * 3600]


def test_others_are_asked_before_the_silent_are_asked_again(office: Any) -> None:
    """However long the silent have rested, somebody who has not been asked comes first."""
    office.waiting()
    (first,) = office.match().offers
    office.clock.forward(9000)
    office.in_one(assignments.expire)
    office.clock.forward(9000)
    (second,) = office.match().offers
    assert {first.agent_id, second.agent_id} == {"UANA", "UBEN"}
    office.answer(assignments.decline, second.assignment_id, second.agent_id)
    again = office.match()
    assert [offer.agent_id for offer in again.offers] == [first.agent_id]
    # Everybody was asked once: somebody is told, even while the silent one is asked again.
    assert [stuck.why for stuck in again.stuck] == [WhyNobody.EVERYBODY_ASKED]


@pytest.mark.parametrize("taker", ["UBOSS", "UANA"])
def test_what_is_offered_to_the_silent_again_can_be_taken(open_office: Any, taker: str) -> None:
    """The take ends the offer that is out, and its card says so; one assignment is left open."""
    office = open_office(firstline_agents=("UANA",), firstline_admins=("UBOSS",))
    office.waiting()
    office.match()
    office.clock.forward(9000)
    office.in_one(assignments.expire)
    office.clock.forward(9000)
    (offer,) = office.match().offers
    who = {"team_id": "T0ONE", "user_id": taker, "request_id": offer.request.id, "settings": office.settings}
    taken = office.in_one(assignments.take, **who)
    assert taken.state is AssignmentState.ACCEPTED
    assert taken.offer.agent_id == taker
    (passed_over,) = taken.passed_over
    assert (passed_over.offer.assignment_id, passed_over.state) == (
        offer.assignment_id,
        AssignmentState.EXPIRED,
    )


def test_saying_on_while_on_is_being_seen(open_office: Any) -> None:
    """Agents are on from the start: who types it again after a silence is asked at once."""
    office = open_office(firstline_agents=("UANA",))
    office.waiting()
    office.match()
    office.clock.forward(121)
    office.in_one(assignments.expire)
    assert office.match().offers == ()
    office.clock.forward(1)
    office.in_one(agents.set_presence, user_id="UANA", is_on=True, team_id="T0ONE", settings=office.settings)
    assert [offer.agent_id for offer in office.match().offers] == ["UANA"]


def test_who_was_silent_and_is_seen_again_is_asked_at_once(open_office: Any) -> None:
    """Going away and coming on again lifts the bar of an offer that ran out, never that of one declined."""
    office = open_office()
    who = {"team_id": "T0ONE", "settings": office.settings}
    office.waiting()
    (declined,) = office.match().offers
    office.answer(assignments.decline, declined.assignment_id, declined.agent_id)
    (silent,) = office.match().offers
    office.clock.forward(121)
    office.in_one(assignments.expire)
    assert office.match().offers == ()
    office.clock.forward(1)
    for agent in (declined.agent_id, silent.agent_id):
        for is_on in (False, True):
            office.in_one(agents.set_presence, user_id=agent, is_on=is_on, **who)
    assert [offer.agent_id for offer in office.match().offers] == [silent.agent_id]


def test_a_changed_capacity_counts_at_once(open_office: Any) -> None:
    """FIRSTLINE_AGENT_CAPACITY is the capacity of everybody who has none of their own, also after it was changed."""
    office = open_office(firstline_agents=("UANA",), firstline_agent_capacity=1)
    for _ in range(3):
        office.waiting()
    assert len(office.match().offers) == 1
    larger = open_office(firstline_agents=("UANA",), firstline_agent_capacity=2)
    assert len(larger.match().offers) == 1
    with larger.db.writing() as session:
        session.execute(update(Agent).values(capacity=1))
    assert larger.match().offers == ()


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
    monkeypatch.setattr(line, "BATCH", 2)
    for _ in range(2):
        office.waiting()
        for _ in range(2):
            (offer,) = office.match().offers
            office.answer(assignments.decline, offer.assignment_id, offer.agent_id)
    office.match()  # the second one, too, is told of
    newer = office.waiting()
    assert [offer.request.id for offer in office.match().offers] == [newer]


def declined_by_all(office: Any, number: int) -> None:
    """So many requests that nobody can be offered any more."""
    for each in range(number):
        office.waiting(user=f"UASK{each}")
        for _ in range(2):
            (offer,) = office.match().offers
            office.answer(assignments.decline, offer.assignment_id, offer.agent_id)


def away(office: Any, *users: str, is_on: bool = False) -> None:
    """They say so."""
    for user in users:
        office.in_one(
            agents.set_presence, team_id="T0ONE", user_id=user, is_on=is_on, settings=office.settings
        )


def test_what_waits_behind_many_that_nobody_can_take_gets_its_turn(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that waits is looked at within one run for each batch of it, also what was told of like those before it."""
    declined_by_all(office, 5)
    away(office, "UANA", "UBEN")
    newest = office.waiting()
    office.match()  # all six are told of: none comes first for that
    away(office, "UBEN", is_on=True)
    monkeypatch.setattr(line, "BATCH", 2)
    looked_to, offered = 0, []
    for _ in range(3):  # six wait
        run = office.in_one(
            matching.offer_waiting, team_id="T0ONE", settings=office.settings, after=looked_to
        )
        looked_to = run.looked_to
        offered += [(offer.request.id, offer.agent_id) for offer in run.offers]
    assert offered == [(newest, "UBEN")]


def test_turns_come_round_and_skip_nobody(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five that wait, two of the longest and two in turn are looked at in each run, until they begin again."""
    away(office, "UANA", "UBEN")
    for number in range(5):
        office.waiting(user=f"UASK{number}")
    monkeypatch.setattr(line, "BATCH", 2)
    looked_to, turns = 0, []
    for _ in range(4):
        run = office.in_one(
            matching.offer_waiting, team_id="T0ONE", settings=office.settings, after=looked_to
        )
        assert sum(run.left.values()) <= 4
        turns.append(looked_to := run.looked_to)
    assert turns == [2, 4, 0, 2]
    assert office.match().stuck == ()  # all were told of, each once


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
        assert line.teams_waiting(session) == ["T0TWO"]
    assert len(office.match("T0TWO").offers) == 1


def test_a_second_matcher_sees_what_the_first_has_given_out(
    open_office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A matcher that starts while another has not committed waits for it, so that together they exceed no capacity."""
    office = open_office(firstline_agents=("UANA",), firstline_agent_capacity=1)
    monkeypatch.setattr(line, "BATCH", 1)  # each run looks at another request
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
