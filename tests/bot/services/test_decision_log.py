"""Each matching that offered something can be explained and repeated from what was kept of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Event as Flag
from typing import Any

import pytest

from bot.jobs.prune import prune
from bot.services import assignments
from bot.storage.tables import RoutingDecision
from routing import Policy
from routing.explaining import replay


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
