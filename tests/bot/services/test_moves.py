"""States change in one place, by one table, and every change leaves an event."""

from itertools import product
from typing import Any

import pytest

from bot.errors import RefusedMove
from bot.ids import EventKind
from bot.lifecycle import MOVES, OPEN_ASSIGNMENTS, AssignmentState, RequestState
from bot.services.moves import HOW_IT_ENDED, STANDS, move
from bot.storage.tables import SupportRequest
from bot.storage.work import MATCHING_DUE


@pytest.mark.parametrize(("old", "new"), list(product(RequestState, RequestState)))
def test_only_the_tables_moves_happen(
    sqlite_database: Any, clock: Any, old: RequestState, new: RequestState
) -> None:
    """A move in the table happens and leaves an event; any other is refused with where the request stands."""
    with sqlite_database.writing() as session:
        request = SupportRequest(
            team_id="T",
            requester_id="U",
            channel_id="D",
            thread_ts="1.1",
            text="x",
            state=old,
            opened_at=clock(),
            reopened_count=0,
        )
        session.add(request)
        session.flush()
        if new in MOVES[old]:
            assert move(session, clock(), request, new, kind=EventKind.OPENED) == 1
            assert request.state is new
            assert (MATCHING_DUE in session.info) == (new is RequestState.WAITING)
        else:
            with pytest.raises(RefusedMove) as refusal:
                move(session, clock(), request, new, kind=EventKind.OPENED)
            assert str(refusal.value) == STANDS[old]
            assert request.state is old


def test_a_stale_row_is_refused(database: Any, clock: Any) -> None:
    """Somebody who read the request before another moved it is refused, and told where it stands now."""
    with database.writing() as session:
        session.add(
            SupportRequest(
                team_id="T", requester_id="U", channel_id="D", thread_ts="1.1", text="x",
                state=RequestState.SUGGESTED, opened_at=clock(), reopened_count=0,
            )
        )  # fmt: skip
    with database.reading() as session:
        stale = session.get(SupportRequest, 1)
        session.expunge(stale)
    with database.writing() as session:
        fresh = session.get(SupportRequest, 1)
        move(session, clock(), fresh, RequestState.WAITING, kind=EventKind.ESCALATED)
    with database.writing() as session:
        session.add(stale)
        with pytest.raises(RefusedMove, match="already waiting"):
            move(
                session,
                clock(),
                stale,
                RequestState.CLOSED_BY_SUGGESTION,
                kind=EventKind.CLOSED_BY_SUGGESTION,
            )


def test_every_state_has_its_sentence() -> None:
    """Whatever a request or an assignment is, there is a sentence for somebody who presses too late."""
    assert set(STANDS) == set(RequestState)
    assert set(HOW_IT_ENDED) == set(AssignmentState)
    assert set(HOW_IT_ENDED) > OPEN_ASSIGNMENTS
