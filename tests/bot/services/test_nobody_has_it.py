"""What a request asks for and nobody has, or nobody who is free: it is offered all the same, now or by and by, or told of."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.services import agent_profile, sites
from bot.services.agent_profile import Profile
from bot.services.stuck import WhyNobody

VPN = Profile(capacity=1, skills={"network_vpn": 1.0}, sites=("utrecht",))
PASSWORDS = Profile(capacity=5, skills={"account_password": 1.0}, sites=("lyon",))


def save(office: Any, user: str, profile: Profile) -> None:
    """``user`` sends the form."""
    arguments = {"team_id": "T0ONE", "user_id": user, "settings": office.settings}
    office.in_one(agent_profile.save_profile, profile=profile, **arguments)


def say_site(office: Any, user: str, name: str) -> None:
    """``user`` types ``/firstline site name``."""
    office.in_one(sites.set_site, team_id="T0ONE", user_id=user, name=name, settings=office.settings)


def offered_to(office: Any) -> list[str]:
    """Whom the next run asks."""
    return [offer.agent_id for offer in office.match().offers]


@pytest.fixture
def apart(office: Any) -> Any:
    """Ana does VPN for Utrecht, one at a time; Ben does passwords for Lyon."""
    save(office, "UANA", VPN)
    save(office, "UBEN", PASSWORDS)
    return office


def test_a_site_and_a_category_that_no_agent_has(office: Any, abstains: Callable[..., Any]) -> None:
    """A typo in a site, a category nobody takes: the request is offered at once to whoever is free."""
    for user in ("UANA", "UBEN"):
        save(office, user, PASSWORDS)
    say_site(office, "URILEY", "Atlantis")
    office.waiting(decision=abstains())  # its best guess is network_vpn
    (offer,) = office.match().offers
    assert offer.agent_id in {"UANA", "UBEN"}
    assert office.match().stuck == ()


def test_a_site_whose_only_agent_is_full(apart: Any) -> None:
    """It waits for them half a minute, then others are asked."""
    say_site(apart, "URILEY", "Utrecht")
    apart.waiting()
    assert offered_to(apart) == ["UANA"]
    apart.waiting(user="URILEY")
    assert offered_to(apart) == []
    apart.clock.forward(30)
    assert offered_to(apart) == ["UBEN"]


def test_a_category_whose_only_agent_is_full(apart: Any, abstains: Callable[..., Any]) -> None:
    """The fallback is told at once and once; after three quarters of the time somebody without the skill is asked."""
    apart.in_progress(user="USAM", decision=abstains())
    request_id = apart.waiting(decision=abstains())
    run = apart.match()
    assert (run.offers, [(each.request.id, each.why) for each in run.stuck]) == (
        (),
        [(request_id, WhyNobody.NOBODY_FITS)],
    )
    apart.clock.forward(3 * 3600 - 1)
    assert offered_to(apart) == []
    apart.clock.forward(1)
    assert offered_to(apart) == ["UBEN"]
