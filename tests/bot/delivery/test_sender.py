"""The sender against a real small Slack: everything is said, once, in order, whatever Slack answers."""

import socket
import threading
import time
from datetime import timedelta

import pytest
from slack_sdk.models.blocks import SectionBlock
from sqlalchemy import delete, func, select

from bot.delivery import calls, outbox
from bot.delivery.outbox import Address
from bot.delivery.sender import Sender
from bot.delivery.slack import Slack
from bot.storage.tables import Conversation, OutboxKind, OutboxRow, RowState
from bot.storage.work import Wake
from playground.faults import FaultKind, FaultRule
from playground.people import IT_HELP
from playground.triggers import ResponseTarget

RILEY = "U0RILEY"
DONE, READY, DEAD, CLAIMED = RowState.DONE, RowState.READY, RowState.DEAD, RowState.CLAIMED
UNKNOWN_OUTCOMES = [
    (FaultKind.FAIL_AFTER, True),
    (FaultKind.CUT_AFTER, True),
    (FaultKind.HANG_AFTER, True),
    (FaultKind.FAIL_BEFORE, False),
    (FaultKind.CUT_BEFORE, False),
    (FaultKind.HANG_BEFORE, False),
]


def said_to(box, user: str = RILEY) -> list[str]:
    return [message.text for message in box.slack.person(user).from_app()]


def fault(kind: FaultKind, method: str = "chat.postMessage", **more) -> FaultRule:
    return FaultRule(kind, method, times=more.pop("times", 1), delay_s=1.3, **more)


def dm(box) -> Address:
    return Address(box.team_id, user_ids=(RILEY,))


def test_a_message_to_a_person_opens_their_dm_once(box) -> None:
    """The DM is opened for the first message and remembered for the next."""
    box.post(dm(box), "first")
    box.post(dm(box), "second")
    box.send()
    box.send()
    assert said_to(box) == ["first", "second"]
    assert box.states() == [DONE, DONE]
    assert len(box.slack.calls("conversations.open")) == 1
    assert [posted.message_key for posted in box.posted()] == ["first", "second"]


def test_what_is_deleted_while_it_is_on_its_way_is_neither_said_nor_remembered(box) -> None:
    """Whoever is forgotten meanwhile hears nothing more, and who they are is not written down anew."""
    box.post(dm(box), "for somebody who is forgotten")
    (row,) = box.sender.claim(1)
    with box.db.writing() as session:
        session.execute(delete(OutboxRow))
    box.sender.work(row)
    box.sender.claim(0)
    assert said_to(box) == []
    with box.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 0


def test_several_people_are_brought_together_in_a_group(box) -> None:
    """Two people and the bot share one conversation."""
    box.post(Address(box.team_id, user_ids=(RILEY, "U0ANA")), "both of you")
    box.send()
    assert box.slack.person(RILEY).find("both of you") is not None
    assert box.slack.person("U0ANA").find("both of you") is not None


def test_a_reply_goes_into_its_thread(box) -> None:
    """A message with a thread's ts is said in it."""
    asked = box.slack.person(RILEY).dm("my printer")
    box.post(Address(box.team_id, asked.channel, thread_ts=asked.ts), "in the thread")
    box.send()
    found = box.slack.person(RILEY).find("in the thread")
    assert found is not None
    assert found.thread_ts == asked.ts


def test_a_message_is_updated_with_text_and_blocks(box) -> None:
    """An update finds its message by the key, and changes both."""
    with box.db.writing() as session:
        blocks = [SectionBlock(text="old block")]
        outbox.post(session, box.clock(), dm(box), key="card:1", text="old", blocks=blocks)
        blocks = [SectionBlock(text="new block")]
        outbox.update(session, box.clock(), dm(box), key="card:1", version="2", text="new", blocks=blocks)
    box.send()
    box.send()
    (card,) = box.slack.person(RILEY).from_app()
    assert card.text == "new"
    assert card.words == "new block"


def test_an_update_waits_for_its_message_in_another_lane(box) -> None:
    """Posted to a person and updated by channel, the update comes second all the same."""
    channel = box.slack.person(RILEY).dm_channel
    with box.db.writing() as session:
        outbox.post(session, box.clock(), dm(box), key="card:1", text="old")
        to = Address(box.team_id, channel)
        outbox.update(session, box.clock(), to, key="card:1", version="2", text="new")
    for row in reversed(box.sender.claim(10)):  # the update first
        box.sender.work(row)
    assert said_to(box) == ["old"]
    box.make_due()
    box.send()
    assert said_to(box) == ["new"]
    assert [row.attempts for row in box.rows()] == [1, 1]


