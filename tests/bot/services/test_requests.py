"""What becomes of a message that somebody wrote to the bot."""

from datetime import timedelta
from typing import Any

import pytest

from bot.errors import ReplyAhead
from bot.services import assignments
from bot.services.deciding import NoDecision
from bot.services.incoming import MAX_TEXT, Taken
from bot.storage.tables import PostedMessage
from classifier import AbstainReason


def test_a_message_opens_a_request_with_suggestions(office: Any, shows: Any) -> None:
    """A top-level message opens a request and shows one suggestion for each category decided."""
    outcome = office.write("vpn or password", decision=shows("network_vpn", "account_password", top=0.6))
    assert outcome.taken is Taken.SUGGESTED
    assert [s.answer.category for s in outcome.shown] == ["network_vpn", "account_password"]
    request = office.request(outcome.request.id)
    assert (request.state, request.category, request.confidence) == ("suggested", "network_vpn", 0.6)
    assert (request.language, request.model_id, request.waiting_since) == ("en", "model-1", None)
    assert office.events(request.id) == ["opened", "suggested"]


def test_the_same_message_twice_changes_nothing(office: Any) -> None:
    """A second delivery of a message, whichever way it came, opens nothing and says nothing."""
    first = office.write()
    assert office.write(ts=first.incoming.ts).taken is Taken.KNOWN
    assert len(office.messages()) == 1


@pytest.mark.parametrize(
    ("reason", "category"), [(AbstainReason.UNSURE, "network_vpn"), (AbstainReason.OUT_OF_SCOPE, None)]
)
def test_an_unsure_model_passes_on(
    office: Any, abstains: Any, reason: AbstainReason, category: str | None
) -> None:
    """When the model abstains the request waits for a person, with a reason in words and a deadline."""
    outcome = office.write(decision=abstains(reason))
    assert outcome.taken is Taken.TO_PERSON
    assert outcome.why
    request = office.request(outcome.request.id)
    assert (request.state, request.category, request.language) == ("waiting", category, None)
    assert request.deadline_at == office.clock() + timedelta(hours=4)


def test_without_a_decision_a_person_is_asked(office: Any) -> None:
    """Without a model the request goes to a person, and the rule says why."""
    outcome = office.write(decision=NoDecision("there is no model"))
    assert (outcome.taken, outcome.why) == (Taken.TO_PERSON, "there is no model")
    assert office.request(outcome.request.id).rule == "there is no model"


def test_a_category_without_an_answer_goes_to_a_person(office: Any, shows: Any) -> None:
    """A category that nobody has written an answer for is not shown."""
    outcome = office.write(decision=shows("out_of_scope"))
    assert outcome.taken is Taken.TO_PERSON


@pytest.mark.parametrize("text", ["hi there", "", "🎉🎉", ":tada:", "  ", "?!"])
def test_a_greeting_is_asked_what_it_is_about(office: Any, text: str) -> None:
    """A greeting, or a message without words, is answered with a question; the next message completes it."""
    greeting = office.write(text)
    assert greeting.taken is Taken.ASKED
    completed = office.write("my vpn is down")
    assert completed.taken is Taken.SUGGESTED
    assert completed.request.id == greeting.request.id
    assert completed.request.text == "my vpn is down"
    assert completed.request.thread_ts == completed.incoming.ts


def test_a_reply_to_the_question_completes_the_greeting(office: Any) -> None:
    """Answering the question in the greeting's thread completes it there."""
    greeting = office.write("hello")
    completed = office.write("my vpn is down", thread_ts=greeting.incoming.ts)
    assert completed.request.id == greeting.request.id
    assert completed.request.thread_ts == greeting.incoming.ts


def test_a_second_greeting_is_asked_again(office: Any) -> None:
    """Somebody who greets twice is asked twice, and still has one request."""
    first, second = office.write("hello"), office.write("hello?")
    assert second.taken is Taken.ASKED
    assert second.request.id == first.request.id


def test_a_file_alone_goes_to_a_person(office: Any) -> None:
    """A screenshot without words is no greeting: a person looks at it, and its name is kept."""
    outcome = office.write("", attachments=("error.png",), decision=NoDecision("there are no words to go by"))
    assert outcome.taken is Taken.TO_PERSON
    assert outcome.request.text == "[attached: error.png]"


def test_a_huge_message_is_cut(office: Any) -> None:
    """Of 40,000 characters the first 8,000 are kept."""
    outcome = office.write("x" * 40_000)
    assert len(outcome.request.text) == MAX_TEXT


def test_two_messages_are_two_requests(office: Any) -> None:
    """Each top-level message opens a request of its own."""
    assert office.write().request.id != office.write().request.id


