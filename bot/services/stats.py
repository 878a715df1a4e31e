"""The numbers of a period, counted honestly: silence is unknown, never success.

*Deflected*: closed by the requester with a suggestion's button, and not reopened within the window. While the window is
open it is *pending*. *Escalated*: suggestions were shown, and the request went to a person all the same. *Abstained*: it
went to a person at once. A greeting that nobody followed up is no request.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from bot.lifecycle import OPEN_STATES, RequestState
from bot.services.periods import Period, median, seconds_between
from bot.settings import Settings
from bot.storage.tables import Satisfaction, SatisfactionQuestion, SupportRequest
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
class SatisfactionCounts:
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
    satisfaction: SatisfactionCounts = field(default_factory=SatisfactionCounts)


def gather(session: Session, now: datetime, team_id: str, period: Period, settings: Settings) -> Stats:
    """Count what was opened in the period, in six statements; those over all requests read one index and no row."""
    since = period.since(now)
    rows = session.execute(_count(now, team_id, since, settings)).all()
    by_category: defaultdict[str | None, Counts] = defaultdict(Counts)
    for row in rows:
        by_category[row.category] += _counts(row)
    request, total = SupportRequest, sum(by_category.values(), Counts())
    base = _opened(select(), team_id, since)
    return Stats(
        period=period,
        since=since,
        until=now,
        total=total,
        by_category=tuple(sorted(by_category.items(), key=lambda item: (-item[1].opened, item[0] or ""))),
        no_suggestion=_most_first((row.no_suggestion, row.opened) for row in rows),
        unread_languages=_most_first(
            (row.language, row.opened)
            for row in rows
            if row.no_suggestion == AbstainReason.UNSUPPORTED_LANGUAGE
        ),
        median_answer_s=median(
            session,
            seconds_between(request.opened_at, request.answered_at),
            base.where(request.answered_at.is_not(None)),
            sum(row.answered for row in rows),
        ),
        median_accept_s=median(
            session,
            seconds_between(request.waiting_since, request.accepted_at),
            base.where(request.accepted_at.is_not(None)),
            sum(row.accepted for row in rows),
        ),
        median_resolve_s=median(
            session,
            seconds_between(request.opened_at, request.closed_at),
            base.where(_is_resolved()),
            total.resolved,
        ),
        satisfaction=_said(session, team_id, since),
    )


def _opened(
    statement: Select[*tuple[Any, ...]], team_id: str, since: datetime | None
) -> Select[*tuple[Any, ...]]:
    statement = statement.where(SupportRequest.team_id == team_id, SupportRequest.state != RequestState.NEW)
    return statement if since is None else statement.where(SupportRequest.opened_at >= since)


def _count(
    now: datetime, team_id: str, since: datetime | None, settings: Settings
) -> Select[*tuple[Any, ...]]:
    # A request tells by itself whether suggestions were shown and a click followed (it went on, one way or the other);
    # joining suggestions and feedback took SQLite hours with 100,000 requests.
    request = SupportRequest
    was_suggested = and_(request.answered_at.is_not(None), request.no_suggestion.is_(None))
    window_began = now - timedelta(seconds=settings.firstline_reopen_window_s)
    closed_itself = request.state == RequestState.CLOSED_BY_SUGGESTION
    # An agent's name stays on a resolved request, and a reopened one never returns to its suggestions.
    kept = and_(request.state == RequestState.CLOSED, request.agent_id.is_(None))
    columns: dict[str, ColumnElement[bool]] = {
        "suggested": was_suggested,
        "engaged": and_(was_suggested, or_(request.waiting_since.is_not(None), closed_itself, kept)),
        "escalated": and_(was_suggested, request.waiting_since.is_not(None)),
        "abstained": request.no_suggestion.is_not(None),
        "reopened": request.reopened_count > 0,
        "deflected": or_(kept, and_(closed_itself, request.closed_at < window_began)),
        "pending": and_(closed_itself, request.closed_at >= window_began),
        "resolved": _is_resolved(),
        "withdrawn": request.state == RequestState.WITHDRAWN,
        "still_open": request.state.in_(OPEN_STATES),
    }
    counted = select(
        request.category,
        request.no_suggestion,
        request.language,
        func.count().label("opened"),
        func.count(request.answered_at).label("answered"),
        func.count(request.accepted_at).label("accepted"),
        *(func.sum(case((condition, 1), else_=0)).label(name) for name, condition in columns.items()),
    )
    return _opened(counted, team_id, since).group_by(
        request.category, request.no_suggestion, request.language
    )


def _said(session: Session, team_id: str, since: datetime | None) -> SatisfactionCounts:
    question = SatisfactionQuestion
    counted = _asked(select(question.answer, func.count()), team_id, since)
    by_answer = dict(session.execute(counted.group_by(question.answer)).all())
    written = _asked(select(question.answer, question.comment), team_id, since)
    newest = (
        written.where(question.comment.is_not(None)).order_by(question.answered_at.desc()).limit(COMMENTS)
    )
    return SatisfactionCounts(
        asked=sum(by_answer.values()),
        good=by_answer.get(Satisfaction.GOOD, 0),
        so_so=by_answer.get(Satisfaction.SO_SO, 0),
        bad=by_answer.get(Satisfaction.BAD, 0),
        comments=tuple((answer, comment) for answer, comment in session.execute(newest)),
    )


def _asked(
    statement: Select[*tuple[Any, ...]], team_id: str, since: datetime | None
) -> Select[*tuple[Any, ...]]:
    """Questions about requests opened in the period. Without one none is looked up: they were all opened some time."""
    question = SatisfactionQuestion
    statement = statement.where(question.team_id == team_id)
    if since is None:
        return statement
    of_opened = and_(question.request_id == SupportRequest.id, SupportRequest.team_id == team_id)
    return statement.join(SupportRequest, of_opened).where(SupportRequest.opened_at >= since)


def _most_first(counted: Iterable[tuple[str | None, int]]) -> tuple[tuple[str, int], ...]:
    sums = Counter[str]()
    for name, count in counted:
        if name is not None:
            sums[name] += count
    return tuple(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _is_resolved() -> ColumnElement[bool]:
    return or_(
        SupportRequest.state == RequestState.RESOLVED,
        and_(SupportRequest.state == RequestState.CLOSED, SupportRequest.agent_id.is_not(None)),
    )


def _counts(row: Row[*tuple[Any, ...]]) -> Counts:
    return Counts(*(int(getattr(row, f.name)) for f in fields(Counts)))
