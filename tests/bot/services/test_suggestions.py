"""Closing with a suggestion, taking it back, asking a person, and withdrawing: only the requester's click counts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.errors import BotError, NotAllowed, RefusedMove
from bot.services import assignments
from bot.storage.tables import Feedback


def test_closing_records_the_click(office: Any, shows: Any) -> None:
    """A close records which suggestion it was, and the request takes that suggestion's category."""
    request_id = office.write(decision=shows("network_vpn", "account_password", top=0.6)).request.id
    closed = office.close(request_id, position=2)
    assert closed.title == "About account_password"
    request = office.request(request_id)
    assert (request.state, request.closed_at) == ("closed_by_suggestion", office.clock())
    assert (request.category, request.confidence) == ("account_password", pytest.approx(0.2))
    assert [(f.kind, f.user_id, f.suggestion_id) for f in office.rows(Feedback)] == [("closed", "URILEY", 2)]


def test_undo_brings_it_to_a_person(office: Any) -> None:
    """Undo reopens within the window, and the last click wins."""
    request_id = office.write().request.id
    office.close(request_id)
    office.undo(request_id)
    assert office.request(request_id).state == "waiting"
    assert office.feedback() == ["closed", "undone"]


def test_undo_after_the_window_is_refused(office: Any) -> None:
    """After the window a close stands."""
    request_id = office.write().request.id
    office.close(request_id)
    office.clock.forward(5 * 86400)
    with pytest.raises(RefusedMove, match="closed for good"):
        office.undo(request_id)


@pytest.mark.parametrize("click", ["close", "ask_person", "withdraw"])
def test_somebody_else_cannot_click(office: Any, click: str) -> None:
    """A click by anybody but the requester changes nothing, an administrator's neither."""
    request_id = office.write().request.id
    for user in ("UANA", "UBOSS"):
        with pytest.raises(NotAllowed):
            getattr(office, click)(request_id, user=user)
    assert office.request(request_id).state == "suggested"
    assert office.feedback() == []


def test_another_workspace_knows_nothing(office: Any) -> None:
    """A request's id means nothing in another workspace."""
    request_id = office.write().request.id
    with pytest.raises(NotAllowed, match="not known"):
        office.close(request_id, team="T0TWO")


def test_a_suggestion_of_another_request_does_not_close(office: Any) -> None:
    """A button made up from two requests' ids is refused."""
    office.write()
    second = office.write().request.id
    with pytest.raises(NotAllowed, match="does not belong"):
        office.close(second, position=7)


def test_a_click_too_late_says_where_it_stands(office: Any) -> None:
    """A button pressed on an old card changes nothing and says what happened meanwhile."""
    request_id = office.write().request.id
    office.ask_person(request_id)
    with pytest.raises(RefusedMove, match="waiting for a person"):
        office.close(request_id)
    with pytest.raises(RefusedMove, match="waiting for a person"):
        office.undo(request_id)
    office.match()
    with pytest.raises(RefusedMove, match="on its way"):
        office.ask_person(request_id)


def test_reasons_never_block(office: Any) -> None:
    """A reason moves nothing, and can still be given when the request has been offered to somebody."""
    request_id = office.write().request.id
    office.ask_person(request_id)
    office.match()
    office.give_reason(request_id)
    assert office.feedback() == ["asked_person", "did_not_work"]
    assert office.request(request_id).state == "offered"


def _asked_nobody(office: Any, _request_id: int) -> None:
    pass


def _closed(office: Any, request_id: int) -> None:
    office.close(request_id)


def _undone(office: Any, request_id: int) -> None:
    office.close(request_id)
    office.undo(request_id)


def _given_already(office: Any, request_id: int) -> None:
    office.ask_person(request_id)
    office.give_reason(request_id)


def _taken(office: Any, request_id: int) -> None:
    office.ask_person(request_id)
    offer = office.match().offers[0]
    office.answer(assignments.accept, offer.assignment_id, offer.agent_id)


def _handed_back(office: Any, request_id: int) -> None:
    office.ask_person(request_id)
    offer = office.match().offers[0]
    office.answer(assignments.accept, offer.assignment_id, offer.agent_id)
    office.answer(assignments.hand_back, offer.assignment_id, offer.agent_id)


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        (_asked_nobody, "still waits for an answer"),
        (_closed, "already closed"),
        (_undone, "not asked for a reason"),
        (_given_already, "already given one"),
        (_taken, "already working"),
        (_handed_back, "not asked for a reason"),
    ],
)
def test_a_reason_counts_only_where_it_is_asked_for(
    office: Any, before: Callable[[Any, int], None], sentence: str
) -> None:
    """A button that is made up, or stands on an old card, is refused, and no reason is counted."""
    request_id = office.write().request.id
    before(office, request_id)
    counted, events = office.feedback(), len(office.events(request_id))
    with pytest.raises(RefusedMove, match=sentence):
        office.give_reason(request_id)
    assert office.feedback() == counted
    assert len(office.events(request_id)) == events


def test_a_request_that_was_never_suggested_to_has_no_reasons(office: Any) -> None:
    """Nothing was shown, so nothing can have been no help."""
    with pytest.raises(RefusedMove, match="not asked for a reason"):
        office.give_reason(office.waiting())


def test_withdrawing_ends_the_agents_work(office: Any) -> None:
    """Withdrawing cancels the open assignment, whether offered or accepted, and frees the agent's place."""
    offered = office.waiting()
    offer = office.match().offers[0]
    assert office.withdraw(offered).cancelled[0].assignment_id == offer.assignment_id
    in_progress, _, agent = office.in_progress()
    assert office.withdraw(in_progress).cancelled[0].agent_id == agent
    assert [a.state for a in office.assignments()] == ["cancelled", "cancelled"]
    with pytest.raises(RefusedMove, match="no longer needs help"):
        office.answer(assignments.accept, offer.assignment_id, offer.agent_id)


@pytest.mark.parametrize(
    "first_two", [("close", "ask_person"), ("close", "close"), ("ask_person", "withdraw")]
)
def test_of_two_clicks_at_once_one_wins(office: Any, first_two: tuple[str, str]) -> None:
    """Two clicks at the same moment leave one state, one event for each move made, and tell the other what happened."""
    request_id = office.write().request.id
    before = len(office.events(request_id))

    def click(name: str) -> str:
        clicks: Callable[[int], object] = getattr(office, name)
        try:
            clicks(request_id)
        except BotError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(click, first_two))
    moves_made = len(office.events(request_id)) - before
    assert moves_made == results.count("done")
    assert set(results) <= {"done", "RefusedMove"}
    # Asking a person and then withdrawing is allowed in that order; everything else excludes the other.
    assert moves_made == 1 or (
        first_two == ("ask_person", "withdraw") and office.request(request_id).state == "withdrawn"
    )
