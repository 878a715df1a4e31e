"""Why a request went to whom it did: for its agent, and for administrators."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from bot.errors import NotAllowed
from bot.services import agents, assignments, pulling, why
from bot.services.why import Explained, Question
from bot.storage.tables import Agent, RoutingDecision


def ask(office: Any, user: str, question: Question | None = None, team: str = "T0ONE") -> Explained:
    """``user`` types ``/firstline why ...``."""
    with office.db.reading() as session:
        return why.explain(
            session,
            team_id=team,
            user_id=user,
            question=Question() if question is None else question,
            settings=office.settings,
        )


@pytest.fixture
def offered(office: Any) -> tuple[Any, int, str, str]:
    """A request that both agents could take: its id, who was offered it, who was not."""
    request_id = office.waiting()
    (offer,) = office.match().offers
    other = "UBEN" if offer.agent_id == "UANA" else "UANA"
    return office, request_id, offer.agent_id, other


def test_an_agent_reads_their_own(offered: Any) -> None:
    """Their latest offers, newest first, with terms that add up to the cost; nobody else's."""
    office, request_id, agent, other = offered
    explained = ask(office, agent)
    assert not explained.for_admin
    (told,) = explained.offers
    assert told.request_id == request_id
    assert sum(term.value for term in told.terms) == pytest.approx(told.cost)
    assert all(term.meaning for term in told.terms)
    with pytest.raises(NotAllowed, match="Nothing has been offered"):
        ask(office, other)


def test_an_administrator_reads_everything(offered: Any) -> None:
    """By number, by a message of the request, by person, or simply the latest: chosen, runner-up, why not."""
    office, request_id, agent, other = offered
    request = office.request(request_id)
    questions = [
        Question(),
        Question(request_id=request_id, person=other),
        Question(message=(request.channel_id, request.thread_ts), person=other),
        Question(person=other),
    ]
    for question in questions:
        (told,) = ask(office, "UBOSS", question).offers
        assert (told.request_id, told.agent_id) == (request_id, agent)
        assert told.runner_up is not None
        assert told.runner_up.agent_id == other
        assert (told.not_them is not None) is (question.person is not None)
    assert told.not_them is not None
    assert "tie rule" in told.not_them.detail
    assert told.flip is not None


def test_why_not_names_the_first_filter(office: Any) -> None:
    """Whoever was barred is told of by what barred them."""
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UBEN", is_on=False, settings=office.settings)
    office.waiting()
    office.match()

    def detail(person: str) -> str:
        (told,) = ask(office, "UBOSS", Question(person=person)).offers
        assert told.not_them is not None
        return told.not_them.detail

    assert "away" in detail("UBEN")
    assert "is the one" in detail("UANA")
    assert "not among the agents" in detail("UKIM")


def test_why_not_tells_what_came_before(open_office: Callable[..., Any]) -> None:
    """Whoever declined, let an offer run out, is being asked, or wrote it, is told of as just that."""
    office = open_office(firstline_agents=("UANA", "UBEN", "UKIM", "UCAM"))
    request_id = office.waiting(user="UCAM")
    (first,) = office.match().offers
    office.answer(assignments.decline, first.assignment_id, first.agent_id)
    (second,) = office.match().offers
    office.clock.forward(121)
    office.in_one(assignments.expire)
    (third,) = office.match().offers
    details = {}
    for person in (first.agent_id, second.agent_id, third.agent_id, "UCAM"):
        (told,) = ask(office, "UBOSS", Question(request_id=request_id, person=person)).offers
        assert told.not_them is not None
        details[person] = told.not_them.detail
    assert details == {
        first.agent_id: "had declined it",
        second.agent_id: "had not answered an offer of it in time",
        third.agent_id: "is the one it was given to",
        "UCAM": "wrote it themselves",
    }


def test_why_not_tells_the_difference_in_cost(office: Any) -> None:
    """Whoever could have had it is told of by what they would have cost more."""
    for user in ("URILEY", "USAM", "UKIM"):
        office.waiting(user=user)
    first = office.match().offers
    busy = first[0].agent_id
    for offer in first:
        if offer.agent_id != busy:
            office.answer(assignments.decline, offer.assignment_id, offer.agent_id)
    request_id = office.waiting(user="UNEW")
    office.match()
    loads = [a.agent_id for a in office.assignments() if a.state == "offered"]
    (told,) = ask(office, "UBOSS", Question(request_id=request_id)).offers
    other = next(agent for agent in ("UANA", "UBEN") if agent != told.agent_id)
    (told,) = ask(office, "UBOSS", Question(request_id=request_id, person=other)).offers
    assert told.not_them is not None
    assert loads.count(other) >= 1
    assert "fits" in told.not_them.detail


