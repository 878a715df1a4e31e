"""App Home shows each person what is theirs."""

from typing import Any

import pytest

from bot.services import assignments
from bot.services.deciding import Decider
from bot.services.home import SHOWN, Home, read_home


@pytest.fixture
def home_of(office: Any) -> Any:
    """A person's App Home, now."""

    def read(user: str, team: str = "T0ONE") -> Home:
        return office.in_one(  # type: ignore[no-any-return]
            read_home,
            team_id=team,
            user_id=user,
            settings=office.settings,
            decider=Decider(None, "no folder"),
        )

    return read


def test_a_requester_sees_their_own_requests(office: Any, home_of: Any) -> None:
    """Open ones first, then the newest, at most ten; nobody else's; neither desk nor overview."""
    closed = office.write().request.id
    office.close(closed)
    for _ in range(SHOWN):
        office.write()
    office.write(user="UOTHER")
    home = home_of("URILEY")
    assert (home.desk, home.overview) == (None, None)
    assert len(home.mine) == SHOWN
    assert {request.requester_id for request in home.mine} == {"URILEY"}
    assert closed not in {request.id for request in home.mine}
    assert home_of("URILEY", "T0TWO").mine == ()


def test_an_agent_sees_their_desk(office: Any, home_of: Any) -> None:
    """What is offered to them or in their hands, their load, and how many wait."""
    office.waiting(user="U1")
    (offer,) = office.match().offers
    office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    office.waiting(user="U2")
    desk = home_of(offer.agent_id).desk
    assert (desk.is_on, desk.load, desk.capacity, desk.waiting) == (True, 1, 5, 1)
    assert [o.request.state for o in desk.in_hand] == ["in_progress"]
    other = "UBEN" if offer.agent_id == "UANA" else "UANA"
    assert home_of(other).desk.in_hand == ()


def test_an_administrator_sees_the_health(office: Any, home_of: Any) -> None:
    """How many agents are on, how many wait, the week's numbers, the model, and what was given up."""
    office.waiting()
    overview = home_of("UBOSS").overview
    assert (overview.agents_on, overview.agents, overview.waiting) == (2, 2, 1)
    assert overview.stats.total.opened == 1
    assert (overview.model_id, overview.model_fault) == (None, "no folder")
    assert (overview.dead_inbox, overview.dead_outbox) == (0, 0)