def test_an_update_of_a_deleted_message_is_dropped_quietly(box, caplog) -> None:
    """The person has deleted it: there is nothing to change, and nothing to report."""
    box.post(dm(box), key="card:1")
    box.send()
    (card,) = box.slack.person(RILEY).from_app()
    Slack(box.settings).client.chat_delete(channel=card.channel, ts=card.ts)
    with box.db.writing() as session:
        outbox.update(session, box.clock(), dm(box), key="card:1", version="2", text="new")
    box.send()
    assert box.states() == [DONE, DEAD]
    assert box.rows()[1].fault == "message_not_found"
    assert caplog.records == []


def test_an_update_of_what_was_never_posted_is_dropped(box) -> None:
    """No message under that key, and none to come."""
    with box.db.writing() as session:
        outbox.update(session, box.clock(), dm(box), key="card:1", version="2", text="new")
    box.send()
    assert (box.row().state, box.row().fault) == (DEAD, "never_posted")


def test_an_update_of_what_was_given_up_does_not_wait_for_ever(box) -> None:
    """When the message itself is a dead letter, so is its update."""
    box.slack.set_faults(fault(FaultKind.ERROR, error="channel_not_found"))
    box.post(dm(box), key="card:1")
    with box.db.writing() as session:
        outbox.update(session, box.clock(), dm(box), key="card:1", version="2", text="new")
    box.send()
    box.send()
    assert [row.fault for row in box.rows()] == ["channel_not_found", "never_posted"]


@pytest.mark.parametrize(("kind", "was_done"), UNKNOWN_OUTCOMES)
def test_a_message_of_unknown_outcome_is_said_exactly_once(box, kind: FaultKind, was_done: bool) -> None:
    """After an error of Slack's, a cut connection or a timeout it looks before it speaks again."""
    box.slack.set_faults(fault(kind))
    box.post(dm(box))
    box.send()
    assert box.states() == [READY]
    assert box.row().fault is not None
    assert box.row().fault.startswith("outcome_unknown")
    assert len(said_to(box)) == was_done
    box.clock.forward(2)
    box.send()
    assert said_to(box) == ["hello"]
    assert box.states() == [DONE]
    assert len(box.slack.calls("conversations.history")) == 1
    expected = 1 if was_done else 2  # the small Slack lists a call that hangs when it lets it go
    box.slack.eventually(lambda: len(box.slack.calls("chat.postMessage")) == expected)
    (posted,) = box.posted()
    assert posted.ts == box.slack.person(RILEY).from_app()[0].ts


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.CUT_BEFORE])
def test_a_reply_of_unknown_outcome_is_looked_for_in_its_thread(box, kind: FaultKind) -> None:
    """A thread's messages are not in the channel's history."""
    asked = box.slack.person(RILEY).dm("my printer")
    box.slack.set_faults(fault(kind))
    box.post(Address(box.team_id, asked.channel, thread_ts=asked.ts))
    box.send()
    box.clock.forward(2)
    box.send()
    assert said_to(box) == ["hello"]
    assert len(box.slack.calls("conversations.replies")) == 1


def test_a_sender_that_died_after_speaking_does_not_make_the_next_one_repeat_it(box) -> None:
    """kill -9 between Slack's answer and the commit: another process finds the message and remembers it."""
    box.post(dm(box), key="card:1")
    (row,) = box.sender.claim(1)
    client = Slack(box.settings).client
    channel = calls.open_conversation(client, [RILEY])
    calls.post_message(client, channel, row.payload, row.dedupe_key)  # and the process dies here
    box.clock.forward(61)
    assert box.send(box.new_sender()) == 1
    assert said_to(box) == ["hello"]
    assert (box.row().state, box.row().attempts) == (DONE, 2)
    assert [posted.message_key for posted in box.posted()] == ["card:1"]


def test_what_was_said_is_settled_with_the_next_claim_and_not_for_who_took_over(box) -> None:
    """It costs no commit of its own; and a late sender's settling is fenced by its lease."""
    box.post(dm(box), key="card:1")
    (row,) = box.sender.claim(1)
    box.sender.work(row)
    assert (said_to(box), box.states(), box.posted()) == (["hello"], [CLAIMED], [])
    box.clock.forward(61)
    other = box.new_sender()
    (taken_over,) = other.claim(1)
    box.sender.claim(0)
    assert (box.row().state, box.row().lease, box.posted()) == (CLAIMED, taken_over.lease, [])
    other.work(taken_over)
    other.claim(0)
    assert (said_to(box), box.states(), len(box.posted())) == (["hello"], [DONE], 1)


