"""A DM that has grown long, or that is in trouble, costs a run little, and nobody else their turn."""

import pytest
from sqlalchemy import select

from bot.jobs.stretch import OLD_THREADS
from bot.lifecycle import RequestState
from bot.storage.said import slack_ts
from bot.storage.tables import Conversation
from playground.faults import FaultKind, FaultRule
from tests.bot.jobs.reconciling import ANA, RILEY, Reconciling


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two messages to a page, two pages to a stretch: so a DM is long soon."""
    monkeypatch.setattr("bot.jobs.reading.PAGE", 2)
    monkeypatch.setattr("bot.jobs.stretch.PAGES", 2)


@pytest.fixture
def long(job: Reconciling) -> Reconciling:
    """A job whose Riley has never answered a suggestion, and has twenty cards in the DM since; all of it was read."""
    job.share_clock()
    opener = job.slack.person(RILEY).dm("vpn")
    job.arrive(opener)
    job.open_request(opener, RequestState.SUGGESTED)
    job.opener = opener
    job.show_cards(20)
    job.ahead_s += 1200
    job.run()
    job.forget_calls()
    return job


def test_a_suggestion_that_nobody_answered_costs_one_call(long: Reconciling) -> None:
    """However much has been posted since: what was read is not read again to look for its thread."""
    long.ahead_s += 120
    long.run()
    assert sorted(long.read()) == ["D0ANA", "D0RILEY"]


def test_a_reply_far_up_in_a_long_dm_is_found(long: Reconciling) -> None:
    """Its thread is asked for by itself, as the pages that are read do not come to its parent."""
    reply = long.slack.person(RILEY).reply(long.opener, "it still drops")
    long.ahead_s += 120
    assert long.run() == 1
    event = long.inbox()[-1].body["event"]
    assert (event["text"], event["ts"], event["thread_ts"]) == ("it still drops", reply.ts, long.opener.ts)
    assert long.run() == 0


def test_of_old_threads_a_few_are_read_and_those_that_people_work_on_first(long: Reconciling) -> None:
    """Suggestions that nobody answers never end: there may be any number of them."""
    person = long.slack.person(RILEY)
    worked_on, *ignored = [person.dm(f"m{number}") for number in range(OLD_THREADS + 3)]
    long.open_request(worked_on)
    for opener in ignored:
        long.open_request(opener, RequestState.SUGGESTED)
    long.show_cards(10)
    for _ in range(4):
        long.ahead_s += 600
        long.run()
    long.forget_calls()
    long.ahead_s += 120
    long.run()
    asked = [call.arguments["ts"] for call in long.slack.calls("conversations.replies")]
    assert len(asked) == OLD_THREADS
    assert asked[0] == worked_on.ts
    assert set(asked[1:]) <= {opener.ts for opener in ignored}


def test_a_thread_that_is_gone_hides_nothing_else(long: Reconciling) -> None:
    """Somebody may delete the message that opened a request."""
    gone = FaultRule(FaultKind.ERROR, "conversations.replies", error="thread_not_found")
    long.slack.set_faults(gone)
    long.slack.person(RILEY).dm("hello?")
    long.ahead_s += 120
    assert long.run() == 1


def test_what_does_not_fit_in_one_reading_is_read_bit_by_bit(job: Reconciling) -> None:
    """After a long outage: others have their turn first, everything is found once, and in its order."""
    job.share_clock()
    for number in range(40):
        job.ahead_s += 60
        job.slack.person(RILEY).dm(f"m{number}")
    job.slack.person(ANA).dm("me too")
    job.ahead_s += 120
    assert job.run(period_s=600) == 41
    mine = [row.body["event"]["text"] for row in job.inbox() if row.body["event"]["user"] == RILEY]
    assert mine == [f"m{number}" for number in range(40)]
    read = job.read()
    assert "D0RILEY" in read[read.index("D0ANA") + 1 :]
    assert job.run() == 0


def test_a_run_that_ends_in_a_long_dm_keeps_what_was_read(job: Reconciling) -> None:
    """The next runs go on from there, with Ana in between; nothing has to be read in one go."""
    job.share_clock()
    for number in range(40):
        job.ahead_s += 60
        job.slack.person(RILEY).dm(f"m{number}")
    job.ahead_s += 120
    marks = [mark_of(job, RILEY)]
    for _ in range(60):
        job.run(period_s=12)
        marks.append(mark_of(job, RILEY))
        job.ahead_s += 12
    assert job.words() == [f"m{number}" for number in range(40)]
    assert marks == sorted(marks)
    assert len({mark for mark in marks if mark < marks[0] + 40 * 60}) > 5
    assert mark_of(job, ANA) > marks[0] + 40 * 60


def test_a_dm_that_ends_each_run_goes_to_the_end_of_the_line(job: Reconciling) -> None:
    """Slack cannot show this one, whatever the reason: the others are read by the next run."""
    job.slack.set_faults(
        FaultRule(FaultKind.FAIL_BEFORE, "conversations.history", where={"channel": "D0RILEY"})
    )
    job.slack.person(ANA).dm("hello")
    job.ahead_s = 120
    assert job.run() + job.run() == 1
    job.slack.person(RILEY).dm("hello")
    job.slack.set_faults()
    job.ahead_s = 240
    assert job.run() == 1


def mark_of(job: Reconciling, user_id: str) -> float:
    """Up to when their DM was read."""
    with job.db.reading() as session:
        found = session.scalar(select(Conversation.last_event_ts).where(Conversation.members == user_id))
    return float(found or slack_ts(job.clock()))
