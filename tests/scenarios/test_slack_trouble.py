"""Slack's Web API refuses, fails, hangs or cuts the line; what was to be said is said once all the same."""

import pytest

from bot.storage.tables import OutboxRow, RowState
from playground.faults import FaultKind, FaultRule
from tests.scenarios.conftest import CLOSE, Desk

TROUBLE = {
    "429": FaultRule(FaultKind.RATE_LIMITED, "chat.postMessage", times=2, retry_after_s=1),
    "500 before the write": FaultRule(FaultKind.FAIL_BEFORE, "chat.postMessage", times=2),
    "500 after the write": FaultRule(FaultKind.FAIL_AFTER, "chat.postMessage", times=1),
    "cut before the write": FaultRule(FaultKind.CUT_BEFORE, "chat.postMessage", times=2),
    "cut after the write": FaultRule(FaultKind.CUT_AFTER, "chat.postMessage", times=1),
    "hangs before the write": FaultRule(FaultKind.HANG_BEFORE, "chat.postMessage", times=1, delay_s=2),
    "hangs after the write": FaultRule(FaultKind.HANG_AFTER, "chat.postMessage", times=1, delay_s=2),
    "an update fails": FaultRule(FaultKind.FAIL_BEFORE, "chat.update", times=2),
    "a DM cannot be opened": FaultRule(FaultKind.FAIL_BEFORE, "conversations.open", times=2),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE.keys())
def test_what_fails_is_said_once_all_the_same(sqlite_desk: Desk, trouble: FaultRule) -> None:
    """Card, update, offer: each is there once, whatever the Web API did meanwhile."""
    sqlite_desk.start_bot(firstline_slack_timeout_s=1)
    sqlite_desk.slack.set_faults(trouble)
    riley = sqlite_desk.riley
    riley.dm("vpn")
    card = sqlite_desk.sees(riley, "This may help", timeout_s=20)
    riley.press(card, CLOSE)
    closed = sqlite_desk.sees(riley, "Closed with", timeout_s=20)
    riley.press(closed, "Undo")
    holder, _offer = sqlite_desk.offer_to(timeout_s=20)
    sqlite_desk.slack.eventually(lambda: settled(sqlite_desk), 20, what="an empty outbox")
    assert sqlite_desk.said_to(riley) == ["card", "line"]
    assert sqlite_desk.said_to(holder) == ["offer"]


def test_retry_after_is_obeyed(sqlite_desk: Desk) -> None:
    """After a 429 with Retry-After of two seconds nothing is posted to that channel for two seconds."""
    sqlite_desk.start_bot()
    sqlite_desk.slack.set_faults(
        FaultRule(FaultKind.RATE_LIMITED, "chat.postMessage", times=1, retry_after_s=2)
    )
    sqlite_desk.riley.dm("vpn")
    sqlite_desk.sees(sqlite_desk.riley, "This may help", timeout_s=20)
    refused, done = (call.at for call in sqlite_desk.slack.calls("chat.postMessage"))
    assert (done - refused).total_seconds() >= 2


def test_what_slack_refuses_for_good_is_given_up_and_the_rest_goes_on(sqlite_desk: Desk) -> None:
    """A permanent error makes a dead letter at once; the next message is said."""
    sqlite_desk.start_bot()
    sqlite_desk.slack.set_faults(
        FaultRule(FaultKind.ERROR, "chat.postMessage", times=1, error="channel_not_found")
    )
    sqlite_desk.riley.dm("vpn")
    sqlite_desk.slack.eventually(
        lambda: any(row.state is RowState.DEAD for row in sqlite_desk.rows(OutboxRow))
    )  # type: ignore[attr-defined]
    sqlite_desk.sam.dm("password")
    sqlite_desk.sees(sqlite_desk.sam, "This may help")
    assert len(sqlite_desk.slack.calls("chat.postMessage")) == 2


def test_standard_faults_over_a_morning(desk: Desk) -> None:
    """Twenty people under 5 % each of refusals, failures and cut lines: each has one card."""
    desk.start_bot(firstline_slack_timeout_s=1)
    desk.slack.set_faults(
        FaultRule(FaultKind.RATE_LIMITED, share=0.05),
        FaultRule(FaultKind.FAIL_BEFORE, share=0.05),
        FaultRule(FaultKind.FAIL_AFTER, share=0.05),
        FaultRule(FaultKind.CUT_AFTER, share=0.05),
        seed=3,
    )
    people = [desk.slack.add_person(f"U0F{n}", f"Flo {n}") for n in range(20)]
    for person in people:
        person.dm("vpn and password")
    for person in people:
        desk.sees(person, "One of these may help", timeout_s=30)
    desk.slack.eventually(lambda: settled(desk), 20, what="an empty outbox")
    assert [len(desk.cards(person)) for person in people] == [1] * len(people)


def settled(desk: Desk) -> bool:
    """Whether everything was said."""
    return all(row.state is RowState.DONE for row in desk.rows(OutboxRow))  # type: ignore[attr-defined]
