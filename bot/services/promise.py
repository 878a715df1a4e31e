"""Whether the serving model keeps its promises, judged by what people clicked.

The model promises that the right category is among what it shows ("shown"), and of the one that it shows alone ("one").
A requester judges by closing with a suggestion (right, unless they came back), by "did not work" (right category, poor
answer) or by "not what I asked" (wrong). Whoever asks a person without saying why has not judged, and is not counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from scipy.special import bdtr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.storage.tables import Feedback, FeedbackKind, Suggestion, SupportRequest

LOOKED_BACK = timedelta(days=28)
RECENT_CLICKS = 4000  # no more are looked at, so that looking stays cheap however long the log
ALARM_CHANCE = 0.01  # how seldom so many wrong ones come by chance while the promise is kept


class Promised(StrEnum):
    """What is promised to be right."""

    SHOWN = "shown"  # one of what was shown
    ONE = "one"  # the one that was shown alone


@dataclass(frozen=True, slots=True)
class Judged:
    """``right`` of ``n`` judged requests."""

    right: int = 0
    n: int = 0

    @property
    def share(self) -> float | None:
        """In [0, 1]; None before anybody has judged."""
        return self.right / self.n if self.n else None

    def is_broken(self, target: float) -> bool:
        """Whether so few right ones would be rare (ALARM_CHANCE) if ``target`` were kept: an exact binomial test."""
        return bool(self.n) and float(bdtr(self.right, self.n, target)) < ALARM_CHANCE


def measure(session: Session, now: datetime, model_id: str) -> Mapping[Promised, Judged]:
    """What people said of this model's suggestions in the last 28 days, in every workspace; one statement."""
    recent = (
        select(Feedback.id, Feedback.request_id).order_by(Feedback.id.desc()).limit(RECENT_CLICKS).subquery()
    )
    last = select(func.max(recent.c.id)).group_by(recent.c.request_id)
    second = (
        select(Suggestion.id)
        .where(Suggestion.request_id == SupportRequest.id, Suggestion.position == 2)
        .correlate(SupportRequest)
        .exists()
    )
    rows = session.execute(
        select(
            Feedback.kind,
            (SupportRequest.reopened_count > 0).label("came_back"),
            (~second).label("alone"),
            func.count(),
        )
        .join(SupportRequest, SupportRequest.id == Feedback.request_id)
        .where(Feedback.id.in_(last), Feedback.at >= now - LOOKED_BACK, SupportRequest.model_id == model_id)
        .group_by(Feedback.kind, "came_back", "alone")
    ).all()
    verdicts = [(_verdict(kind, came_back=came_back), alone, count) for kind, came_back, alone, count in rows]
    return {
        Promised.SHOWN: _judged([(was_right, count) for was_right, _, count in verdicts]),
        Promised.ONE: _judged([(was_right, count) for was_right, alone, count in verdicts if alone]),
    }


def _verdict(kind: FeedbackKind, *, came_back: bool) -> bool | None:
    if kind is FeedbackKind.NOT_WHAT_I_ASKED:
        return False
    if kind is FeedbackKind.DID_NOT_WORK or (kind is FeedbackKind.CLOSED and not came_back):
        return True
    return None


def _judged(verdicts: list[tuple[bool | None, int]]) -> Judged:
    right = sum(count for was_right, count in verdicts if was_right is True)
    wrong = sum(count for was_right, count in verdicts if was_right is False)
    return Judged(right, right + wrong)
