"""Who takes requests: the people in the settings, until they say otherwise."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.errors import NotAllowed
from bot.services import agents
from bot.storage.tables import Agent, Event
from bot.storage.work import MATCHING_DUE


def rows(office: Any) -> dict[str, tuple[bool, bool, int | None]]:
    """Agent -> (on, active, capacity)."""
    with office.db.reading() as session:
        return {a.user_id: (a.is_on, a.is_active, a.capacity) for a in session.scalars(select(Agent))}


def test_named_agents_exist_and_are_on(open_office: Callable[..., Any]) -> None:
    """Agents named in the settings exist, are on, and have the capacity of the settings; naming one twice is harmless."""
    office = open_office(firstline_agents=("UANA", "UBEN", "UANA"), firstline_agent_capacity=3)
    for _ in range(2):
        office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    assert rows(office) == {"UANA": (True, True, None), "UBEN": (True, True, None)}


def test_presence_outlives_a_restart(open_office: Callable[..., Any]) -> None:
    """Who went away stays away when the bot starts again; who is no longer named is offered nothing; who returns is back."""
    office = open_office()
    office.in_one(agents.set_presence, team_id="T0ONE", user_id="UANA", is_on=False, settings=office.settings)
    fewer = open_office(firstline_agents=("UANA",))
    fewer.in_one(agents.seed, team_id="T0ONE", settings=fewer.settings)
    assert rows(office) == {"UANA": (False, True, None), "UBEN": (True, False, None)}
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    assert rows(office)["UBEN"] == (True, True, None)


def test_each_word_about_presence_is_recorded(office: Any) -> None:
    """Saying the same twice changes nothing and is told so; it is recorded, as whoever says it is there."""
    arguments = {"team_id": "T0ONE", "user_id": "UANA", "settings": office.settings}
    changed = [
        office.in_one(agents.set_presence, is_on=on, **arguments).changed for on in (True, False, False, True)
    ]
    assert changed == [False, True, False, True]
    assert [event.data for event in office.rows(Event)] == [{"on": on} for on in (True, False, False, True)]


def test_others_have_no_presence(open_office: Callable[..., Any]) -> None:
    """People who are no agents, or no longer, cannot go on."""
    office = open_office()
    office.in_one(agents.seed, team_id="T0ONE", settings=office.settings)
    fewer = open_office(firstline_agents=("UANA",))
    for user in ("URILEY", "UBOSS", "UBEN"):
        with pytest.raises(NotAllowed, match="Only agents"):
            fewer.in_one(
                agents.set_presence, team_id="T0ONE", user_id=user, is_on=True, settings=fewer.settings
            )


def test_coming_on_wakes_the_matcher(office: Any) -> None:
    """An agent who comes on is offered what waits without waiting for the next tick."""
    for is_on in (False, True):
        with office.db.writing() as session:
            agents.set_presence(
                session,
                office.clock(),
                team_id="T0ONE",
                user_id="UANA",
                is_on=is_on,
                settings=office.settings,
            )
            assert session.info.get(MATCHING_DUE, False) is is_on


MONDAY_ONLY = {"zone": "UTC", "windows": [[0, 0, 1440]]}
TUESDAY_ONLY = {"zone": "UTC", "windows": [[1, 0, 1440]]}


@pytest.mark.parametrize(
    ("row", "has_room"),
    [
        ({"capacity": None}, True),
        ({"is_on": False}, False),
        ({"capacity": 1}, False),  # it is taken
        ({"capacity": 2}, True),
        ({"capacity": -1}, False),
        ({"hours": MONDAY_ONLY}, True),
        ({"hours": TUESDAY_ONLY}, False),
        ({"hours": "always"}, False),
    ],
)
def test_who_has_room_is_who_would_be_offered_work(
    open_office: Callable[..., Any], row: dict[str, Any], has_room: bool
) -> None:
    """The short look says what a matching would."""
    office = open_office(firstline_agents=("UANA",))
    assert office.clock().weekday() == 0
    office.in_progress()
    with office.db.writing() as session:
        session.execute(update(Agent).values(**row))
    assert office.in_one(agents.has_room, team_id="T0ONE", settings=office.settings) is has_room
    office.waiting(user="USAM")
    assert bool(office.match().offers) is has_room