def test_replies_are_appended_until_a_person_is_on_it(office: Any) -> None:
    """A reply belongs to its thread's request: kept while it waits, passed on to the agent in work."""
    first = office.write()
    reply = office.write("since monday", thread_ts=first.incoming.ts)
    assert (reply.taken, reply.request.id) == (Taken.APPENDED, first.request.id)
    office.ask_person(first.request.id)
    assert office.write("hello?", thread_ts=first.incoming.ts).taken is Taken.APPENDED
    offer = office.match().offers[0]
    assert offer.words == "the vpn is down\nsince monday\nhello?"
    assert office.write("and wifi", thread_ts=first.incoming.ts).taken is Taken.APPENDED
    office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    assert office.write("any news", thread_ts=first.incoming.ts).taken is Taken.FORWARDED


@pytest.mark.parametrize("how", ["suggestion", "agent"])
def test_a_reply_within_the_window_reopens(office: Any, how: str) -> None:
    """A reply after the close brings the request to a person, with a new deadline."""
    if how == "suggestion":
        request_id = office.write().request.id
        office.close(request_id)
    else:
        request_id, assignment_id, agent = office.in_progress()
        office.resolve(assignment_id, agent)
    now = office.clock.forward(3 * 86400)
    reply = office.write("it is back", thread_ts=office.request(request_id).thread_ts)
    assert reply.taken is Taken.REOPENED
    request = office.request(request_id)
    assert (request.state, request.reopened_count, request.closed_at, request.agent_id) == (
        "waiting",
        1,
        None,
        None,
    )
    assert request.deadline_at == now + timedelta(hours=4)
    assert (request.waiting_since, request.accepted_at) == (now, None)


def test_a_reply_after_the_window_is_told_so(office: Any) -> None:
    """After the window a reply reopens nothing, whether or not the job has closed the request for good."""
    request_id = office.write().request.id
    office.close(request_id)
    office.clock.forward(5 * 86400)
    reply = office.write("it is back", thread_ts=office.request(request_id).thread_ts)
    assert reply.taken is Taken.TOO_LATE
    assert office.request(request_id).state == "closed_by_suggestion"


def test_a_reply_to_a_withdrawn_request_is_told_so(office: Any) -> None:
    """A withdrawn request stays withdrawn."""
    request_id = office.waiting()
    office.withdraw(request_id)
    assert office.write("wait", thread_ts=office.request(request_id).thread_ts).taken is Taken.TOO_LATE


def test_a_reply_that_overtook_its_parent_waits_for_it(office: Any) -> None:
    """A reply ahead of its parent is put back at first; given up waiting, it opens the request its parent then joins."""
    parent_ts, reply_ts = office.new_ts(), office.new_ts()
    with pytest.raises(ReplyAhead):
        office.write("since monday", ts=reply_ts, thread_ts=parent_ts, wait_for_parent=True)
    assert office.messages() == []
    reply = office.write("since monday", ts=reply_ts, thread_ts=parent_ts)
    parent = office.write("the vpn is down", ts=parent_ts)
    assert (parent.taken, parent.request.id) == (Taken.APPENDED, reply.request.id)
    office.ask_person(reply.request.id)
    assert office.match().offers[0].words == "the vpn is down\nsince monday"


@pytest.mark.parametrize("parent", ["U0BOT", None])
def test_a_reply_under_the_bots_own_message_is_no_request(office: Any, parent: str | None) -> None:
    """Somebody who writes under a card of the bot's is told to write anew; no request is opened."""
    with office.db.writing() as session:
        session.add(
            PostedMessage(
                team_id="T0ONE",
                message_key="offer:1",
                channel_id="DUANA",
                ts="17.5",
                posted_at=office.clock(),
            )
        )
    reply = office.write("what is this?", user="UANA", thread_ts="17.5", parent=parent)
    assert reply.taken is Taken.UNRELATED
    assert office.messages() == []


def test_opened_when_it_was_sent(office: Any) -> None:
    """A message that arrives late counts from the moment the person sent it; a ts from the future counts as now."""
    sent = office.clock()
    ts = office.new_ts()
    office.clock.forward(600)
    assert office.request(office.write(ts=ts).request.id).opened_at == sent + timedelta(microseconds=1)
    assert office.request(office.write(ts="99999999999.0").request.id).opened_at == office.clock()
    assert office.request(office.write(ts="odd").request.id).opened_at == office.clock()


def test_workspaces_never_meet(office: Any) -> None:
    """The same channel and ts in another workspace is another message."""
    first = office.write(ts="5.5")
    other = office.write(ts="5.5", team="T0TWO")
    assert other.taken is Taken.SUGGESTED
    assert (
        office.write("more", thread_ts="5.5", team="T0TWO").request.id == other.request.id != first.request.id
    )
