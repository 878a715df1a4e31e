"""What the matcher is told of past and present work, read from the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from bot.services import assignments
from bot.services.pool import Pool, read_pool, read_staff
from bot.storage.tables import RoutingDecision
from routing import Agent


def read(office: Any, team: str = "T0ONE") -> tuple[Pool, dict[str, Agent]]:
    """The pool as it is now, and the agents by id."""
    with office.db.reading() as session:
        pool = read_pool(session, office.clock(), team)
        staff = read_staff(session, office.clock(), team, pool, office.settings)
    return pool, {agent.id: agent for agent in staff}


def work(office: Any, user: str, agent: str, minutes: float) -> int:
    """``agent`` takes a request of ``user``'s and resolves it after ``minutes``."""
    request_id = office.waiting(user=user)
    taken = office.in_one(
        assignments.take, team_id="T0ONE", user_id=agent, request_id=request_id, settings=office.settings
    )
    office.clock.forward(minutes * 60)
    office.resolve(taken.offer.assignment_id, agent)
    return int(request_id)


def reopen(office: Any, request_id: int) -> None:
    """The requester writes in the thread of what was resolved."""
    request = office.request(request_id)
    office.write("still broken", user=request.requester_id, thread_ts=request.thread_ts)


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collects what is asked of the database."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_new_desk_knows_nothing(office: Any) -> None:
    """Everybody has the prior's score, nobody is busy, nothing has an expected length."""
    pool, staff = read(office)
    assert pool == Pool()
    assert {agent.score for agent in staff.values()} == {0.5}


def test_past_work_is_read_with_two_statements(office: Any) -> None:
    """However many agents and requests there are; what is in hand takes one more."""
    for number in range(6):
        request_id = work(office, f"UASK{number}", ("UANA", "UBEN")[number % 2], 10)
    reopen(office, request_id)
    with statements(office.db.engine) as seen, office.db.reading() as session:
        read_pool(session, office.clock(), "T0ONE")
    assert len([statement for statement in seen if statement.startswith("SELECT")]) == 3


def test_reopened_work_costs_its_agent(office: Any) -> None:
    """The one whose work came back has the lower score; resolved again by another, only the first is blamed."""
    came_back = work(office, "URILEY", "UANA", 10)
    reopen(office, came_back)
    again = office.in_one(
        assignments.take, team_id="T0ONE", user_id="UBEN", request_id=came_back, settings=office.settings
    )
    office.clock.forward(600)
    office.resolve(again.offer.assignment_id, "UBEN")
    pool, staff = read(office)
    assert pool.record.agents["UANA"].accuracy < pool.record.agents["UBEN"].accuracy
    assert staff["UANA"].score < staff["UBEN"].score
    assert pool.resolved_by == {came_back: "UBEN"}


def test_only_the_last_resolution_before_a_return_is_blamed(office: Any) -> None:
    """Resolved, reopened, resolved, reopened: each return counts once, against whoever had resolved it last."""
    came_back = work(office, "URILEY", "UANA", 10)
    for agent in ("UBEN", "UBEN"):
        reopen(office, came_back)
        office.clock.forward(60)
        taken = office.in_one(
            assignments.take, team_id="T0ONE", user_id=agent, request_id=came_back, settings=office.settings
        )
        office.clock.forward(600)
        office.resolve(taken.offer.assignment_id, agent)
    pool, _ = read(office)
    desk = (9 + 1) / 13  # three resolved, two of them came back
    assert pool.record.newcomer is not None
    assert pool.record.newcomer.accuracy == pytest.approx(desk)
    assert pool.record.agents["UANA"].accuracy == pytest.approx(10 * desk / 11)
    assert pool.record.agents["UBEN"].accuracy == pytest.approx((1 + 10 * desk) / 12)


def test_present_work_is_told(office: Any) -> None:
    """What somebody has in hand tells how full and busy they are, and when they should be free."""
    for number in range(10):
        work(office, f"UASK{number}", "UANA", 20)
    request_id = office.waiting(user="USAM")
    office.in_one(
        assignments.take, team_id="T0ONE", user_id="UBEN", request_id=request_id, settings=office.settings
    )
    office.clock.forward(300)
    pool, staff = read(office)
    ben = staff["UBEN"]
    assert ben.load == 1
    assert ben.busy_share == pytest.approx(5 / 480)
    expected = pool.record.expected_minutes(None)
    assert expected is not None
    assert ben.free_at == (office.clock() - timedelta(minutes=5) + timedelta(minutes=expected),)
    assert staff["UANA"].busy_share == pytest.approx(200 / 480)
    office.clock.forward(3600)
    assert read(office)[1]["UBEN"].free_at == ()


def test_old_work_and_other_workspaces_do_not_count(office: Any) -> None:
    """Only the last four weeks of the workspace itself."""
    work(office, "URILEY", "UANA", 10)
    assert read(office, "T0TWO")[0] == Pool()
    office.clock.forward(28 * 86400)
    assert read(office)[0].record.newcomer is None


def test_a_reopened_request_prefers_who_had_it(office: Any) -> None:
    """The matcher is told who resolved it, and how long such requests take."""
    request_id = work(office, "URILEY", "UBEN", 10)
    reopen(office, request_id)
    (offer,) = office.match().offers
    assert offer.agent_id == "UBEN"
    (task,) = office.rows(RoutingDecision)[0].record["tasks"]
    assert task["previous_agent"] == "UBEN"
    assert 10 < task["handling_minutes"] < 30


def task_for(office: Any, request_id: int) -> dict[str, Any]:
    """The task that the matcher was given for a request, as the log of decisions holds it."""
    decision = office.rows(RoutingDecision)[-1]
    found: dict[str, Any] = next(task for task in decision.record["tasks"] if task["id"] == str(request_id))
    return found


def test_what_the_answer_bot_was_unsure_of_asks_for_more(office: Any, shows: Callable[..., Any]) -> None:
    """The less sure, the higher the score; where no model spoke it is in between."""
    ids = [
        office.write(user=f"U{top}", decision=shows("network_vpn", top=top)).request.id
        for top in (0.95, 0.6, 0.2)
    ]
    for request_id, top in zip(ids, (0.95, 0.6, 0.2), strict=True):
        office.ask_person(request_id, user=f"U{top}")
    ids.insert(2, office.waiting(user="UNOMODEL"))
    office.match()
    scores = [task_for(office, request_id)["score"] for request_id in ids]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4
    assert scores[2] == 0.5


def test_what_takes_long_asks_for_more(office: Any) -> None:
    """Complexity is how long such requests take, once that is known."""
    short = office.waiting()
    office.match()
    before = task_for(office, short)["score"]
    for number in range(8):
        work(office, f"UASK{number}", "UANA", 300)
    long = office.waiting(user="USAM")
    office.match()
    assert task_for(office, long)["score"] > before
