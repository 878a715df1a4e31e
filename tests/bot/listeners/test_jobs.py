"""What happens without a click: the matcher's thread, offers that run out, requests that close for good."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text, update
from structlog.testing import capture_logs

from bot.jobs.forget import forget_words
from bot.jobs.matching import Matcher
from bot.jobs.offers import close_old, expire_offers, hedge_offers
from bot.services import agents
from bot.storage.database import WRITE_WITHIN_S
from bot.storage.tables import Agent, OutboxRow, RowState


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> bool:
    """Whether ``condition`` comes true in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def test_while_everybody_is_busy_a_matching_waits_for_nobody_who_writes(
    open_desk: Callable[..., Any],
) -> None:
    """A look that finds nothing to do needs no turn at writing, and so never keeps anybody from theirs."""
    desk = open_desk(firstline_agents=("UANA",), firstline_agent_capacity=1)
    for who in ("URILEY", "USAM"):
        desk.dm(who, "broken screen")
    assert desk.match() == 1
    looked = threading.Event()

    def look() -> None:
        desk.match()
        looked.set()

    with desk.deps.db.writing():
        threading.Thread(target=look, daemon=True).start()
        assert looked.wait(WRITE_WITHIN_S / 2)
    assert desk.keys("offer:") == ["offer:1"]


def test_the_matcher_offers_as_soon_as_there_is_work(open_desk: Callable[..., Any]) -> None:
    """A request that comes in, and one that is declined, is offered without waiting for the tick; stopping is prompt."""
    desk = open_desk(firstline_match_tick_s=3600)
    matcher = Matcher(desk.deps)
    matcher.start()
    try:
        desk.dm("URILEY", "broken screen")
        assert wait_for(lambda: desk.keys("offer:") == ["offer:1"])
        desk.press(desk.shown("offer:1")["user_ids"][0], "offer:1", "Decline")
        assert wait_for(lambda: desk.keys("offer:") == ["offer:1", "offer:2"])
        assert matcher.is_alive
    finally:
        assert matcher.stop(5)
    assert not matcher.is_alive


def test_the_matcher_takes_what_waited_before_it_started(open_desk: Callable[..., Any]) -> None:
    """What was waiting when the bot starts is offered at once."""
    desk = open_desk(firstline_match_tick_s=3600)
    desk.dm("URILEY", "broken screen")
    desk.deps.wake.matching.clear()
    matcher = Matcher(desk.deps)
    matcher.start()
    try:
        assert wait_for(lambda: desk.keys("offer:") == ["offer:1"])
    finally:
        matcher.stop(5)


class _Busy(Matcher):
    """A matcher that has a long line, and is called again and again."""

    def step(self) -> float:
        time.sleep(0.05)
        self.steps = getattr(self, "steps", 0) + 1
        self._deps.wake.matching.set()
        return 0.0


def test_a_long_line_leaves_time_for_those_who_write(desk: Any) -> None:
    """Whoever wakes it, a matcher runs a fifth of the time at most; stopping is prompt all the same."""
    matcher = _Busy(desk.deps)
    began_s = time.monotonic()
    matcher.start()
    time.sleep(1.0)
    assert matcher.stop(5)
    assert 1 <= matcher.steps <= 1 + (time.monotonic() - began_s) / 0.25


class _Slow(Matcher):
    """A matcher whose line takes a while to look through; it keeps when it did."""

    def step(self) -> float:
        self.looked_s = [*getattr(self, "looked_s", []), time.monotonic()]
        time.sleep(0.1)
        return super().step()


def test_while_nobody_has_room_a_long_line_is_left_alone(open_desk: Callable[..., Any]) -> None:
    """Requests that come in wake nobody who could take them; a place that becomes free is given soon."""
    desk = open_desk(firstline_agents=("UANA",), firstline_agent_capacity=1, firstline_match_tick_s=3600)
    matcher = _Slow(desk.deps)
    matcher.start()
    try:
        for who in ("URILEY", "USAM"):
            desk.dm(who, "broken screen")
        assert wait_for(lambda: desk.keys("offer:") == ["offer:1"])
        began_s = time.monotonic()
        while time.monotonic() < began_s + 2.3:
            desk.deps.wake.matching.set()
            time.sleep(0.05)
        assert len([at_s for at_s in matcher.looked_s if at_s > began_s]) <= 1
        desk.press(desk.shown("offer:1")["user_ids"][0], "offer:1", "Decline")
        assert wait_for(lambda: desk.keys("offer:") == ["offer:1", "offer:2"], 2.5)
    finally:
        assert matcher.stop(5)


