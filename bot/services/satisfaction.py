"""How the help was: once an agent has resolved a request, its requester is asked, with three faces and room for a comment.

Asked once for each request, and never after a suggestion's button closed it. The last click wins. It speaks of whoever had
resolved the request last by then, so after a reopening the same question serves for the next agent's work.
No answer is no answer: nothing is made of silence, here or in :mod:`bot.services.track_record`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import NotAllowed, RefusedMove
from bot.ids import EventKind
from bot.lifecycle import AssignmentState
from bot.services.moves import record
from bot.services.reopening import may_reopen
from bot.services.suggestions import find_own
from bot.services.views import RequestView
from bot.settings import Settings, Switch
from bot.storage.tables import Assignment, Satisfaction, SatisfactionQuestion, SupportRequest
from classifier.personal_data import redact

NEVER_ASKED = "Nobody has asked you how the help with this request was."
TOO_OLD = "This question is too old: what you say now would not be counted any more."
FACE_FIRST = "Please choose one of the three faces first."
LONGEST_COMMENT = 1000  # characters


@dataclass(frozen=True, slots=True)
class Rated:
    """What the requester says of the help by now. ``may_reopen``: a reply in the thread would bring the request back."""

    request: RequestView
    answer: Satisfaction
    has_comment: bool
    may_reopen: bool
    event_id: int


def ask(
    session: Session, now: datetime, request: SupportRequest, assignment: Assignment, settings: Settings
) -> bool:
    """Whether the requester is to be asked now that ``assignment`` is resolved; then it is noted that they are."""
    if settings.firstline_satisfaction is Switch.OFF or _question_of(session, request) is not None:
        return False
    session.add(
        SatisfactionQuestion(
            team_id=request.team_id, request_id=request.id, assignment_id=assignment.id, asked_at=now
        )
    )
    data = {"assignment_id": assignment.id}
    record(session, now, request.team_id, EventKind.SATISFACTION_ASKED, request_id=request.id, data=data)
    return True


def rate(
    session: Session,
    now: datetime,
    *,
    team_id: str,
    user_id: str,
    request_id: int,
    answer: Satisfaction,
    settings: Settings,
) -> Rated:
    """Take a click on a face. Raises NotAllowed for anybody but the requester, RefusedMove when it is too late."""
    request, question = _find(session, now, team_id, request_id, user_id, settings)
    before, question.answer = question.answer, answer
    question.answered_at = now
    question.assignment_id = _resolved_last(session, question)
    data = {"answer": answer, "before": before, "assignment_id": question.assignment_id}
    event_id = record(
        session, now, team_id, EventKind.RATED, request_id=request_id, actor_id=user_id, data=data
    )
    return _rated(request, question, now, event_id, settings)


def comment(
    session: Session,
    now: datetime,
    *,
    team_id: str,
    user_id: str,
    request_id: int,
    words: str,
    settings: Settings,
) -> Rated:
    """Keep what the requester wrote in place of what they wrote before; nothing takes it back. Raises as `rate` does."""
    request, question = _find(session, now, team_id, request_id, user_id, settings)
    if question.answer is None:
        raise RefusedMove(FACE_FIRST)
    words = words.strip()[:LONGEST_COMMENT]
    if settings.firstline_redact is Switch.ON:
        words = redact(words)
    question.comment = words or None
    data = {"characters": len(words)}
    event_id = record(
        session, now, team_id, EventKind.COMMENTED, request_id=request_id, actor_id=user_id, data=data
    )
    return _rated(request, question, now, event_id, settings)


def read_comment(
    session: Session, now: datetime, *, team_id: str, user_id: str, request_id: int, settings: Settings
) -> str:
    """What the requester wrote before, for the form. Raises as `rate` does."""
    _, question = _find(session, now, team_id, request_id, user_id, settings)
    return question.comment or ""


def _find(
    session: Session, now: datetime, team_id: str, request_id: int, user_id: str, settings: Settings
) -> tuple[SupportRequest, SatisfactionQuestion]:
    request = find_own(session, team_id, request_id, user_id)
    question = _question_of(session, request)
    if question is None:
        raise NotAllowed(NEVER_ASKED)
    # Where the card stands in Slack is known at least so long: later, it could not change with the answer.
    if now > question.asked_at + timedelta(seconds=settings.firstline_keep_s):
        raise RefusedMove(TOO_OLD)
    return request, question


def _question_of(session: Session, request: SupportRequest) -> SatisfactionQuestion | None:
    return session.scalars(
        select(SatisfactionQuestion).where(
            SatisfactionQuestion.team_id == request.team_id, SatisfactionQuestion.request_id == request.id
        )
    ).one_or_none()


def _resolved_last(session: Session, question: SatisfactionQuestion) -> int:
    found = session.scalar(
        select(Assignment.id)
        .where(
            Assignment.team_id == question.team_id,
            Assignment.request_id == question.request_id,
            Assignment.state == AssignmentState.RESOLVED,
        )
        .order_by(Assignment.ended_at.desc(), Assignment.id.desc())
        .limit(1)
    )
    return question.assignment_id if found is None else found


def _rated(
    request: SupportRequest, question: SatisfactionQuestion, now: datetime, event_id: int, settings: Settings
) -> Rated:
    assert question.answer is not None
    has_comment = question.comment is not None
    is_open_still = may_reopen(request, now, settings)
    return Rated(RequestView.of(request), question.answer, has_comment, is_open_still, event_id)
