"""How the help was: asked once, answered by the requester alone, the last click wins; on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from bot.errors import NotAllowed, RefusedMove
from bot.services import assignments, satisfaction
from bot.services.periods import Period
from bot.services.pool import read_pool
from bot.services.satisfaction import LONGEST_COMMENT, Rated
from bot.services.stats import SatisfactionCounts, gather
from bot.storage.tables import Event, Satisfaction, SatisfactionQuestion

GOOD, SO_SO, BAD = Satisfaction


def resolved(office: Any, user: str = "URILEY", **more: Any) -> int:
    """A request that an agent has resolved."""
    request_id, assignment_id, agent = office.in_progress(user=user, **more)
    office.resolve(assignment_id, agent)
    return int(request_id)


def rate(
    office: Any, request_id: int, answer: Satisfaction, user: str = "URILEY", team: str = "T0ONE"
) -> Rated:
    """Press a face."""
    return office.in_one(  # type: ignore[no-any-return]
        satisfaction.rate,
        team_id=team,
        user_id=user,
        request_id=request_id,
        answer=answer,
        settings=office.settings,
    )


def comment(office: Any, request_id: int, words: str, user: str = "URILEY") -> Rated:
    """Hand the form in."""
    return office.in_one(  # type: ignore[no-any-return]
        satisfaction.comment,
        team_id="T0ONE",
        user_id=user,
        request_id=request_id,
        words=words,
        settings=office.settings,
    )


def said(office: Any, period: Period = Period.ALL) -> SatisfactionCounts:
    """What the stats tell."""
    with office.db.reading() as session:
        return gather(session, office.clock(), "T0ONE", period, office.settings).satisfaction


def take_and_resolve(office: Any, request_id: int, agent: str) -> Any:
    """``agent`` takes what waits and resolves it."""
    taken = office.in_one(
        assignments.take, team_id="T0ONE", user_id=agent, request_id=request_id, settings=office.settings
    )
    office.clock.forward(60)
    return office.resolve(taken.offer.assignment_id, agent)


def test_asked_when_an_agent_resolves(office: Any) -> None:
    """One question, noted in the log, without an answer."""
    request_id, assignment_id, agent = office.in_progress()
    assert office.resolve(assignment_id, agent).asks_satisfaction
    (question,) = office.rows(SatisfactionQuestion)
    assert (question.request_id, question.assignment_id, question.answer) == (request_id, assignment_id, None)
    assert office.events(request_id)[-2:] == ["resolved", "satisfaction_asked"]
    assert said(office) == SatisfactionCounts(asked=1)


def test_never_asked_after_a_deflection_or_a_withdrawal(office: Any) -> None:
    """Who helped themselves, or needs no help any more, is not asked; nor can they answer all the same."""
    closed = office.write().request.id
    office.close(closed)
    withdrawn, _, _ = office.in_progress(user="USAM")
    office.withdraw(withdrawn, user="USAM")
    assert not office.rows(SatisfactionQuestion)
    with pytest.raises(NotAllowed, match="Nobody has asked you"):
        rate(office, closed, GOOD)


def test_switched_off_nobody_is_asked(open_office: Callable[..., Any]) -> None:
    """FIRSTLINE_SATISFACTION=off."""
    office = open_office(firstline_satisfaction="off")
    _, assignment_id, agent = office.in_progress()
    assert not office.resolve(assignment_id, agent).asks_satisfaction
    assert not office.rows(SatisfactionQuestion)


def test_the_last_click_wins(office: Any) -> None:
    """Each is in the log with the one before it; one is counted."""
    request_id = resolved(office)
    for answer in (GOOD, BAD, SO_SO):
        assert rate(office, request_id, answer).answer is answer
    clicks = [row.data for row in office.rows(Event) if row.kind == "rated"]
    assert [(click["before"], click["answer"]) for click in clicks] == [
        (None, "good"),
        ("good", "bad"),
        ("bad", "so_so"),
    ]
    assert said(office) == SatisfactionCounts(asked=1, so_so=1)


@pytest.mark.parametrize(
    ("user", "team"), [("USAM", "T0ONE"), ("UANA", "T0ONE"), ("UBOSS", "T0ONE"), ("URILEY", "T0TWO")]
)
def test_only_the_requester_answers(office: Any, user: str, team: str) -> None:
    """Others, agents, administrators and people of another workspace are refused, and nothing changes."""
    request_id = resolved(office)
    with pytest.raises(NotAllowed):
        rate(office, request_id, GOOD, user, team)
    with pytest.raises(NotAllowed):
        comment(office, request_id, "mine", "USAM")
    assert said(office) == SatisfactionCounts(asked=1)


def test_too_old_to_answer(office: Any) -> None:
    """As long as FIRSTLINE_KEEP_S the answer counts, also once the request is closed for good; then it is refused."""
    request_id = resolved(office)
    office.clock.forward(office.settings.firstline_keep_s)
    assert not rate(office, request_id, BAD).may_reopen
    office.clock.forward(1)
    with pytest.raises(RefusedMove, match="too old"):
        rate(office, request_id, GOOD)
    assert said(office).bad == 1


def test_asked_once_though_resolved_twice(office: Any) -> None:
    """After a reopening nobody is asked again; the same question then speaks of the agent who resolved it last."""
    request_id, assignment_id, agent = office.in_progress()
    office.resolve(assignment_id, agent)
    assert rate(office, request_id, BAD).may_reopen
    request = office.request(request_id)
    office.write("still broken", thread_ts=request.thread_ts)
    other = next(name for name in ("UANA", "UBEN") if name != agent)
    rate(office, request_id, BAD)
    assert office.rows(SatisfactionQuestion)[0].assignment_id == assignment_id
    again = take_and_resolve(office, request_id, other)
    assert not again.asks_satisfaction
    rate(office, request_id, GOOD)
    (question,) = office.rows(SatisfactionQuestion)
    assert (question.assignment_id, question.answer) == (again.offer.assignment_id, GOOD)


def test_a_comment_is_kept_changed_and_taken_back(office: Any) -> None:
    """It wants a face first, is cut to its length, and is shown in the stats; nothing in it is in the log."""
    request_id = resolved(office)
    with pytest.raises(RefusedMove, match="faces first"):
        comment(office, request_id, "so kind")
    rate(office, request_id, GOOD)
    assert comment(office, request_id, "  so kind  ").has_comment
    assert said(office).comments == ((GOOD, "so kind"),)
    assert comment(office, request_id, "x" * 5000).has_comment
    assert said(office).comments == ((GOOD, "x" * LONGEST_COMMENT),)
    assert not comment(office, request_id, " \n").has_comment
    assert said(office).comments == ()
    logged = [row.data for row in office.rows(Event) if row.kind == "commented"]
    assert logged == [{"characters": 7}, {"characters": LONGEST_COMMENT}, {"characters": 0}]


def test_a_comment_is_redacted_where_words_are(open_office: Callable[..., Any]) -> None:
    """With FIRSTLINE_REDACT=on an address is replaced before it is stored."""
    office = open_office(firstline_redact="on")
    request_id = resolved(office)
    rate(office, request_id, BAD)
    comment(office, request_id, "write to kim@example.com")
    assert said(office).comments == ((BAD, "write to <EMAIL>"),)


def test_the_newest_comments_of_the_period_are_told(office: Any) -> None:
    """Three of them, newest answer first; an older period's are not in a younger one."""
    for number in range(4):
        request_id = resolved(office, f"U{number}")
        rate(office, request_id, GOOD, f"U{number}")
        comment(office, request_id, f"comment {number}", f"U{number}")
        office.clock.forward(60)
    assert [words for _, words in said(office).comments] == ["comment 3", "comment 2", "comment 1"]
    office.clock.forward(8 * 86400)
    assert said(office, Period.WEEK) == SatisfactionCounts()
    assert said(office, Period.MONTH).good == 4


def test_answers_feed_the_record_of_the_agent(office: Any) -> None:
    """Bad lowers the accuracy of the one who resolved it, good raises it, so so and silence leave it as it was."""

    def accuracy() -> float:
        with office.db.reading() as session:
            return read_pool(session, office.clock(), "T0ONE").record.agents[agent].accuracy

    request_id, assignment_id, agent = office.in_progress()
    office.resolve(assignment_id, agent)
    silent = accuracy()
    found = {}
    for answer in Satisfaction:
        rate(office, request_id, answer)
        found[answer] = accuracy()
    assert found[BAD] < silent == found[SO_SO] < found[GOOD]


def test_two_clicks_at_the_same_moment(office: Any) -> None:
    """Both are taken, one after the other; the log's last is the one that counts."""
    request_id = resolved(office)
    ready = Barrier(2)

    def press(answer: Satisfaction) -> None:
        ready.wait()
        rate(office, request_id, answer)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(press, (GOOD, BAD)))
    clicks = [row.data for row in office.rows(Event) if row.kind == "rated"]
    assert clicks[1]["before"] == clicks[0]["answer"]
    assert office.rows(SatisfactionQuestion)[0].answer == clicks[1]["answer"]