def test_the_matcher_goes_on_where_its_last_run_ended(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait that nobody can take, a later one that somebody can is offered after a few runs."""
    presence = {"team_id": "T0TEST", "settings": desk.deps.settings}
    matcher = Matcher(desk.deps)
    with desk.deps.db.writing() as session:
        for user in ("UANA", "UBEN"):
            agents.set_presence(session, desk.deps.clock(), user_id=user, is_on=user == "UBEN", **presence)
    for _ in range(4):
        desk.dm("UBEN", "broken screen")  # their own: nobody else is on
    desk.dm("URILEY", "broken screen")
    with desk.deps.db.writing() as session:
        agents.set_presence(session, desk.deps.clock(), user_id="UBEN", is_on=False, **presence)
    matcher.step()  # all are told of
    with desk.deps.db.writing() as session:
        agents.set_presence(session, desk.deps.clock(), user_id="UBEN", is_on=True, **presence)
    monkeypatch.setattr("bot.services.line.BATCH", 1)
    for _ in range(5):
        matcher.step()
    assert [desk.shown(key)["user_ids"] for key in desk.keys("offer:")] == [["UBEN"]]


def test_hours_that_cannot_be_read_are_logged_once(desk: Any) -> None:
    """One warning with ids, however many runs, without what the row holds; the other agents are offered the work."""
    words = {"zone": "a secret", "windows": []}
    with desk.deps.db.writing() as session:
        agents.seed(session, desk.deps.clock(), "T0TEST", desk.deps.settings)
        session.execute(update(Agent).where(Agent.user_id == "UANA").values(hours=words))
    matcher = Matcher(desk.deps)
    with capture_logs() as logs:
        for user in ("URILEY", "USAM"):
            desk.dm(user, "broken screen")
            matcher.step()
    assert [desk.shown(key)["user_ids"] for key in desk.keys("offer:")] == [["UBEN"], ["UBEN"]]
    warned = {"event": "agent_unreadable", "log_level": "warning", "team_id": "T0TEST", "agent_id": "UANA"}
    assert logs == [warned]


def test_an_offer_that_runs_out_goes_on(desk: Any, clock: Any) -> None:
    """Not answered in time, an offer ends on the agent's card and wakes the matcher."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    clock.forward(60)
    assert expire_offers(desk.deps) == 0
    desk.deps.wake.matching.clear()
    clock.forward(60)
    assert expire_offers(desk.deps) == 1
    assert desk.deps.wake.matching.is_set()
    assert "did not answer in time" in desk.seen("offer:1")
    assert desk.match() == 1


def test_an_offer_that_nobody_can_read_goes_on(desk: Any) -> None:
    """When Slack refuses an agent's card for good, the offer ends at once: nobody sits out two minutes for it."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    assert expire_offers(desk.deps) == 0
    with desk.deps.db.writing() as session:
        card = update(OutboxRow).where(OutboxRow.message_key == "offer:1")
        session.execute(card.values(state=RowState.DEAD))
    first = desk.shown("offer:1")["user_ids"]
    assert expire_offers(desk.deps) == 1
    assert desk.match() == 1
    assert desk.shown("offer:2")["user_ids"] != first


def test_a_matching_that_fails_is_tried_again_soon(open_desk: Callable[..., Any]) -> None:
    """Not only at the next tick: somebody may wait beside an agent who is free. Overdue offers end in the same step."""
    desk = open_desk(firstline_match_tick_s=3600)
    matcher = Matcher(desk.deps)
    desk.dm("URILEY", "broken screen")
    assert matcher.step() == 3600
    desk.deps.clock.forward(121)
    matcher.step()
    assert desk.keys("offer:") == ["offer:1", "offer:2"]
    desk.deps.db.dispose()
    with desk.deps.db.writing() as session:
        session.execute(text("ALTER TABLE support_requests RENAME TO hidden"))
    assert matcher.step() == 1


def test_what_cannot_be_reopened_any_more_is_closed(desk: Any, clock: Any) -> None:
    """After the reopen window a closed request is closed for good: its card loses Undo, and an old one is refused."""
    desk.dm("URILEY", "vpn")
    desk.press("URILEY", "card:1", "Yes, close my request")
    undo = desk.buttons("card:1")[0]
    assert close_old(desk.deps) == 0
    clock.forward(4 * 86400 + 1)
    assert close_old(desk.deps) == 1
    assert desk.requests()[0].state == "closed"
    assert desk.labels("card:1") == []
    assert "Closed with *Connect to the VPN again*" in desk.seen("card:1")
    desk.press_raw("URILEY", undo["action_id"], undo["value"])
    assert "closed for good" in desk.private()[0]


def test_a_resolved_card_stops_inviting_replies(desk: Any, clock: Any) -> None:
    """After the reopen window the card of a resolved request no longer says that a reply brings it back."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    agent = desk.shown("offer:1")["user_ids"][0]
    desk.press(agent, "offer:1", "Accept")
    desk.press(agent, "offer:1", "Resolve")
    assert "Reply in this thread" in desk.seen("card:1")
    clock.forward(4 * 86400 + 1)
    assert close_old(desk.deps) == 1
    assert "marked your request as resolved" in desk.seen("card:1")
    assert "Reply in this thread" not in desk.seen("card:1")


@pytest.mark.parametrize("later", ["None of these - ask a person", "Yes, close my request", "a reply"])
def test_a_card_whose_words_are_gone_still_works(desk: Any, clock: Any, later: str) -> None:
    """A year after a suggestion nobody answered; whoever helps is shown that there are no words left."""
    ts = desk.dm("URILEY", "vpn or password")
    clock.forward(366 * 86400)
    assert forget_words(desk.deps.db, clock, 365 * 86400, threading.Event()) == 1
    if later == "a reply":
        desk.dm("URILEY", "it is back", thread_ts=ts)
        assert desk.requests()[0].state == "suggested"
        later = "None of these - ask a person"
    desk.press("URILEY", "card:1", later)
    if later.startswith("Yes"):
        assert desk.requests()[0].state == "closed_by_suggestion"
        desk.press("URILEY", "card:1", "Undo")
    assert desk.match() == 1
    assert ("it is back" in desk.seen("offer:1")) != ("> (no words)" in desk.seen("offer:1"))
    agent = desk.shown("offer:1")["user_ids"][0]
    desk.press(agent, "offer:1", "Accept")
    desk.press(agent, "offer:1", "Resolve")
    assert desk.requests()[0].state == "resolved"


def test_a_greeting_whose_words_are_gone_can_still_be_completed(desk: Any, clock: Any) -> None:
    """What is written next is what the request is about, however late."""
    desk.dm("URILEY", "hi")
    clock.forward(366 * 86400)
    assert forget_words(desk.deps.db, clock, 365 * 86400, threading.Event()) == 1
    desk.dm("URILEY", "broken screen")
    assert desk.match() == 1
    assert "broken screen" in desk.seen("offer:1")
    assert len(desk.requests()) == 1


def test_a_place_that_becomes_free_wakes_the_matcher(desk: Any) -> None:
    """When an agent resolves a request, what waits for a free place is offered at once."""
    desk.dm("URILEY", "broken screen")
    desk.match()
    agent = desk.shown("offer:1")["user_ids"][0]
    desk.press(agent, "offer:1", "Accept")
    desk.deps.wake.matching.clear()
    desk.press(agent, "offer:1", "Resolve")
    assert desk.deps.wake.matching.is_set()


def test_one_more_agent_is_asked(desk: Any) -> None:
    """After half a minute without an answer another agent gets a card too; when one accepts, the other's card says so."""
    desk.dm("URILEY", "my broken screen")
    desk.match()
    desk.deps.clock.forward(30)
    assert hedge_offers(desk.deps) == 1
    assert "Somebody else was asked before you" in desk.seen("offer:2")
    assert desk.labels("offer:1") == desk.labels("offer:2") == ["Accept", "Decline"]
    (second,) = desk.shown("offer:2")["user_ids"]
    desk.press(second, "offer:2", "Accept")
    assert desk.labels("offer:2") == ["Resolve", "Hand back"]
    assert "Somebody else was quicker" in desk.seen("offer:1")
    assert desk.labels("offer:1") == []
    assert desk.keys("group:") == ["group:2"]
