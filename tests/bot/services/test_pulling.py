"""An agent asks for work and gets what fits best, or the reason why there is none."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from bot.errors import NotAllowed
from bot.services import agent_profile, agents, assignments, pulling
from bot.services.agent_profile import Profile
from bot.services.pulling import Pulled
from bot.services.working_hours import parse_hours
from bot.storage.tables import RoutingDecision


def pull(office: Any, user: str = "UANA") -> Pulled:
    """``user`` types ``/firstline next``."""
    arguments = {"team_id": "T0ONE", "user_id": user, "settings": office.settings}
    return office.in_one(pulling.pull, **arguments)  # type: ignore[no-any-return]


def save(office: Any, user: str, profile: Profile) -> None:
    """``user`` sends their form."""
    arguments = {"team_id": "T0ONE", "user_id": user, "profile": profile, "settings": office.settings}
    office.in_one(agent_profile.save_profile, **arguments)


def test_the_longest_waiting_comes_first(office: Any) -> None:
    """Of requests that are alike, whoever waits longest is helped; the agent has it at once, and the log says why."""
    first = office.waiting(user="URILEY")
    office.clock.forward(600)
    office.waiting(user="USAM")
    answered = pull(office).answered
    assert answered is not None
    assert answered.offer.request.id == first
    assert office.request(first).state == "in_progress"
    assert office.request(first).agent_id == "UANA"
    assert office.events(first)[-2:] == ["offered", "accepted"]
    (decision,) = office.rows(RoutingDecision)
    assert decision.reason == "pull"
    (kept,) = office.assignments()
    assert kept.routing_decision_id == decision.id
    assert kept.reason.startswith("Why you")


def test_pulling_goes_on_to_capacity(open_office: Callable[..., Any]) -> None:
    """One request for each time they ask, until their places are taken; then they read so."""
    office = open_office(firstline_agent_capacity=2)
    for user in ("URILEY", "USAM", "UKIM"):
        office.waiting(user=user)
    assert pull(office).answered
    assert pull(office).answered
    assert "2 of 2 places taken" in pull(office).why_none
    assert len(office.assignments()) == 2


def test_who_is_away_may_pull(office: Any) -> None:
    """Away, or outside of one's hours: nothing is offered, but whoever asks is there."""
    save(office, "UANA", Profile(hours=parse_hours("Sun 1-2", "UTC")))
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UANA", is_on=False, settings=office.settings)
    office.waiting()
    assert pull(office).answered


def test_nothing_waits(office: Any) -> None:
    """Without work there is nothing to give."""
    assert pull(office) == Pulled(None, pulling.NOTHING_WAITS)


def test_an_open_offer_comes_first(office: Any) -> None:
    """Who has an offer is asked to answer that one."""
    office.waiting()
    offer = office.match().offers[0]
    assert pull(office, offer.agent_id).why_none == pulling.HAS_OFFER


def test_what_was_declined_is_not_given(office: Any) -> None:
    """Neither what they declined nor what they wrote themselves; the reasons are counted."""
    office.waiting(user="UANA")
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UBEN", is_on=False, settings=office.settings)
    request_id = office.waiting(user="URILEY")
    offer = next(o for o in office.match().offers if o.request.id == request_id)
    office.answer(assignments.decline, offer.assignment_id, "UANA")
    why_none = pull(office).why_none
    assert why_none.startswith("2 requests wait, but none is for you now: ")
    assert "1 you wrote yourself" in why_none
    assert "1 you declined or handed back" in why_none


def test_what_others_can_do_better_is_kept_for_them(office: Any, shows: Callable[..., Any]) -> None:
    """A request for a skill that somebody else at work has is not given to who lacks it, though that one is full."""
    save(office, "UANA", Profile(skills={"network_vpn": 0.0, "account_password": 1.0}))
    request_id = office.write(decision=shows("network_vpn")).request.id
    office.ask_person(request_id)
    assert "1 for somebody with a skill you do not have" in pull(office).why_none
    assert pull(office, "UBEN").answered


@pytest.mark.parametrize("user", ["URILEY", "UBOSS"])
def test_only_agents_pull(office: Any, user: str) -> None:
    """Others are refused, and nothing is given."""
    office.waiting(user="USAM")
    with pytest.raises(NotAllowed, match="Only agents"):
        pull(office, user)
    assert not office.assignments()


def test_two_pull_at_the_same_moment(office: Any) -> None:
    """One request, two agents who ask at once: one gets it."""
    office.waiting()
    ready = Barrier(2)

    def attempt(user: str) -> Pulled:
        ready.wait(10)
        return pull(office, user)

    with ThreadPoolExecutor(2) as pool:
        pulled = list(pool.map(attempt, ("UANA", "UBEN")))
    assert sum(each.answered is not None for each in pulled) == 1
    assert [a.state for a in office.assignments()] == ["accepted"]


def test_what_fits_is_found_behind_many_that_do_not(
    open_office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait longer that an agent may not have, they get the first that they may have."""
    office = open_office(firstline_agents=("UANA",))
    for _ in range(5):
        office.waiting(user="UANA")
    monkeypatch.setattr("bot.services.line.BATCH", 2)
    assert "2 you wrote yourself" in pull(office).why_none
    office.clock.forward(60)
    newest = office.waiting(user="URILEY")
    answered = pull(office).answered
    assert answered is not None
    assert answered.offer.request.id == newest
