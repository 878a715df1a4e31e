"""Nobody waits for more than five seconds beside an agent who could be asked, whatever dies, sleeps or goes away."""

from collections.abc import Callable

import pytest

from bot.settings import Settings
from tests.reliability.apparatus.support_day import SupportDay
from tests.reliability.apparatus.support_people import ADMIN, AGENTS
from tests.sizes import at_full_size

HOURS = 24.0 if at_full_size() else 0.25
SEED = 20260302
OpenDay = Callable[..., SupportDay]


@pytest.fixture
def open_day(sqlite_url: str, make_settings: Callable[..., Settings]) -> OpenDay:
    """Begin a day; every argument is a setting."""

    def begin(**given: object) -> SupportDay:
        who = {"firstline_agents": tuple(AGENTS), "firstline_admins": (ADMIN,), "firstline_agent_capacity": 2}
        return SupportDay(sqlite_url, make_settings(**(who | given)), SEED)

    return begin


def test_nobody_is_stuck(open_day: OpenDay) -> None:
    """Through declined and unanswered offers, dead matchings, lost cards, dead replicas and paused clocks: 0 stuck."""
    day = open_day()
    day.run(HOURS)
    seen = day.observer
    held = sum(length.total_seconds() for length in seen.held.values())
    told = (
        f"seed {SEED}, {HOURS:g} h, {seen.looks} looks: longest beside somebody free {seen.longest}, "
        f"{len(seen.held)} held for {held:.0f} s in all, at most {seen.most_waiting} waiting at once; {dict(day.happened)}"
    )
    print(told)
    assert not seen.stuck, f"{told}: {len(seen.stuck)} stuck, {[*seen.stuck.values()][:5]}"
    assert day.happened["requests"] >= 3, told
    assert seen.most_waiting, told


def test_a_slow_tick_is_noticed(open_day: OpenDay) -> None:
    """The observer is no formality: with a matcher that looks only once a minute it finds somebody stuck."""
    day = open_day(firstline_match_tick_s=60)
    day.run(0.25)
    assert day.observer.stuck