def test_a_sender_that_stops_settles_what_it_said_last(box) -> None:
    """Nothing is looked for because of a restart."""
    box.post(dm(box), key="card:1")
    (row,) = box.sender.claim(1)
    box.sender.start()
    box.sender.work(row)
    assert box.sender.stop(20)
    assert (box.states(), len(box.posted())) == ([DONE], 1)


def test_a_sender_that_died_before_speaking_loses_nothing(box) -> None:
    """kill -9 between claim and call: another process says it."""
    box.post(dm(box))
    box.sender.claim(1)
    box.clock.forward(61)
    box.send(box.new_sender())
    assert said_to(box) == ["hello"]


def test_a_look_that_fails_is_made_again_before_anything_is_said(box) -> None:
    """As long as nobody could look, nobody speaks."""
    box.slack.set_faults(
        fault(FaultKind.CUT_AFTER), fault(FaultKind.FAIL_BEFORE, "conversations.history", times=2)
    )
    box.post(dm(box))
    box.settle()
    assert said_to(box) == ["hello"]
    assert len(box.slack.calls("chat.postMessage")) == 1
    assert len(box.slack.calls("conversations.history")) == 3


def test_where_nobody_may_look_nothing_is_said_twice(box, caplog) -> None:
    """Without the right to read a channel, an unknown outcome ends as a dead letter that the log names."""
    box.slack.set_faults(
        fault(FaultKind.CUT_AFTER),
        fault(FaultKind.ERROR, "conversations.history", error="missing_scope", times=9),
    )
    box.post(dm(box))
    box.settle()
    assert said_to(box) == ["hello"]
    assert (box.row().state, box.row().fault) == (DEAD, "outcome_unknown: missing_scope")
    assert "missing_scope" in caplog.text


@pytest.mark.parametrize("kind", [FaultKind.CUT_AFTER, FaultKind.CUT_BEFORE])
def test_a_notice_to_a_channel_where_nobody_may_look_is_said_again(box, kind: FaultKind, caplog) -> None:
    """The agents' channel may be posted to but not read: there twice is better than never, and the log says so."""
    box.slack.set_faults(
        fault(kind), fault(FaultKind.ERROR, "conversations.history", error="missing_scope", times=9)
    )
    box.post(Address(box.team_id, IT_HELP), "nobody is free")
    box.settle()
    assert box.states() == [DONE]
    assert len(box.slack.calls("chat.postMessage")) == 2
    assert box.slack.person("U0ANA").find("nobody is free", IT_HELP) is not None
    assert "may be said twice: missing_scope" in caplog.text


def test_a_group_where_nobody_may_look_hears_nothing_twice(box) -> None:
    """A group DM may look like a channel by its id, but it is one that the bot has opened."""
    box.post(Address(box.team_id, user_ids=(RILEY, "U0ANA")), "first")
    box.send()
    group = box.posted()[0].channel_id
    box.slack.set_faults(
        fault(FaultKind.CUT_AFTER),
        fault(FaultKind.ERROR, "conversations.history", error="missing_scope", times=9),
    )
    box.post(Address(box.team_id, group), "second")
    box.settle()
    assert box.states() == [DONE, DEAD]
    assert len(box.slack.calls("chat.postMessage")) == 2


def test_a_lease_that_runs_out_is_not_looked_or_spoken_with(box) -> None:
    """What another sender may soon take over is put back in time: else both might say it."""
    box.slack.set_faults(fault(FaultKind.CUT_BEFORE))
    box.post(dm(box))
    box.send()
    box.clock.forward(2)
    (row,) = box.sender.claim(1)
    box.clock.forward(58.5)  # of 60; a look and a post may take a second each
    box.sender.work(row)
    assert box.slack.calls("conversations.history") == []
    assert (box.row().state, box.row().fault) == (READY, "outcome_unknown: lease_too_short")
    box.settle()
    assert said_to(box) == ["hello"]


