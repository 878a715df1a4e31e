"""Messages that never arrived are found in the DMs' histories."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from bot.jobs.prune import prune
from bot.jobs.reading import CALLS_AT_ONCE
from bot.jobs.unheard import FORGOTTEN_IN_A_RUN
from bot.services.purge import erase_workspace
from bot.storage.forgotten import erased_mark
from bot.storage.tables import Conversation, InboxKind, Lock
from playground.faults import FaultKind, FaultRule
from playground.manifest import AppManifest
from tests.bot.jobs.reconciling import ANA, RILEY


def test_a_message_that_never_arrived_is_taken_up_once(job) -> None:
    """It stands in the inbox like a delivered one, and a worker is woken; the next run finds nothing new."""
    said = job.slack.person(RILEY).dm("my laptop is on fire")
    job.ahead_s = 120
    assert job.run() == 1
    (row,) = job.inbox()
    event = row.body["event"]
    assert (row.kind, row.team_id, row.lane) == (
        InboxKind.EVENT,
        job.slack.team_id,
        f"{job.slack.team_id}:{RILEY}",
    )
    assert row.body["type"] == "event_callback"
    assert (event["type"], event["channel_type"], event["channel"]) == ("message", "im", said.channel)
    assert (event["user"], event["text"], event["ts"]) == (RILEY, "my laptop is on fire", said.ts)
    assert job.wake.is_set()
    job.ahead_s = 240
    assert job.run() == 0
    assert len(job.inbox()) == 1


def test_a_message_that_arrived_is_left_alone(job) -> None:
    """What the inbox has had, in whatever state, is not taken up again."""
    job.arrive(job.slack.person(RILEY).dm("arrived"))
    job.ahead_s = 120
    assert job.run() == 0


def test_a_message_that_may_still_arrive_is_waited_for(job) -> None:
    """Within a minute it is on its way; after that it is missed."""
    job.slack.person(RILEY).dm("just now")
    job.ahead_s = 30
    assert job.run() == 0
    job.ahead_s = 120
    assert job.run() == 1


def test_the_bots_own_words_and_edits_are_not_requests(job) -> None:
    """Only what a person has said counts."""
    job.web.client.chat_postMessage(channel=job.slack.person(RILEY).dm_channel, text="I am the bot")
    job.ahead_s = 120
    assert job.run() == 0


def test_missed_messages_come_in_their_order(job) -> None:
    """What was said first is worked first."""
    for number in range(3):
        job.slack.person(RILEY).dm(f"m{number}")
    job.ahead_s = 120
    assert job.run() == 3
    assert [row.body["event"]["text"] for row in job.inbox()] == ["m0", "m1", "m2"]


def test_a_person_whose_dm_cannot_be_read_does_not_hold_up_the_others(job) -> None:
    """One who has left is passed by."""
    job.slack.person(ANA).dm("hello")
    channel = job.slack.person(RILEY).dm_channel
    job.slack.set_faults(
        FaultRule(
            FaultKind.ERROR, "conversations.history", where={"channel": channel}, error="channel_not_found"
        )
    )
    job.ahead_s = 120
    assert job.run() == 1


@pytest.mark.parametrize("kind", [FaultKind.FAIL_BEFORE, FaultKind.CUT_BEFORE])
def test_a_slack_in_trouble_is_asked_again_at_the_next_run(job, kind: FaultKind) -> None:
    """The run ends; nothing is passed over."""
    job.slack.person(RILEY).dm("hello")
    job.slack.set_faults(FaultRule(kind, "conversations.history"))
    job.ahead_s = 120
    assert job.run() == 0
    assert len(job.slack.calls("conversations.history")) == 1
    job.slack.set_faults()
    assert job.run() == 1


def test_those_unread_for_longest_come_first(job) -> None:
    """With more DMs than a run may read, all have their turn."""
    job.run()  # from here on this database listens
    people = [job.slack.add_person(f"U0P{number}", f"P {number}") for number in range(8)]
    for number, person in enumerate(people):
        person.dm(f"m{number}")
    job.ahead_s = 120
    assert job.run(period_s=4) < 8
    for _ in range(50):  # on a busy machine a run of four seconds may come to nothing
        job.ahead_s += 4
        job.run(period_s=4)
        if len(job.inbox()) == 8:
            break
    assert sorted(job.words()) == [f"m{number}" for number in range(8)]
    with job.db.reading() as session:
        read_until = [float(ts) for ts in session.scalars(select(Conversation.last_event_ts))]
    assert min(read_until) > job.real_clock().timestamp()


def test_slack_is_asked_no_more_often_than_it_allows(job) -> None:
    """At most fifty calls of one method in any minute, however many DMs there are."""
    for number in range(70):
        job.slack.add_person(f"U0P{number}", f"P {number}").dm("hello")
    job.ahead_s = 120
    began_s = job.clock().timestamp()
    at = [began_s] * CALLS_AT_ONCE
    wait = job.wait
    job.wait = lambda seconds: (wait(seconds), at.append(job.clock().timestamp()))
    assert job.run() == 70
    assert len(at) >= 70
    assert max(sum(1 for other in at if moment <= other < moment + 60) for moment in at) < 50


def test_a_run_ends_when_the_bot_stops(job) -> None:
    """Nothing more is read, and what was not read is read by the next run."""
    job.slack.person(RILEY).dm("r")
    job.ahead_s = 120
    job.stopping.set()
    assert job.run() == 0
    assert job.slack.calls("conversations.history") == []
    job.stopping.clear()
    assert job.run() == 1


def test_a_run_has_its_time(job) -> None:
    """A Slack that answers slowly does not make a run endless: those who are left have their turn in the next."""
    job.slack.person(RILEY).dm("r")
    job.slack.person(ANA).dm("a")
    job.ahead_s = 120
    clock = job.clock
    job.clock = lambda: clock() + timedelta(seconds=300 * len(job.read()))
    assert job.run() == 1
    assert len(job.read()) == 1
    assert job.run() == 1
    assert len(job.read()) == 2


def test_a_429_is_waited_for(job) -> None:
    """Not a call before Slack's time is over; then the run goes on where it stopped."""
    job.slack.person(RILEY).dm("hello")
    job.slack.set_faults(
        FaultRule(FaultKind.RATE_LIMITED, "conversations.history", times=1, retry_after_s=30)
    )
    job.ahead_s = 120
    waited: list[float] = []
    wait = job.wait
    job.wait = lambda seconds: (wait(seconds), waited.append(seconds))
    assert job.run() == 1
    assert sum(waited) >= 29.9