@pytest.mark.parametrize("user", ["URILEY", "USAM"])
def test_others_are_refused(offered: Any, user: str) -> None:
    """Whoever is neither agent nor administrator learns nothing, whatever they ask."""
    office, request_id, agent, _ = offered
    for question in (Question(), Question(request_id=request_id), Question(person=agent), None):
        with pytest.raises(NotAllowed):
            ask(office, user, question) if question else why_garbled(office, user)


def why_garbled(office: Any, user: str) -> None:
    """A question that nobody understands."""
    with office.db.reading() as session:
        why.explain(session, team_id="T0ONE", user_id=user, question=None, settings=office.settings)


def test_agents_do_not_read_others(offered: Any) -> None:
    """An agent who is no administrator asks about themselves only."""
    office, request_id, agent, other = offered
    for question in (Question(request_id=request_id), Question(person=agent)):
        with pytest.raises(NotAllowed, match="Only administrators"):
            ask(office, other, question)


def test_another_workspaces_requests_are_unknown(offered: Any) -> None:
    """A number of another workspace is as unknown as one that never was."""
    office, request_id, _, _ = offered
    for question, team in ((Question(request_id=request_id), "T0TWO"), (Question(request_id=9999), "T0ONE")):
        with pytest.raises(NotAllowed, match="no such request"):
            ask(office, "UBOSS", question, team)


def test_what_is_pruned_is_still_told_in_part(offered: Any) -> None:
    """Without the record, terms and cost remain; why not somebody else is no longer known."""
    office, request_id, _, other = offered
    with office.db.writing() as session:
        session.execute(delete(RoutingDecision))
    (told,) = ask(office, "UBOSS", Question(request_id=request_id, person=other)).offers
    assert sum(term.value for term in told.terms) == pytest.approx(told.cost)
    assert told.runner_up is None
    assert told.not_them is not None
    assert told.not_them.detail == why.FORGOTTEN


def test_a_pulled_request_is_told_as_such(office: Any) -> None:
    """Nobody else was looked at for what an agent asked for."""
    office.waiting()
    arguments = {"team_id": "T0ONE", "user_id": "UANA", "settings": office.settings}
    office.in_one(pulling.pull, **arguments)
    (told,) = ask(office, "UBOSS", Question(person="UBEN")).offers
    assert told.not_them is not None
    assert told.not_them.detail == why.ASKED_THEMSELVES
    assert ask(office, "UANA").offers[0].terms


def test_what_nobody_has_been_offered(office: Any) -> None:
    """A request that only waits, or was taken by hand, is told as such."""
    request_id = office.waiting()
    with pytest.raises(NotAllowed, match="nobody so far"):
        ask(office, "UBOSS", Question(request_id=request_id))
    office.in_one(
        assignments.take, team_id="T0ONE", user_id="UANA", request_id=request_id, settings=office.settings
    )
    (told,) = ask(office, "UBOSS", Question(request_id=request_id, person="UBEN")).offers
    assert told.reason == "You took it yourself."
    assert told.terms == ()


def test_a_skill_that_is_missing_is_named(office: Any, shows: Callable[..., Any]) -> None:
    """The category that somebody lacks is in the answer."""
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    with office.db.writing() as session:
        session.execute(update(Agent).where(Agent.user_id == "UANA").values(skills={"account_password": 1.0}))
    request_id = office.write(decision=shows("network_vpn")).request.id
    office.ask_person(request_id)
    office.match()
    (told,) = ask(office, "UBOSS", Question(person="UANA")).offers
    assert told.not_them is not None
    assert "no skill for network_vpn" in told.not_them.detail


def test_how_unsure_the_answer_bot_was_is_told(office: Any, shows: Callable[..., Any]) -> None:
    """One part of what the request asks for; without a model, or without a decision, there is nothing to tell of it."""
    request_id = office.write(decision=shows("network_vpn", top=0.7)).request.id
    office.ask_person(request_id)
    (offer,) = office.match().offers
    assert ask(office, offer.agent_id).offers[0].doubt == pytest.approx(0.3)
    office.waiting(user="USAM")
    office.match()
    assert ask(office, "UBOSS").offers[0].doubt is None
