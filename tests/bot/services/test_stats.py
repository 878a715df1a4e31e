"""The numbers: each kind of ending counted once, on both databases, in a few statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace
from typing import Any

import pytest
from sqlalchemy import event

from bot.services import assignments
from bot.services.deciding import NoDecision
from bot.services.periods import Period
from bot.services.stats import Counts, Stats, gather
from classifier import AbstainReason, Decision


@pytest.fixture
def numbers(office: Any) -> Any:
    """The statistics of a period, now."""

    def read(period: Period = Period.ALL, team: str = "T0ONE") -> Stats:
        with office.db.reading() as session:
            return gather(session, office.clock(), team, period, office.settings)

    return read


@contextmanager
def counted_statements(engine: Any) -> Iterator[list[str]]:
    """Collects the queries executed meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_nothing_yet(numbers: Any) -> None:
    """An empty period has zeros and no medians."""
    stats = numbers()
    assert stats.total == Counts()
    assert (stats.median_answer_s, stats.median_accept_s, stats.median_resolve_s) == (None, None, None)


def test_every_ending_is_counted_once(office: Any, numbers: Any) -> None:
    """Ten requests that ended in every way there is: the last five numbers add up to all of them."""
    office.write("hello")  # a greeting that nobody followed up
    office.write(user="U0")  # suggested, no click: open, not engaged
    office.close(office.write(user="U1").request.id, user="U1")  # pending
    undone = office.write(user="U2").request.id
    office.close(undone, user="U2")
    office.undo(undone, user="U2")  # escalated by Undo
    office.ask_person(office.write(user="U3").request.id, user="U3")
    office.withdraw(office.waiting(user="U4"), user="U4")
    _, assignment_id, agent = office.in_progress(user="U5")
    office.resolve(assignment_id, agent)
    stats = numbers()
    assert stats.total == Counts(
        opened=6,
        suggested=4,
        engaged=3,
        escalated=2,
        abstained=2,
        reopened=1,
        deflected=0,
        pending=1,
        resolved=1,
        withdrawn=1,
        still_open=3,
    )
    assert stats.total.opened == sum(astuple(stats.total)[-5:])
    assert dict(stats.by_category)["network_vpn"].opened == 4
    assert dict(stats.by_category)[None].opened == 2


def test_deflected_only_after_the_window(office: Any, numbers: Any) -> None:
    """A close counts as deflected once the window has passed without a reopening, before and after the job has run."""
    from bot.services.reopening import close_for_good

    kept, reopened = office.write().request.id, office.write().request.id
    for request_id in (kept, reopened):
        office.close(request_id)
    office.clock.forward(3 * 86400)
    office.undo(reopened)
    assert (numbers().total.pending, numbers().total.deflected) == (1, 0)
    office.clock.forward(86401)
    assert (numbers().total.pending, numbers().total.deflected) == (0, 1)
    assert len(office.in_one(close_for_good, settings=office.settings)) == 1
    assert office.request(kept).state == "closed"
    assert (numbers().total.pending, numbers().total.deflected) == (0, 1)


def test_resolved_stays_resolved_when_closed(office: Any, numbers: Any) -> None:
    """A resolved request that is closed for good still counts as resolved by a person, never as deflected."""
    from bot.services.reopening import close_for_good

    _, assignment_id, agent = office.in_progress()
    office.resolve(assignment_id, agent)
    office.clock.forward(5 * 86400)
    assert len(office.in_one(close_for_good, settings=office.settings)) == 1
    assert (numbers().total.resolved, numbers().total.deflected) == (1, 0)


@pytest.mark.parametrize(("waits", "expected"), [((10,), 10), ((10, 40), 25), ((40, 10, 90), 40)])
def test_medians(office: Any, numbers: Any, waits: tuple[int, ...], expected: float) -> None:
    """The median of an odd number is the middle one, of an even number the mean of the two in the middle."""
    for number, wait in enumerate(waits):
        office.waiting(user=f"U{number}")
        (offer,) = office.match().offers
        office.clock.forward(wait)
        office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
        office.clock.forward(wait)
        office.resolve(offer.assignment_id, offer.agent_id)
    stats = numbers()
    assert stats.median_accept_s == pytest.approx(expected, abs=0.001)
    assert stats.median_resolve_s == pytest.approx(2 * expected, abs=0.001)
    assert stats.median_answer_s == pytest.approx(0, abs=0.001)


def test_the_first_answer_is_measured_from_sending(office: Any, numbers: Any) -> None:
    """The first answer's time counts from when the person sent the message, also when it arrived late."""
    ts = office.new_ts()
    office.clock.forward(42)
    office.write(ts=ts)
    assert numbers().median_answer_s == pytest.approx(42, abs=0.01)


def test_periods(office: Any, numbers: Any) -> None:
    """A period counts what was opened in it."""
    office.write()
    office.clock.forward(8 * 86400)
    office.write()
    assert [numbers(period).total.opened for period in Period] == [1, 2, 2]
    office.clock.forward(23 * 86400)
    assert [numbers(period).total.opened for period in Period] == [0, 1, 2]


def test_reasons_for_no_suggestion_are_counted(
    office: Any, numbers: Any, abstains: Callable[..., Decision]
) -> None:
    """Who got no suggestion is counted by reason, and by language where the model does not read theirs."""
    german = replace(abstains(AbstainReason.UNSUPPORTED_LANGUAGE), language="de")
    for number, decision in enumerate((german, german, abstains(AbstainReason.UNSURE), NoDecision("none"))):
        office.write(user=f"U{number}", decision=decision)
    office.write(user="U9")
    stats = numbers()
    assert dict(stats.no_suggestion) == {"unsupported_language": 2, "no_decision": 1, "unsure": 1}
    assert stats.unread_languages == (("de", 2),)
    assert sum(dict(stats.no_suggestion).values()) == stats.total.abstained


def test_another_workspace_is_not_counted(office: Any, numbers: Any) -> None:
    """Numbers are of one workspace."""
    office.write(team="T0TWO", decision=NoDecision("none"))
    assert numbers().total.opened == 0
    assert numbers(team="T0TWO").total.abstained == 1


def test_a_few_statements_whatever_the_size(office: Any, numbers: Any) -> None:
    """The numbers take six statements at most, with one category or many."""
    for number in range(5):
        office.waiting(user=f"U{number}")
        office.write(user=f"V{number}")
    with counted_statements(office.db.engine) as statements:
        numbers()
    assert len(statements) <= 6
