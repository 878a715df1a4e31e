"""What agents say about themselves is checked, kept, and obeyed by the next matching."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.errors import NotAllowed
from bot.services import agent_profile, agents
from bot.services.agent_profile import Entered, FormRefused, Profile, check
from bot.services.erasure import erase_person
from bot.services.working_hours import parse_hours
from bot.storage.tables import Event, RoutingDecision
from classifier.languages import CANDIDATES
from routing.explaining import replay

SKILLS = {"network_vpn": "expert", "account_password": "basic"}


def save(office: Any, user: str, profile: Profile) -> None:
    """``user`` sends the form."""
    arguments = {"team_id": "T0ONE", "user_id": user, "profile": profile, "settings": office.settings}
    office.in_one(agent_profile.save_profile, **arguments)


def read(office: Any, user: str) -> Profile:
    """What the form would show ``user``."""
    with office.db.reading() as session:
        return agent_profile.read_profile(session, team_id="T0ONE", user_id=user, settings=office.settings)


def test_a_filled_form_is_a_profile() -> None:
    """Every field is read; sites are compared without case and spaces."""
    entered = Entered(
        "3", SKILLS, ("en", "de"), " Utrecht ,New   York, utrecht", "Europe/Amsterdam", "Mon 9-17"
    )
    assert check(entered) == Profile(
        capacity=3,
        skills={"network_vpn": 1.0, "account_password": 0.4},
        languages=("de", "en"),
        sites=("utrecht", "new york"),
        hours=parse_hours("Mon 9-17", "Europe/Amsterdam"),
    )


def test_an_empty_form_narrows_nothing_down() -> None:
    """Nothing said is everything; so is "very well" throughout, categories that come later included."""
    assert check(Entered()) == Profile()
    assert check(Entered(skills={"a": "expert", "b": "expert"})) == Profile()


@pytest.mark.parametrize(
    ("entered", "field", "words"),
    [
        (Entered(capacity="0"), "capacity", "from 1 to 100"),
        (Entered(capacity="101"), "capacity", "from 1 to 100"),
        (Entered(capacity="2.5"), "capacity", "whole number"),
        (Entered(capacity="9" * 5000), "capacity", "whole number"),
        (Entered(capacity="\u0663"), "capacity", "whole number"),
        (Entered(skills={"a": "none", "b": "none"}), "skill:a", "at least one category"),
        (Entered(skills={"a": "godlike"}), "skill:a", "levels"),
        (Entered(languages=("en", "xx")), "languages", "xx"),
        (Entered(sites=",".join(f"site {n}" for n in range(21))), "sites", "At most 20"),
        (Entered(sites="x" * 41), "sites", "40 characters"),
        (Entered(zone="Mars/Base"), "zone", "No such time zone"),
        (Entered(zone="../../etc/passwd"), "zone", "No such time zone"),
        (Entered(hours="Mon 9-17"), "zone", "need a time zone"),
        (Entered(hours="whenever", zone="UTC"), "hours", "is not like"),
    ],
)
def test_faults_name_their_field(entered: Entered, field: str, words: str) -> None:
    """Each fault is a sentence at the field it belongs to."""
    with pytest.raises(FormRefused) as refused:
        check(entered)
    assert words in refused.value.faults[field]


def test_all_faults_are_told_at_once() -> None:
    """Nobody has to send the form once for each mistake."""
    with pytest.raises(FormRefused) as refused:
        check(Entered(capacity="x", zone="Nowhere", hours="never"))
    assert set(refused.value.faults) == {"capacity", "zone", "hours"}


def test_what_is_saved_is_shown_again(office: Any) -> None:
    """The form opens with what was said last; the log keeps that it was said; others keep theirs."""
    profile = Profile(2, {"network_vpn": 0.7}, ("en",), ("utrecht",), parse_hours("Mon 9-17", "UTC"))
    save(office, "UANA", profile)
    assert read(office, "UANA") == profile
    assert read(office, "UBEN") == Profile()
    assert [(event.kind.value, event.actor_id) for event in office.rows(Event)] == [("agent_profile", "UANA")]
    save(office, "UANA", Profile())
    assert read(office, "UANA") == Profile()


@pytest.mark.parametrize("user", ["URILEY", "UBOSS"])
def test_only_agents_have_a_profile(office: Any, user: str) -> None:
    """Requesters and administrators who are no agents neither see nor send it."""
    with pytest.raises(NotAllowed, match="Only agents"):
        read(office, user)
    with pytest.raises(NotAllowed, match="Only agents"):
        save(office, user, Profile())


def test_capacity_is_obeyed(open_office: Callable[..., Any]) -> None:
    """Somebody who takes one request at a time is offered one, whatever the setting says."""
    office = open_office(firstline_agents=("UANA",))
    save(office, "UANA", Profile(capacity=1))
    for user in ("URILEY", "USAM"):
        office.waiting(user=user)
    assert len(office.match().offers) == 1


def test_hours_are_obeyed(office: Any) -> None:
    """Outside of their hours nobody is offered anything; when all are out, somebody is told so."""
    save(office, "UANA", Profile(hours=parse_hours("Tue-Fri 0-24", "UTC")))  # it is Monday
    save(office, "UBEN", Profile(hours=parse_hours("Mon 9-17", "UTC")))
    office.waiting()
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN"]
    office.clock.forward(9 * 3600)
    office.waiting(user="USAM")
    run = office.match()
    assert run.offers == ()
    assert [stuck.why for stuck in run.stuck] == ["everybody_away"]


def test_coming_on_outside_of_ones_hours_is_told(office: Any) -> None:
    """Who says "on" while their hours say no learns that nothing will be offered."""
    save(office, "UANA", Profile(hours=parse_hours("Tue 9-17", "UTC")))
    arguments = {"team_id": "T0ONE", "is_on": True, "settings": office.settings}
    assert not office.in_one(agents.set_presence, user_id="UANA", **arguments).is_in_hours
    assert office.in_one(agents.set_presence, user_id="UBEN", **arguments).is_in_hours


def test_skills_are_obeyed(office: Any, shows: Callable[..., Any]) -> None:
    """A request goes to who can do it; where nobody can, nobody is barred."""
    save(office, "UANA", Profile(skills={"network_vpn": 0.0, "account_password": 1.0}))
    save(office, "UBEN", Profile(skills={"network_vpn": 0.7, "account_password": 0.0}))
    for user, category in (("URILEY", "network_vpn"), ("USAM", "account_password")):
        request_id = office.write(user=user, decision=shows(category)).request.id
        office.ask_person(request_id, user=user)
    by_request = {offer.request.requester_id: offer.agent_id for offer in office.match().offers}
    assert by_request == {"URILEY": "UBEN", "USAM": "UANA"}
    office.waiting(user="UKIM")
    assert len(office.match().offers) == 1


def test_the_languages_are_those_that_are_told_apart() -> None:
    """Each language that a message can be found to be in can be chosen, and no other."""
    assert set(agent_profile.LANGUAGES) == set(CANDIDATES)


def test_what_agents_typed_is_in_no_event(office: Any) -> None:
    """The log tells how many sites they look after; their names are typed freely and stand in the agent's row alone."""
    save(office, "UANA", check(Entered(sites="at Dana's, ring 555 0199")))
    (event,) = [event for event in office.rows(Event) if event.kind == "agent_profile"]
    assert event.data["sites"] == 2
    assert read(office, "UANA").sites == ("at dana's", "ring 555 0199")


def test_what_an_agent_typed_goes_with_them(office: Any) -> None:
    """Out of decisions too, and of the events of an earlier version, which held the names; others' stay."""
    for user in ("UANA", "UBEN"):
        save(office, user, Profile(sites=("ring 555 0199",)))
        said = {"actor_id": user, "kind": "agent_profile", "data": {"sites": ["ring 555 0199"]}}
        with office.db.writing() as session:
            session.add(Event(team_id="T0ONE", at=office.clock(), **said))
    office.waiting(user="URILEY")
    office.match()
    who = {"team_id": "T0ONE", "user_id": "UANA", "actor_id": None, "row_id": None}
    office.in_one(erase_person, **who)
    office.in_one(erase_person, **who | {"user_id": "UBEN"})
    assert [event.data["sites"] for event in office.rows(Event) if event.kind == "agent_profile"] == [1] * 4
    (decision,) = office.rows(RoutingDecision)
    assert "555" not in str(decision.record)
    assert replay(decision.record).assignments