def test_a_429_that_outlasts_the_run_ends_it(job) -> None:
    """Nothing is passed over: the next run reads what this one could not."""
    job.slack.person(RILEY).dm("hello")
    job.slack.set_faults(
        FaultRule(FaultKind.RATE_LIMITED, "conversations.history", times=1, retry_after_s=400)
    )
    job.ahead_s = 120
    assert job.run() == 0
    assert len(job.read()) == 1
    assert job.run() == 1


def test_a_missed_reply_is_found_in_its_thread(job) -> None:
    """Days after its request was opened, as long as that one can still be replied to; it comes as Slack would send it."""
    opener = job.slack.person(RILEY).dm("my printer")
    job.arrive(opener)
    job.open_request(opener)
    job.ahead_s = 86400
    job.run()
    job.share_clock()
    reply = job.slack.person(RILEY).reply(opener, "it is the blue one")
    job.ahead_s += 1200
    assert job.run() == 1
    event = job.inbox()[-1].body["event"]
    assert (event["text"], event["ts"], event["thread_ts"]) == ("it is the blue one", reply.ts, opener.ts)
    assert event["parent_user_id"] == RILEY
    assert job.run() == 0


def test_threads_in_which_the_bot_alone_has_spoken_are_not_read(job) -> None:
    """Each request has our card in its thread: reading all of them would use up what Slack allows."""
    opener = job.slack.person(RILEY).dm("my printer")
    job.arrive(opener)
    job.web.client.chat_postMessage(channel=opener.channel, thread_ts=opener.ts, text="a card")
    job.ahead_s = 120
    assert job.run() == 0
    assert job.slack.calls("conversations.replies") == []


def test_a_missed_opener_brings_its_replies(job) -> None:
    """What was replied under a message that was itself missed comes with it, in order."""
    opener = job.slack.person(RILEY).dm("my printer")
    job.slack.person(RILEY).reply(opener, "it smells")
    job.ahead_s = 120
    assert job.run() == 2
    assert job.words() == ["my printer", "it smells"]


def test_more_messages_than_a_page_holds_are_all_found(job, monkeypatch) -> None:
    """Slack's cursors are followed to the end, in histories, threads and the list of DMs."""
    monkeypatch.setattr("bot.jobs.reading.PAGE", 2)
    sam = job.slack.add_person("U0SAM2", "Sam Two")
    opener = sam.dm("m0")
    for number in range(1, 6):
        sam.dm(f"m{number}")
    for number in range(5):
        sam.reply(opener, f"r{number}")
    job.ahead_s = 120
    assert job.run() == 11
    assert sorted(job.words()) == [f"m{n}" for n in range(6)] + [f"r{n}" for n in range(5)]


def test_the_first_dm_of_somebody_never_heard_of_is_found(job) -> None:
    """Slack lists every DM with the bot; this one is remembered from then on."""
    job.run()
    job.slack.add_person("U0NEW", "New Person").dm("it is my first day")
    job.ahead_s = 120
    assert job.run() == 1
    with job.db.reading() as session:
        assert session.get(Conversation, (job.slack.team_id, "U0NEW")) is not None
    job.ahead_s = 240
    assert job.run() == 0


