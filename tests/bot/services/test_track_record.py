"""What past work says about the next."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.services.track_record import (
    LEAST_MINUTES,
    MOST_MINUTES,
    Handled,
    LearnParams,
    TrackRecord,
    busy_share,
    learn,
    shrunk_mean,
)
from bot.storage.tables import Satisfaction
from routing import InvalidParams

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOURS = timedelta(hours=1)


def handled(
    agent: str, number: int, minutes: float, category: str | None = "vpn", bad: bool = False
) -> Handled:
    """The ``number``th request of the desk."""
    accepted_at = START + number * HOURS
    return Handled(agent, number, category, accepted_at, accepted_at + timedelta(minutes=minutes), bad)


CASES = st.lists(
    st.builds(
        handled,
        st.sampled_from(["UANA", "UBEN", "UKIM"]),
        st.integers(0, 50),
        st.floats(0, 10_000),
        st.sampled_from(["vpn", "mail", None]),
        st.booleans(),
    ),
    max_size=30,
)


@given(CASES)
def test_what_is_learned_stays_within_what_can_be(cases: list[Handled]) -> None:
    """Times lie between the bounds, accuracy strictly between 0 and 1, whatever happened."""
    learned = learn(cases)
    for agent in learned.agents.values():
        assert 0.0 < agent.accuracy < 1.0
        assert LEAST_MINUTES / MOST_MINUTES <= agent.pace <= MOST_MINUTES / LEAST_MINUTES
    for minutes in learned.minutes.values():
        assert LEAST_MINUTES * 0.999 <= minutes <= MOST_MINUTES * 1.001


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(cases: list[Handled], random: object) -> None:
    """The database may return them in any order."""
    distinct = list({(case.request_id, case.agent_id): case for case in cases}.values())
    shuffled = list(distinct)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert learn(shuffled) == learn(distinct)


@given(st.lists(st.floats(-10, 10), max_size=40), st.floats(-10, 10))
def test_a_shrunk_mean_lies_between(values: list[float], towards: float) -> None:
    """It never leaves the span of the values and what it is drawn to."""
    mean = shrunk_mean(values, towards)
    assert min([*values, towards]) - 1e-9 <= mean <= max([*values, towards]) + 1e-9


@given(st.integers(1, 60), st.floats(-5, 5), st.floats(-5, 5))
def test_more_cases_are_drawn_less(count: int, value: float, towards: float) -> None:
    """The more cases say the same, the nearer to it."""
    few, more = shrunk_mean([value] * count, towards), shrunk_mean([value] * (count + 1), towards)
    assert abs(more - value) <= abs(few - value) + 1e-12


def test_the_newest_count_most() -> None:
    """Somebody who has become quicker is known to be."""
    slow_then_quick = [handled("UANA", n, 60 if n < 10 else 10) for n in range(20)]
    quick_then_slow = [handled("UANA", n, 10 if n < 10 else 60) for n in range(20)]
    assert learn(slow_then_quick).minutes["vpn"] < learn(quick_then_slow).minutes["vpn"]


def test_few_cases_are_shrunk_to_the_mean_of_all() -> None:
    """One case of a new category hardly moves it from what the desk takes in general; many do."""
    desk = [handled("UANA", n, 20, "mail") for n in range(40)]
    one = learn([*desk, handled("UANA", 41, 200)]).minutes["vpn"]
    many = learn([*desk, *(handled("UANA", 41 + n, 200) for n in range(40))]).minutes["vpn"]
    assert 20 < one < 60 < many < 200


def test_the_quick_have_a_pace_below_one() -> None:
    """Pace compares with the desk in the same categories, so nobody is slow for having the long ones."""
    cases = [handled("UANA", 2 * n, 10, "mail") for n in range(20)]
    cases += [handled("UBEN", 2 * n + 1, 100, "network") for n in range(20)]
    alike = learn(cases)
    assert alike.agents["UANA"].pace == pytest.approx(1.0, abs=0.5)
    assert alike.agents["UBEN"].pace == pytest.approx(1.0, abs=0.5)
    cases += [handled("UKIM", 100 + n, 50, "network") for n in range(20)]
    assert learn(cases).agents["UKIM"].pace < 1.0 < learn(cases).agents["UBEN"].pace


def test_work_that_did_not_hold_lowers_accuracy() -> None:
    """Each reopened request lowers the posterior; somebody without history has the desk's."""
    cases = [handled("UANA", n, 10) for n in range(20)]
    cases += [handled("UBEN", 20 + n, 10, bad=n % 2 == 0) for n in range(20)]
    learned = learn(cases)
    newcomer = learned.of("UNEW")
    assert newcomer is not None
    assert newcomer.pace == 1.0
    assert learned.agents["UBEN"].accuracy < newcomer.accuracy < learned.agents["UANA"].accuracy


