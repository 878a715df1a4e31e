"""The numbers of a period, counted honestly: silence is unknown, never success.

*Deflected*: closed by the requester with a suggestion's button, and not reopened within the window. While the window is
open it is *pending*. *Escalated*: suggestions were shown, and the request went to a person all the same. *Abstained*: it
went to a person at once. A greeting that nobody followed up is no request.
"""

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.lifecycle import OPEN_STATES, RequestState
from bot.services.periods import Period, median, seconds_between
from bot.settings import Settings
from bot.storage.tables import Feedback, Satisfaction, SatisfactionQuestion, Suggestion, SupportRequest
from classifier import AbstainReason

COMMENTS = 3  # the newest are shown


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of requests; the last five say where they stand and add up to ``opened``."""

    opened: int = 0
    suggested: int = 0  # of these, suggestions were shown for so many
    engaged: int = 0  # of the suggested, so many saw any click of the requester's
    escalated: int = 0
    abstained: int = 0
    reopened: int = 0
    deflected: int = 0
    pending: int = 0
    resolved: int = 0
    withdrawn: int = 0
    still_open: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Said:
    """How the help was, as requesters say. Of those ``asked``, the ones who did not answer are in no other number.

    ``comments`` are the newest that were written, each with what the writer chose; plain, so escape them before Slack sees them.
    """

    asked: int = 0
    good: int = 0
    so_so: int = 0
    bad: int = 0
    comments: tuple[tuple[Satisfaction, str], ...] = ()

    @property
    def answered(self) -> int:
        return self.good + self.so_so + self.bad


@dataclass(frozen=True, slots=True)
class Stats:
    """``by_category`` by number of requests, most first; None is "no category known". Medians are in seconds.

    ``no_suggestion``: abstained ones by reason (an AbstainReason, or one of `bot.services.answering`), most first;
    ``unread_languages``: those turned away for their language (ISO 639-1), most first.
    """

    period: Period
    since: datetime | None
    until: datetime
    total: Counts
    by_category: tuple[tuple[str | None, Counts], ...]
    no_suggestion: tuple[tuple[str, int], ...]
    unread_languages: tuple[tuple[str, int], ...]
    median_answer_s: float | None
    median_accept_s: float | None
    median_resolve_s: float | None
    satisfaction: Said = field(default_factory=Said)


def gather(session: Session, now: datetime, team_id: str, period: Period, settings: Settings) -> Stats:
    """Count what was opened in the period, in seven statements."""
    since = period.since(now)
    rows = session.execute(_count_by_category(now, team_id, since, settings)).all()
    by_category = sorted(
        ((row.category, _counts(row)) for row in rows), key=lambda item: (-item[1].opened, item[0] or "")
    )
    request = SupportRequest
    base = _opened(select(), team_id, since)
    reasons, languages = _without_suggestion(session, team_id, since)
    return Stats(
        period=period,
        since=since,
        until=now,
        total=sum((counts for _, counts in by_category), Counts()),
        by_category=tuple(by_category),
        no_suggestion=reasons,
        unread_languages=languages,
        median_answer_s=median(
            session,
            seconds_between(request.opened_at, request.answered_at),
            base.where(request.answered_at.is_not(None)),
        ),
        median_accept_s=median(
            session,
            seconds_between(request.waiting_since, request.accepted_at),
            base.where(request.accepted_at.is_not(None)),
        ),
        median_resolve_s=median(
            session, seconds_between(request.opened_at, request.closed_at), base.where(_is_resolved())
        ),
        satisfaction=_said(session, team_id, since),
    )


def _opened(
    statement: Select[*tuple[Any, ...]], team_id: str, since: datetime | None
) -> Select[*tuple[Any, ...]]:
    statement = statement.where(SupportRequest.team_id == team_id, SupportRequest.state != RequestState.NEW)
    return statement if since is None else statement.where(SupportRequest.opened_at >= since)


def _count_by_category(
    now: datetime, team_id: str, since: datetime | None, settings: Settings
) -> Select[*tuple[Any, ...]]:
    request = SupportRequest
    first = (
        select(Suggestion.request_id)
        .join(SupportRequest, SupportRequest.id == Suggestion.request_id)
        .where(SupportRequest.team_id == team_id, Suggestion.position == 1)
        .subquery()
    )
    clicked = (
        select(Feedback.request_id)
        .where(Feedback.team_id == team_id)
        .group_by(Feedback.request_id)
        .subquery()
    )
    was_suggested = first.c.request_id.is_not(None)
    window_began = now - timedelta(seconds=settings.firstline_reopen_window_s)
    closed_itself = request.state == RequestState.CLOSED_BY_SUGGESTION
    # An agent's name stays on a resolved request, and a reopened one never returns to its suggestions.
    kept = and_(request.state == RequestState.CLOSED, request.agent_id.is_(None))
    columns: dict[str, ColumnElement[bool]] = {
        "suggested": was_suggested,
        "engaged": and_(was_suggested, clicked.c.request_id.is_not(None)),
        "escalated": and_(was_suggested, request.waiting_since.is_not(None)),
        "abstained": and_(~was_suggested, request.waiting_since.is_not(None)),
        "reopened": request.reopened_count > 0,
        "deflected": or_(kept, and_(closed_itself, request.closed_at < window_began)),
        "pending": and_(closed_itself, request.closed_at >= window_began),
        "resolved": _is_resolved(),
        "withdrawn": request.state == RequestState.WITHDRAWN,
        "still_open": request.state.in_(OPEN_STATES),
    }
    counted = select(
        request.category,
        func.count().label("opened"),
        *(func.sum(case((condition, 1), else_=0)).label(name) for name, condition in columns.items()),
    )
    counted = counted.outerjoin(first, first.c.request_id == request.id).outerjoin(
        clicked, clicked.c.request_id == request.id
    )
    return _opened(counted, team_id, since).group_by(request.category)


def _without_suggestion(
    session: Session, team_id: str, since: datetime | None
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    request = SupportRequest
    counted = _opened(select(request.no_suggestion, request.language, func.count()), team_id, since)
    counted = counted.where(request.no_suggestion.is_not(None)).group_by(
        request.no_suggestion, request.language
    )
    reasons, languages = Counter[str](), Counter[str]()
    for reason, language, count in session.execute(counted):
        reasons[reason] += count
        if reason == AbstainReason.UNSUPPORTED_LANGUAGE and language:
            languages[language] += count
    return _most_first(reasons), _most_first(languages)


def _said(session: Session, team_id: str, since: datetime | None) -> Said:
    question = SatisfactionQuestion
    of_opened = (question.request_id == SupportRequest.id) & (question.team_id == team_id)
    counted = _opened(select(question.answer, func.count()).join(SupportRequest, of_opened), team_id, since)
    by_answer = dict(session.execute(counted.group_by(question.answer)).all())
    written = _opened(
        select(question.answer, question.comment).join(SupportRequest, of_opened), team_id, since
    )
    newest = (
        written.where(question.comment.is_not(None)).order_by(question.answered_at.desc()).limit(COMMENTS)
    )
    return Said(
        asked=sum(by_answer.values()),
        good=by_answer.get(Satisfaction.GOOD, 0),
        so_so=by_answer.get(Satisfaction.SO_SO, 0),
        bad=by_answer.get(Satisfaction.BAD, 0),
        comments=tuple((answer, comment) for answer, comment in session.execute(newest)),
    )


def _most_first(counted: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0])))


def _is_resolved() -> ColumnElement[bool]:
    return or_(
        SupportRequest.state == RequestState.RESOLVED,
        and_(SupportRequest.state == RequestState.CLOSED, SupportRequest.agent_id.is_not(None)),
    )


def _counts(row: Row[*tuple[Any, ...]]) -> Counts:
    return Counts(*(int(getattr(row, f.name)) for f in fields(Counts)))