def test_a_rate_limit_is_obeyed_and_is_no_attempt(box) -> None:
    """After a 429 nothing more is posted to that channel before the time Slack named, and nothing is given up."""
    box.slack.set_faults(fault(FaultKind.RATE_LIMITED, retry_after_s=30))
    box.post(dm(box), "first")
    box.post(dm(box), "second")
    box.post(Address(box.team_id, box.slack.person(RILEY).dm_channel), "by channel")
    box.send()
    box.clock.forward(29)
    box.send()
    assert said_to(box) == []
    assert len(box.slack.calls("chat.postMessage")) == 1
    assert {(row.state, row.attempts) for row in box.rows()} == {(READY, 0)}
    for _ in range(3):  # what has waited goes out one by one
        box.clock.forward(2)
        box.send()
    assert sorted(said_to(box)) == ["by channel", "first", "second"]


@pytest.mark.parametrize(
    ("method", "outcome"), [("conversations.open", None), ("conversations.history", FaultKind.FAIL_BEFORE)]
)
def test_a_rate_limit_of_a_method_is_obeyed_by_every_row(box, method: str, outcome: FaultKind | None) -> None:
    """Opening DMs and looking for messages are limited for the workspace: one person's 429 is everybody's."""
    people = [Address(box.team_id, user_ids=(user,)) for user in (RILEY, "U0ANA")]
    if outcome is not None:
        box.slack.set_faults(fault(outcome, times=2))
    for number, person in enumerate(people):
        box.post(person, f"m{number}")
    if outcome is not None:
        box.send()
        box.clock.forward(2)
    box.slack.set_faults(fault(FaultKind.RATE_LIMITED, method, retry_after_s=30))
    box.send()
    box.clock.forward(29)
    box.send()
    assert len(box.slack.calls(method)) == 1
    box.clock.forward(2)
    box.send()
    assert said_to(box) + said_to(box, "U0ANA") == ["m0", "m1"]


def test_a_rate_limit_of_one_person_does_not_hold_up_another(box) -> None:
    """Channels are limited one by one."""
    box.slack.set_faults(
        fault(FaultKind.RATE_LIMITED, retry_after_s=30, where={"channel": box.slack.person(RILEY).dm_channel})
    )
    box.post(dm(box))
    box.post(Address(box.team_id, user_ids=("U0ANA",)), key="other")
    box.send()
    assert (said_to(box), said_to(box, "U0ANA")) == ([], ["hello"])


def test_a_rate_limit_of_a_method_holds_up_that_method_alone(box) -> None:
    """Updates are limited together, wherever they go; posting goes on."""
    for user in (RILEY, "U0ANA"):
        box.post(Address(box.team_id, user_ids=(user,)), "old", key=f"card:{user}")
    box.send()
    box.slack.set_faults(fault(FaultKind.RATE_LIMITED, "chat.update", retry_after_s=30))
    with box.db.writing() as session:
        for user in (RILEY, "U0ANA"):
            to = Address(box.team_id, user_ids=(user,))
            outbox.update(session, box.clock(), to, key=f"card:{user}", version="2", text="new")
    box.post(Address(box.team_id, user_ids=("U0BEN",)), "post")
    box.send()
    assert len(box.slack.calls("chat.update")) == 1
    assert said_to(box, "U0BEN") == ["post"]
    box.clock.forward(31)
    box.send()
    assert (said_to(box), said_to(box, "U0ANA")) == (["new"], ["new"])


def test_a_channel_hears_three_at_once_and_then_one_a_second(box) -> None:
    """A small burst is quick; what comes after is paced, in order, without Slack having to say so."""
    for number in range(6):
        box.post(dm(box), f"m{number}")
    for _ in range(6):
        box.send()
    assert said_to(box) == ["m0", "m1", "m2"]
    for number in range(3, 6):
        box.clock.forward(1)
        box.send()
        assert len(said_to(box)) == number + 1
    assert said_to(box) == [f"m{number}" for number in range(6)]
    assert {row.attempts for row in box.rows()} == {1}
    assert [call.status for call in box.slack.calls("chat.postMessage")] == [200] * 6


def test_a_failing_message_holds_up_its_lane_but_no_other(box) -> None:
    """People read in order; and one person's trouble is not another's."""
    box.slack.set_faults(fault(FaultKind.FAIL_BEFORE))
    box.post(dm(box), "first")
    box.post(dm(box), "second")
    box.post(Address(box.team_id, user_ids=("U0ANA",)), "other")
    for _ in range(3):
        box.send()
    assert (said_to(box), said_to(box, "U0ANA")) == ([], ["other"])
    box.settle()
    assert said_to(box) == ["first", "second"]


