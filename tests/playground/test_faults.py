"""Calls that go wrong on purpose: what the caller sees, and whether the work was done."""

import time
from http.client import HTTPException

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from playground.errors import ControlError
from playground.faults import FaultKind, FaultPlan, FaultRule, read_fault_plan

POST = "chat.postMessage"


@pytest.fixture
def texts(slack):
    """What Riley's DM holds."""
    return lambda: [m.text for m in slack.person("U0RILEY").messages()]


def test_a_rate_limit_answers_429(slack, client, texts):
    """rate_limited answers 429 with Retry-After and does nothing; after `times` all is well."""
    slack.set_faults(FaultRule(FaultKind.RATE_LIMITED, POST, times=1, retry_after_s=7))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="D0RILEY", text="one")
    assert (caught.value.response.status_code, caught.value.response.headers["retry-after"]) == (429, "7")
    client.chat_postMessage(channel="D0RILEY", text="two")
    assert texts() == ["two"]


@pytest.mark.parametrize(("kind", "expected"), [(FaultKind.FAIL_BEFORE, []), (FaultKind.FAIL_AFTER, ["one"])])
def test_a_500_may_come_before_or_after_the_write(slack, client, texts, kind, expected):
    """fail_before leaves nothing behind, fail_after leaves the message."""
    slack.set_faults(FaultRule(kind, POST, times=1))
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="D0RILEY", text="one")
    assert caught.value.response.status_code == 500
    assert texts() == expected


@pytest.mark.parametrize(("kind", "expected"), [(FaultKind.CUT_BEFORE, []), (FaultKind.CUT_AFTER, ["one"])])
def test_a_connection_may_be_cut_before_or_after_the_write(slack, client, texts, kind, expected):
    """A cut connection is an error of the connection, not an answer; after the write the message is there."""
    slack.set_faults(FaultRule(kind, POST, times=1))
    with pytest.raises((OSError, HTTPException)):
        client.chat_postMessage(channel="D0RILEY", text="one")
    assert texts() == expected
    [call] = slack.calls(POST)
    assert (call.status, call.fault) == (None, kind)


@pytest.mark.parametrize(("kind", "expected"), [(FaultKind.HANG_BEFORE, []), (FaultKind.HANG_AFTER, ["one"])])
def test_a_call_may_hang(slack, texts, kind, expected):
    """A hanging call runs into the client's own timeout."""
    slack.set_faults(FaultRule(kind, POST, times=1, delay_s=2))
    impatient = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[], timeout=1)
    with pytest.raises(OSError, match="timed out"):
        impatient.chat_postMessage(channel="D0RILEY", text="one")
    assert texts() == expected


def test_a_slow_answer_is_the_right_one(slack, client):
    """slow answers properly, but late."""
    slack.set_faults(FaultRule(FaultKind.SLOW, "auth.test", delay_s=0.2))
    started_s = time.monotonic()
    assert client.auth_test()["user_id"] == "U0BOT"
    assert time.monotonic() - started_s >= 0.2


def test_an_error_of_ones_choice(slack, client):
    """error answers 200 with the word that the rule names."""
    slack.set_faults(FaultRule(FaultKind.ERROR, "users.info", error="fatal_error"))
    with pytest.raises(SlackApiError, match="fatal_error"):
        client.users_info(user="U0RILEY")


def test_rules_pick_their_calls(slack, client, texts):
    """A rule strikes by arguments and spares the first ones; other calls pass."""
    slack.set_faults(FaultRule(FaultKind.ERROR, POST, skip=1, where={"channel": "D0RILEY"}))
    client.chat_postMessage(channel="D0SAM", text="passes")
    client.chat_postMessage(channel="D0RILEY", text="spared")
    with pytest.raises(SlackApiError, match="internal_error"):
        client.chat_postMessage(channel="D0RILEY", text="struck")
    assert texts() == ["spared"]


def test_shares_repeat_with_their_seed():
    """The same seed strikes the same calls, about as many as the share says."""

    def struck(seed):
        plan = FaultPlan((FaultRule(FaultKind.ERROR, share=0.3),), seed=seed)
        return [plan.strike("m", {}) is not None for _ in range(500)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 100 < sum(struck(1)) < 200


@pytest.mark.parametrize(
    "document",
    [
        {"api": [{"kind": "explode"}]},
        {"api": [{}]},
        {"api": ["slow"]},
        {"api": [{"kind": "slow", "share": 2}]},
        {"delivery": {"drop": -1}},
        {"delivery": {"late": 1.1}},
        {"delivery": {"late_s": -1}},
        {"delivery": {"lose": 1}},
        {"seed": "x"},
    ],
)
def test_a_senseless_plan_is_refused(document):
    """What is no fault plan is a bad request."""
    with pytest.raises(ControlError, match="bad_request"):
        read_fault_plan(document)
