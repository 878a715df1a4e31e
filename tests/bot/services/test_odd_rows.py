"""Rows of agents that cannot be read: their agent is offered nothing and can mend it, everybody else is matched."""

from typing import Any

import pytest
from sqlalchemy import text, update

from bot.services import agent_profile, agents, pulling, sites, why
from bot.services.agent_profile import Profile
from bot.services.deciding import Decider
from bot.services.home import read_home
from bot.services.stuck import WhyNobody
from bot.services.why import Question
from bot.services.working_hours import parse_hours
from bot.storage.tables import Agent

BROKEN_HOURS: tuple[Any, ...] = (
    {"zone": "Mars/Base", "windows": [[0, 540, 1020]]},  # no such zone
    {"zone": "UTC", "windows": [[0, 540, 1020], [0, 600, 660]]},  # two that overlap
    {"zone": "UTC", "windows": [[0, 1020, 540]]},  # ends before it starts
    {"zone": "UTC", "windows": [[0, 540]]},
    {"windows": 5},
    ["Mon-Fri"],
    "Mon-Fri 9-17",
)


BROKEN_NUMBERS: tuple[dict[str, Any], ...] = (
    {"capacity": -1},
    {"skills": {"hardware": 3}},
    {"skills": ["hardware"]},
    {"skills": {"hardware": "good"}},
    {"languages": 5},
    {"languages": "en,de"},
    {"languages": [1, 2]},
    {"sites": "berlin"},
    {"sites": [["a"]]},
    {"sites": 5},
)


def who(office: Any, user: str) -> dict[str, Any]:
    """Arguments of a service that ``user`` asks for."""
    return {"team_id": "T0ONE", "user_id": user, "settings": office.settings}


def break_hours(office: Any, user: str, stored: Any) -> None:
    """Somebody has written to the table by hand."""
    break_row(office, user, hours=stored)


def break_row(office: Any, user: str, **stored: Any) -> None:
    """The same of any column."""
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    with office.db.writing() as session:
        session.execute(update(Agent).where(Agent.user_id == user).values(**stored))


def read(office: Any, user: str) -> Profile:
    """What the form would show ``user``."""
    with office.db.reading() as session:
        return agent_profile.read_profile(session, **who(office, user))


def desk_of(office: Any, user: str) -> Any:
    """Their corner of App Home."""
    return office.in_one(read_home, decider=Decider(None, "no folder"), **who(office, user)).desk


@pytest.mark.parametrize("stored", BROKEN_HOURS)
def test_hours_that_cannot_be_read_are_nobody_elses_trouble(office: Any, stored: Any) -> None:
    """Their agent is offered nothing, which is told, and everybody else is matched as before."""
    break_hours(office, "UANA", stored)
    for user in ("URILEY", "USAM"):
        office.waiting(user=user)
    run = office.match()
    assert [offer.agent_id for offer in run.offers] == ["UBEN", "UBEN"]
    assert run.unreadable == ("UANA",)


@pytest.mark.parametrize("stored", BROKEN_NUMBERS)
def test_numbers_that_cannot_be_read_are_nobody_elses_trouble(office: Any, stored: dict[str, Any]) -> None:
    """As with hours; the form opens without them and keeps the rest, and what is saved counts at once."""
    break_row(office, "UANA", **{"capacity": 2, "sites": ["Ghent"]} | stored)
    for user in ("URILEY", "USAM"):
        office.waiting(user=user)
    run = office.match()
    assert [offer.agent_id for offer in run.offers] == ["UBEN", "UBEN"]
    assert run.unreadable == ("UANA",)
    (column,) = stored
    seen = read(office, "UANA")
    assert seen.lost == {column}
    assert (seen.capacity, seen.sites) == (
        None if column == "capacity" else 2,
        () if column == "sites" else ("Ghent",),
    )
    with office.db.reading() as session:
        assert sites.read_site(session, **who(office, "USAM")).looked_after == ()
    office.in_one(agent_profile.save_profile, profile=Profile(capacity=2), **who(office, "UANA"))
    office.waiting(user="UKIM")
    run = office.match()
    assert ([offer.agent_id for offer in run.offers], run.unreadable) == (["UANA"], ())


def test_hours_that_are_no_json_at_all(office: Any) -> None:
    """SQLite keeps what any shell writes (PostgreSQL takes nothing but JSON): one more thing that cannot be read."""
    written = "Mon-Fri 9-17" if office.db.engine.dialect.name == "sqlite" else '"Mon-Fri 9-17"'
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    with office.db.writing() as session:
        session.execute(text("UPDATE agents SET hours = :hours WHERE user_id = 'UANA'"), {"hours": written})
    office.waiting()
    assert [offer.agent_id for offer in office.match().offers] == ["UBEN"]


def test_with_nobody_elses_hours_to_go_by_the_fallback_is_told(open_office: Any) -> None:
    """The only agent's hours cannot be read: nobody is at work, and that is told; /firstline next still works."""
    office = open_office(firstline_agents=("UANA",))
    break_hours(office, "UANA", BROKEN_HOURS[0])
    office.waiting()
    run = office.match()
    assert (run.offers, [stuck.why for stuck in run.stuck]) == ((), [WhyNobody.EVERYBODY_AWAY])
    pulled = office.in_one(pulling.pull, team_id="T0ONE", user_id="UANA", settings=office.settings)
    assert pulled.answered is not None


def test_the_form_mends_them(office: Any) -> None:
    """It opens without hours and says that they are lost; what is saved counts at once, and App Home agrees."""
    break_hours(office, "UANA", BROKEN_HOURS[0])
    assert read(office, "UANA") == Profile(lost=frozenset({"hours"}))
    assert not desk_of(office, "UANA").is_readable
    assert not office.in_one(agents.set_presence, is_on=True, **who(office, "UANA")).is_in_hours
    mended = Profile(hours=parse_hours("Mon 9-17", "UTC"))
    office.in_one(agent_profile.save_profile, profile=mended, **who(office, "UANA"))
    assert read(office, "UANA") == mended
    assert desk_of(office, "UANA").is_readable
    for user in ("URILEY", "USAM"):
        office.waiting(user=user)
    run = office.match()
    assert {offer.agent_id for offer in run.offers} == {"UANA", "UBEN"}
    assert run.unreadable == ()


def test_an_administrators_home_counts_them_as_not_at_work(office: Any) -> None:
    """It opens all the same."""
    break_hours(office, "UANA", BROKEN_HOURS[0])
    decider = Decider(None, "no folder")
    home = office.in_one(read_home, decider=decider, **who(office, "UBOSS"))
    assert (home.overview.agents_on, home.overview.agents) == (1, 2)


def test_why_not_them_is_explained_all_the_same(office: Any) -> None:
    """The decision that passed them over is kept, and reads as one that found them outside of their hours."""
    break_hours(office, "UANA", BROKEN_HOURS[0])
    office.waiting()
    office.match()
    question = Question(person="UANA")
    with office.db.reading() as session:
        (told,) = why.explain(session, question=question, **who(office, "UBOSS")).offers
    assert told.not_them is not None
    assert "outside of their hours" in told.not_them.detail