@pytest.mark.parametrize("error", ["channel_not_found", "invalid_blocks", "is_archived"])
def test_what_can_never_be_said_is_given_up_at_once(box, caplog, error: str) -> None:
    """A permanent error is not tried again, is logged by its code, and lets the lane go on."""
    box.slack.set_faults(fault(FaultKind.ERROR, error=error))
    box.post(dm(box), "secret words")
    box.post(dm(box), "next")
    box.send()
    assert (box.rows()[0].state, box.rows()[0].fault) == (DEAD, error)
    assert error in caplog.text
    assert "secret words" not in caplog.text
    box.send()
    assert said_to(box) == ["next"]


def test_a_replaced_token_loses_nothing(box) -> None:
    """What a sender with the old token could not say waits, named, for one with the new token."""
    right = box.settings
    box.settings = right.model_copy(update={"slack_bot_token": "xoxb-wrong", "firstline_max_attempts": 2})
    sender = box.new_sender()
    box.post(dm(box))
    for _ in range(5):
        box.send(sender)
        box.clock.forward(300)
    assert (box.row().state, box.row().fault) == (READY, "invalid_auth")
    box.settings = right
    box.send(box.new_sender())
    assert said_to(box) == ["hello"]
    assert box.slack.calls("conversations.history") == []  # refused is known not to be done


def test_what_a_refused_token_holds_up_is_said_with_the_next_one(box) -> None:
    """However long it takes to mend, nothing is given up, and the row says what is wrong."""
    settings = box.settings
    box.settings = box.settings.model_copy(update={"slack_bot_token": "xoxb-wrong"})
    box.sender = box.new_sender()
    box.post(dm(box))
    box.settle()
    assert (box.row().state, box.row().fault) == (READY, "invalid_auth")
    box.clock.forward(3 * 86400)
    box.settings = settings
    box.send(box.new_sender())
    assert said_to(box) == ["hello"]


def test_a_short_outage_of_slack_loses_nothing(box) -> None:
    """Half an hour of errors: however many attempts were made, nothing was given up."""
    box.slack.set_faults(FaultRule(FaultKind.FAIL_BEFORE, "*"))
    box.settings = box.settings.model_copy(update={"firstline_max_attempts": 2})
    sender = box.new_sender()
    box.post(dm(box))
    for _ in range(5):
        box.send(sender)
        box.clock.forward(300)
    assert (box.row().state, box.row().attempts) == (READY, 5)
    box.slack.set_faults()
    box.send(sender)
    assert said_to(box) == ["hello"]


def test_an_outage_without_end_is_given_up(box) -> None:
    """After the outage's patience and the attempts are both used up, the row is a dead letter."""
    box.slack.set_faults(FaultRule(FaultKind.FAIL_BEFORE, "*"))
    box.post(dm(box))
    box.settle()
    assert (box.row().state, box.row().attempts) == (DEAD, box.settings.firstline_max_attempts)


def test_a_slack_that_is_not_there_is_waited_for(box) -> None:
    """A refused connection is no attempt of unknown outcome: nothing needs to be looked for."""
    port = box.slack.port
    box.slack.stop()
    box.post(dm(box))
    box.send()
    assert (box.row().state, box.row().fault) == (READY, "ConnectionRefusedError")
    box.slack.port = port
    box.slack.start()
    box.clock.forward(2)
    box.send()
    assert said_to(box) == ["hello"]
    assert box.slack.calls("conversations.history") == []


def response_url(box) -> str:
    """A response_url for Riley, as a slash command brings it."""
    return box.slack.look(
        lambda playground: (
            playground.base_url
            + playground.tickets.new_response_path(
                ResponseTarget(
                    RILEY, playground.workspace.app_dm(RILEY).id, playground.clock() + timedelta(minutes=30)
                )
            )
        )
    )


def respond(box, url: str, version: str = "1", text: str = "stats") -> None:
    with box.db.writing() as session:
        outbox.respond(
            session, box.clock(), team_id=box.team_id, response_url=url, version=version, text=text
        )


def test_a_command_is_answered_through_its_response_url(box) -> None:
    """The answer is private to who asked."""
    respond(box, response_url(box))
    box.send()
    assert box.states() == [DONE]
    found = box.slack.person(RILEY).find("stats")
    assert found is not None
    assert found.ephemeral


def test_a_response_url_that_is_used_up_is_dropped(box) -> None:
    """Five answers are allowed; the sixth is a dead letter with Slack's word for it."""
    url = response_url(box)
    for number in range(6):
        respond(box, url, str(number), f"answer {number}")
    box.settle()
    assert box.states() == [DONE] * 5 + [DEAD]
    assert box.rows()[5].fault == "used_url"