def test_what_was_written_before_this_database_was_there_is_not_missed(job) -> None:
    """A bot that is set up anew does not answer what people wrote to the one before it."""
    job.slack.add_person("U0OLD", "Old Friend").dm("years ago")
    job.ahead_s = 3600
    assert job.run() == 0


def test_without_the_scope_to_list_dms_the_known_ones_are_read(job, caplog) -> None:
    """An app that was installed before the manifest asked for it loses nothing it had, and is told in the log."""
    job.slack.look(
        lambda playground: setattr(
            playground,
            "options",
            replace(playground.options, manifest=AppManifest(scopes=AppManifest().scopes - {"im:read"})),
        )
    )
    job.slack.person(RILEY).dm("hello")
    job.ahead_s = 120
    assert job.run() == 1
    assert "im:read" in caplog.text


def test_a_workspace_that_comes_back_is_not_read_from_before_it_left(job) -> None:
    """Its data were deleted when the app was taken out; Slack still has the messages, and they stay there."""
    job.run()
    job.slack.add_person("U0NEW", "New Person").dm("before the app was taken out")
    job.ahead_s = 120
    with job.db.writing() as session:
        erase_workspace(session, job.clock(), team_id=job.slack.team_id, row_id=None)
    job.ahead_s = 300
    assert job.run() == 0


@pytest.fixture
def forgotten(job):
    """Riley was forgotten, after a message that is in Slack still."""
    job.share_clock()
    job.run()
    job.slack.person(RILEY).dm("what is to be forgotten")
    job.ahead_s = 60
    forget(job, RILEY)
    job.ahead_s = 120
    return job


def forget(job, user_id: str) -> None:
    """As an erasure leaves it: no conversation, and a mark from when on it may be read again."""
    with job.db.writing() as session:
        session.execute(delete(Conversation).where(Conversation.members == user_id))
        channel = job.slack.person(user_id).dm_channel
        session.add(Lock(name=erased_mark(job.slack.team_id, channel), taken_at=job.clock()))


def test_a_forgotten_persons_dm_is_not_met_again(forgotten) -> None:
    """Listing DMs must not bring back who asked to be forgotten and has not written since."""
    forgotten.web.client.chat_postMessage(channel="D0RILEY", text="a card")
    forgotten.ahead_s = 240
    assert forgotten.run() == 0
    with forgotten.db.reading() as session:
        assert session.get(Conversation, (forgotten.slack.team_id, RILEY)) is None


def test_a_forgotten_person_who_writes_again_is_read_again(forgotten) -> None:
    """Whether or not what they wrote arrives: from then on they are like everybody, and what was forgotten stays so."""
    forgotten.slack.person(RILEY).dm("it is me again")
    forgotten.ahead_s = 240
    assert forgotten.run() == 1
    assert forgotten.words() == ["it is me again"]
    with forgotten.db.reading() as session:
        assert session.get(Conversation, (forgotten.slack.team_id, RILEY)) is not None


def test_a_forgotten_persons_dm_is_not_met_again_when_old_marks_are_pruned(forgotten) -> None:
    """As long as Slack lists it, however long ago that was; and they can still come back."""
    for _ in range(35):
        forgotten.ahead_s += 86400
        prune(forgotten.db, forgotten.clock, 30 * 86400, 0, threading.Event())
        forgotten.run()
    with forgotten.db.reading() as session:
        assert session.get(Conversation, (forgotten.slack.team_id, RILEY)) is None
    forgotten.slack.person(RILEY).dm("it is me again")
    forgotten.ahead_s += 240
    assert forgotten.run() == 1


def test_a_forgotten_person_who_has_left_holds_up_nobody(forgotten) -> None:
    """Slack may refuse to show their DM; the others are read."""
    gone = FaultRule(
        FaultKind.ERROR, "conversations.history", where={"channel": "D0RILEY"}, error="channel_not_found"
    )
    forgotten.slack.set_faults(gone)
    forgotten.slack.person(ANA).dm("hello")
    forgotten.ahead_s = 240
    assert forgotten.run() == 1


def test_forgotten_people_are_looked_after_in_turn(job) -> None:
    """However many there are, a run asks for a few of them; each has written, and is found within some runs."""
    job.share_clock()
    job.run()
    people = [f"U0P{number}" for number in range(3 * FORGOTTEN_IN_A_RUN - 1)]
    for user in people:
        job.slack.add_person(user, user)
        forget(job, user)
    for user in people:
        job.slack.person(user).dm(f"{user} again")
    job.ahead_s += 120
    found = []
    for _ in range(3):
        found.append(job.run())
        job.ahead_s += 300
    assert max(found) == FORGOTTEN_IN_A_RUN
    assert sum(found) == len(people)


def test_rows_from_long_before_a_message_are_not_looked_through(job) -> None:
    """What came in before it was written cannot be it, whatever else its person wrote this month."""
    said = job.slack.person(RILEY).dm("new")
    job.ahead_s = -20 * 86400
    job.arrive(said)
    job.ahead_s = 120
    assert job.run() == 1
