"""Where requesters sit, and what the matcher makes of it."""

from typing import Any

import pytest

from bot.errors import NotAllowed
from bot.services import agent_profile, sites
from bot.services.agent_profile import Profile
from bot.services.sites import Site
from bot.storage.tables import RoutingDecision


def say(office: Any, user: str, name: str) -> Site:
    """``user`` types ``/firstline site name``."""
    arguments = {"team_id": "T0ONE", "user_id": user, "name": name, "settings": office.settings}
    return office.in_one(sites.set_site, **arguments)  # type: ignore[no-any-return]


def look_after(office: Any, agent: str, *names: str) -> None:
    """``agent`` sends their form."""
    arguments = {"team_id": "T0ONE", "user_id": agent, "settings": office.settings}
    office.in_one(agent_profile.save_profile, profile=Profile(sites=names), **arguments)


def test_a_site_is_kept_changed_and_forgotten(office: Any) -> None:
    """What was said last counts, without case and spaces; others have none."""
    look_after(office, "UANA", "utrecht", "new york")
    assert say(office, "URILEY", " New  YORK ") == Site("new york", ("new york", "utrecht"))
    assert say(office, "URILEY", "Utrecht").name == "utrecht"
    with office.db.reading() as session:
        assert sites.read_sites(session, "T0ONE", ["URILEY", "USAM"]) == {"URILEY": "utrecht"}
        assert sites.read_sites(session, "T0TWO", ["URILEY"]) == {}
    assert say(office, "URILEY", "none").name is None
    with pytest.raises(NotAllowed, match="at most 40"):
        say(office, "URILEY", "x" * 41)


@pytest.mark.parametrize("home", ["UANA", "UBEN"])
def test_agents_of_the_site_are_asked_first(office: Any, home: str) -> None:
    """A request goes to the agent who looks after its requester's site, whoever that is; the log says which site."""
    for agent in ("UANA", "UBEN"):
        look_after(office, agent, "utrecht" if agent == home else "lyon")
    say(office, "URILEY", "Utrecht")
    office.waiting(user="URILEY")
    (offer,) = office.match().offers
    assert offer.agent_id == home
    assert office.rows(RoutingDecision)[0].record["tasks"][0]["market"] == "utrecht"


def test_a_site_bars_nobody_for_long(office: Any) -> None:
    """When nobody looks after it everybody can be asked at once."""
    for agent in ("UANA", "UBEN"):
        look_after(office, agent, "lyon")
    say(office, "URILEY", "Utrecht")
    office.waiting(user="URILEY")
    assert len(office.match().offers) == 1