def test_what_a_private_answer_said_is_let_go(box) -> None:
    """Given or refused for good, its row no longer holds the words; one that is tried again still does."""
    url = response_url(box)
    for number in range(6):
        respond(box, url, str(number), f"answer {number}")
    box.settle()
    respond(box, "http://127.0.0.1:9/x", "later")
    box.send()
    assert box.states() == [DONE] * 5 + [DEAD, READY]
    assert [row.payload.get("text") for row in box.rows()] == [None] * 6 + ["stats"]


def test_an_answer_whose_server_is_not_there_is_tried_again_and_one_cut_off_is_not(box) -> None:
    """Refused connections are known not to have been answers; a listener that says nothing is not known."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        respond(box, url)
        box.send()
    assert box.row().state is DEAD
    assert box.row().fault.startswith("outcome_unknown")
    respond(box, url, "2")
    box.send()
    assert (box.rows()[1].state, box.rows()[1].fault) == (READY, "ConnectionRefusedError")


def test_a_private_answer_whose_sender_died_is_not_said_again(box) -> None:
    """An expired lease is an unknown outcome, and nobody can look for a private answer."""
    respond(box, response_url(box))
    box.sender.claim(1)
    box.clock.forward(61)
    box.send(box.new_sender())
    assert (box.row().state, box.row().fault) == (DEAD, "outcome_unknown: cannot_be_looked_for")
    assert box.slack.person(RILEY).find("stats") is None


@pytest.mark.parametrize("kind", [kind for kind, _ in UNKNOWN_OUTCOMES])
def test_an_app_home_is_published_again_after_an_unknown_outcome(box, kind: FaultKind) -> None:
    """Publishing twice shows the same, so no looking is needed."""
    box.slack.set_faults(fault(kind, "views.publish"))
    with box.db.writing() as session:
        blocks = [SectionBlock(text="your requests")]
        outbox.publish_home(
            session, box.clock(), team_id=box.team_id, user_id=RILEY, version="1", blocks=blocks
        )
    box.settle()
    assert box.states() == [DONE]
    assert box.slack.person(RILEY).home is not None


def test_running_senders_say_everything_once_and_in_order(box, real_clock, make_settings) -> None:
    """Two processes with four threads each: 30 messages to 10 people, each once, each person's in order."""
    people = [box.slack.add_person(f"U0P{n}", f"Person {n}").id for n in range(10)]
    for number in range(3):
        for user in people:
            box.post(Address(box.team_id, user_ids=(user,)), f"m{number}", key=f"m{number}:{user}")
    sent: list[int] = []
    senders = [
        Sender(
            box.settings,
            box.db,
            real_clock,
            Wake(),
            Slack(box.settings),
            lambda row, _now: sent.append(row.id),
        )
        for _ in range(2)
    ]
    for sender in senders:
        sender.start()
    end = time.monotonic() + 30
    while len(sent) < 30 and time.monotonic() < end:
        time.sleep(0.02)
    began_s = time.monotonic()
    assert all(sender.stop(5) for sender in senders)
    assert time.monotonic() - began_s < 5
    assert not any(sender.is_alive for sender in senders)
    assert len(sent) == len(set(sent)) == 30
    for user in people:
        assert said_to(box, user) == ["m0", "m1", "m2"]
    assert set(box.states()) == {DONE}


def test_a_dm_that_two_senders_open_at_once_is_remembered_once(box) -> None:
    """Opening is idempotent in Slack, and so is remembering it."""
    box.post(dm(box), "a")
    with box.db.writing() as session:
        outbox.post(session, box.clock(), Address(box.team_id, user_ids=(RILEY,)), key="b", text="b")
        session.flush()
        session.execute(
            OutboxRow.__table__.update().where(OutboxRow.message_key == "b").values(lane="another lane")
        )
    rows = box.sender.claim(10)
    assert len(rows) == 2
    threads = [threading.Thread(target=box.sender.work, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said_to(box)) == ["a", "b"]
    with box.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 1


def test_a_payload_that_no_code_can_read_ends_as_a_dead_letter(box, caplog) -> None:
    """A bug of ours in one row neither stops the thread nor is tried for ever."""
    with box.db.writing() as session:
        session.add(
            OutboxRow(
                dedupe_key="broken",
                team_id=box.team_id,
                lane="x",
                kind=OutboxKind.POST,
                message_key="broken",
                payload={},
                created_at=box.clock(),
                due_at=box.clock(),
            )
        )
    box.settle()
    assert box.row().state is DEAD
    assert "KeyError" in caplog.text