def test_the_posterior_is_betas() -> None:
    """With a prior of .9 worth 10 cases, 8 good ones of 10 leave (9 + 8) / 20 for the desk."""
    learned = learn([handled("UANA", n, 10, bad=n < 2) for n in range(10)])
    assert learned.newcomer is not None
    assert learned.newcomer.accuracy == pytest.approx(0.85)
    assert learned.agents["UANA"].accuracy == pytest.approx((8 + 8.5) / 20)


def test_answers_count_beside_what_came_back() -> None:
    """Good is one success more, bad one failure more, so so and silence neither; whether it came back counts all the same."""
    good, so_so, bad = Satisfaction
    kinds = [(False, None), (False, good), (False, so_so), (False, bad), (True, bad), (True, good)]
    cases = [
        replace(handled("UANA", n, 10, bad=back), satisfaction=said) for n, (back, said) in enumerate(kinds)
    ]
    learned = learn(cases)
    assert learned.newcomer is not None
    assert learned.newcomer.accuracy == pytest.approx((9 + 4 + 2) / (10 + 6 + 4))


def test_who_is_seldom_answered_is_judged_by_what_came_back() -> None:
    """With as large a share of good answers as of work that held, an agent is worth what one without answers is."""
    rated = [Satisfaction.GOOD] * 9 + [Satisfaction.BAD]
    cases = [handled("UANA", n, 10, bad=n == 9) for n in range(10)]
    cases += [
        replace(handled("UBEN", 10 + n, 10, bad=n == 9), satisfaction=said) for n, said in enumerate(rated)
    ]
    agents = learn(cases).agents
    assert agents["UANA"].accuracy == pytest.approx(agents["UBEN"].accuracy) == pytest.approx(0.9)


def test_nothing_is_learned_from_nothing() -> None:
    """A new desk knows nothing, and says so."""
    assert learn([]) == TrackRecord()
    assert TrackRecord().of("UANA") is None
    assert TrackRecord().expected_minutes("vpn") is None


def test_an_unknown_category_takes_as_long_as_all() -> None:
    """What was never seen is expected to take what requests take in general."""
    learned = learn([handled("UANA", n, 20) for n in range(10)])
    assert learned.expected_minutes("new") == learned.overall_minutes
    assert learned.overall_minutes == pytest.approx(math.exp(shrunk_mean([math.log(20)] * 10, math.log(30))))


def test_overlapping_work_is_counted_once() -> None:
    """Two requests at the same time make nobody twice as busy; what was before the window does not count."""
    now = START + 8 * HOURS
    both = [(START + HOURS, START + 3 * HOURS), (START + 2 * HOURS, START + 4 * HOURS)]
    assert busy_share(both, now, 8 * HOURS) == pytest.approx(3 / 8)
    assert busy_share([(START - 9 * HOURS, START - HOURS)], now, 8 * HOURS) == 0.0
    assert busy_share([(START - HOURS, now + HOURS)], now, 8 * HOURS) == 1.0
    assert busy_share([], now, 8 * HOURS) == 0.0


@pytest.mark.parametrize(
    "wrong", [{"newest": 0.0}, {"newest": 1.1}, {"shrink_cases": 0.0}, {"accuracy_prior": 1.0}]
)
def test_nonsense_is_refused(wrong: dict[str, float]) -> None:
    """Params that make no sense are refused when they are built."""
    with pytest.raises(InvalidParams):
        LearnParams(**wrong)
