"""Each matching that offered something can be explained and repeated from what was kept of it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Any

import pytest
from sqlalchemy import update

from bot.jobs.prune import prune
from bot.services import assignments
from bot.services.pool import read_pool, read_staff
from bot.storage.tables import Agent, RoutingDecision
from routing import Policy
from routing.explaining import replay
from tests.bot.services.conftest import abstain


def decisions(office: Any) -> list[RoutingDecision]:
    """All that are kept."""
    return list(office.rows(RoutingDecision))


@pytest.mark.parametrize("policy", Policy)
def test_a_decision_can_be_repeated(open_office: Callable[..., Any], policy: Policy) -> None:
    """Whatever the policy, matching the record once more gives the very assignments that were offered."""
    office = open_office(firstline_routing_policy=policy)
    for user in ("URILEY", "USAM", "UKIM"):
        office.waiting(user=user)
        office.clock.forward(60)
    offers = office.match().offers
    (decision,) = decisions(office)
    again = {(a.task_id, a.agent_id): a.cost for a in replay(decision.record).assignments}
    kept = {(str(a.request_id), a.agent_id): a.cost for a in office.assignments()}
    assert again == kept
    assert len(offers) == 3
    assert {a.routing_decision_id for a in office.assignments()} == {decision.id}
    assert decision.record["params"]["policy"] == policy


def test_a_long_queue_is_not_kept_with_each_decision(open_office: Callable[..., Any]) -> None:
    """The tasks that got nobody are left out where the decision comes out the same without them."""
    office = open_office(firstline_agent_capacity=2)
    for number in range(45):
        office.waiting(user=f"UASK{number}")
        office.clock.forward(60)
    assert len(office.match().offers) == 4
    (decision,) = decisions(office)
    assert (len(decision.record["tasks"]), decision.record["left_out"]) == (4, 41)
    again = {(a.task_id, a.agent_id) for a in replay(decision.record).assignments}
    assert again == {(str(a.request_id), a.agent_id) for a in office.assignments()}


def test_nothing_offered_leaves_no_record(office: Any) -> None:
    """Neither a run without work nor one without anybody to ask is kept."""
    office.match()
    office.waiting(user="UANA")
    office.answer(assignments.decline, office.match().offers[0].assignment_id, "UBEN")
    assert len(decisions(office)) == 1
    assert office.match().offers == ()
    assert len(decisions(office)) == 1


def free_at(office: Any, agent: str) -> datetime:
    """When the work that this agent has in hand should be done."""
    with office.db.reading() as session:
        pool = read_pool(session, office.clock(), "T0ONE")
        staff = read_staff(session, office.clock(), "T0ONE", pool, office.settings)
    return min(next(each.free_at for each in staff if each.id == agent))


def test_who_is_held_is_on_record(open_office: Callable[..., Any]) -> None:
    """A request that waits for an agent who is about to be free, beside one who is: for whom and until when, once."""
    office = open_office(firstline_agent_capacity=1)
    for minutes in (10, 10, 10, 10, 10, 10):  # UANA, who knows it best, takes ten minutes
        _, assignment_id, agent = office.in_progress()
        office.clock.forward(60 * minutes)
        office.resolve(assignment_id, agent)
    with office.db.writing() as session:
        session.execute(update(Agent).where(Agent.user_id == "UBEN").values(skills={"network_vpn": 0.05}))
        session.execute(update(Agent).where(Agent.user_id == "UANA").values(skills={"network_vpn": 1.0}))
    _, _, busy = office.in_progress(user="UFIRST", decision=abstain())
    assert busy == "UANA"
    until = free_at(office, "UANA")
    office.clock.forward((until - office.clock()).total_seconds() - 20)
    before = len(decisions(office))
    request_id = office.waiting(user="USECOND", decision=abstain())
    assert office.match().offers == ()
    office.clock.forward(4)
    assert office.match().offers == ()
    (decision,) = decisions(office)[before:]
    (entry,) = decision.record["outcome"]["waiting"]
    assert (entry["task_id"], entry["reason"], entry["hold"]["agent_id"]) == (str(request_id), "hold", "UANA")
    assert datetime.fromisoformat(entry["hold"]["until"]) == until
    office.clock.forward(20)
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN"]


def test_asking_the_silent_again_is_a_decision_of_its_own(open_office: Callable[..., Any]) -> None:
    """The record says that everybody else had been asked."""
    office = open_office(firstline_agents=("UANA",))
    office.waiting()
    office.match()
    office.clock.forward(121)
    office.in_one(assignments.expire)
    office.clock.forward(300)
    office.match()
    assert [decision.reason.value for decision in decisions(office)] == ["offer", "asked_again"]


def test_no_words_of_people_are_kept(office: Any) -> None:
    """Ids, numbers and names of categories only."""
    office.waiting(text="my secret is swordfish")
    office.match()
    assert "swordfish" not in json.dumps(decisions(office)[0].record)


def test_old_decisions_are_pruned(office: Any) -> None:
    """They go after the time that settled rows are kept; the assignments keep reason and terms."""
    office.waiting()
    office.match()
    keep_s = office.settings.firstline_keep_s
    prune(office.db, office.clock, keep_s, 0.0, Flag())
    assert len(decisions(office)) == 1
    office.clock.now += timedelta(seconds=keep_s + 1)
    prune(office.db, office.clock, keep_s, 0.0, Flag())
    assert decisions(office) == []
    assert office.assignments()[0].reason
