"""What the command line tells about a database: the numbers of `/firstline stats`, and a replay through the model."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.progress import track
from sqlalchemy import select

from bot.errors import BotError
from bot.lifecycle import RequestState
from bot.services.periods import Period
from bot.services.stats import Stats, gather
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.tables import Satisfaction, Suggestion, SupportRequest
from classifier import ClassifierError, load


def stats_of(
    database: Database, now: datetime, period: str, team_id: str | None, settings: Settings
) -> Stats:
    """The numbers of a workspace; BotError when the period or the workspace is not clear."""
    try:
        chosen = Period(period)
    except ValueError:
        raise BotError(f"the period is 7d, 30d or all, not {period}") from None
    with database.reading() as session:
        return gather(session, now, team_id or _only_team(database), chosen, settings)


def _only_team(database: Database) -> str:
    with database.reading() as session:
        teams = list(session.scalars(select(SupportRequest.team_id).distinct().limit(10)))
    if len(teams) > 1:
        raise BotError(
            f"the database holds several workspaces: choose with --team {' or '.join(sorted(teams))}"
        )
    return teams[0] if teams else "none"


def stats_as_dict(stats: Stats) -> dict[str, Any]:
    """Numbers for `--json`; medians in seconds."""
    return {
        "period": stats.period.value,
        "since": stats.since.isoformat() if stats.since else None,
        "until": stats.until.isoformat(),
        **asdict(stats.total),
        "no_suggestion": dict(stats.no_suggestion),
        "unread_languages": dict(stats.unread_languages),
        "by_category": {category or "unknown": asdict(counts) for category, counts in stats.by_category},
        "median_answer_s": stats.median_answer_s,
        "median_accept_s": stats.median_accept_s,
        "median_resolve_s": stats.median_resolve_s,
        "satisfaction": {name: getattr(stats.satisfaction, name) for name in ("asked", *Satisfaction)},
    }


def stats_as_text(stats: Stats) -> str:
    """One line for each number."""
    numbers = stats_as_dict(stats)
    lines = [
        f"{name.replace('_', ' '):18} {_written(value)}"
        for name, value in numbers.items()
        if name != "by_category"
    ]
    lines += [
        f"  {category:20} opened {counts.opened:>6}  deflected {counts.deflected:>6}  escalated {counts.escalated:>6}"
        for category, counts in ((category or "unknown", counts) for category, counts in stats.by_category)
    ]
    return "\n".join(lines)


def _written(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return ", ".join(f"{name} {count}" for name, count in value.items()) or "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class Replay:
    """What the model at hand would show for past requests, beside what was shown then."""

    model_id: str
    requests: int
    by_kind: dict[str, int]  # show_one, show_two, abstain -> requests
    same_shown: int  # the same categories in the same order as then
    closed_with: int  # requests that a suggestion closed for good
    closed_with_still_shown: int  # of these: the category that closed them would be shown again

    def as_text(self) -> str:
        """A few lines."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.by_kind.items()))
        return (
            f"{self.requests} requests through {self.model_id}\n"
            f"would be: {kinds or 'nothing'}\n"
            f"same as then: {self.same_shown}\n"
            f"closed by a suggestion: {self.closed_with}; that suggestion would be shown again for {self.closed_with_still_shown}"
        )


def replay(database: Database, settings: Settings, limit: int, team_id: str | None) -> Replay:
    """Run the newest ``limit`` requests through the model at MODEL_DIR, by the code that serves."""
    try:
        classifier = load(settings.model_dir, settings.encoder_dir)
    except (ClassifierError, OSError) as error:
        raise BotError(str(error)) from None
    requests, shown, closed_with = _history(database, limit, team_id)
    kinds: Counter[str] = Counter()
    same = again = 0
    for request_id, text in track(requests, description="Replaying", transient=True):
        decision = classifier.decide(text)
        kinds[decision.kind.value] += 1
        same += decision.categories == shown.get(request_id, ())
        again += closed_with.get(request_id) in decision.categories
    return Replay(classifier.model_id, len(requests), dict(kinds), same, len(closed_with), again)


def _history(
    database: Database, limit: int, team_id: str | None
) -> tuple[list[tuple[int, str]], dict[int, tuple[str, ...]], dict[int, str]]:
    """Requests (id, text), what was shown for each, and the category that closed it."""
    newest = select(SupportRequest.id).order_by(SupportRequest.id.desc()).limit(limit)
    if team_id is not None:
        newest = newest.where(SupportRequest.team_id == team_id)
    chosen = newest.subquery()
    with database.reading() as session:
        rows = session.execute(
            select(
                SupportRequest.id,
                SupportRequest.text,
                SupportRequest.state,
                SupportRequest.agent_id,
                SupportRequest.category,
            )
            .join(chosen, chosen.c.id == SupportRequest.id)
            .order_by(SupportRequest.id)
        ).all()
        shown: dict[int, tuple[str, ...]] = {}
        for request_id, category in session.execute(
            select(Suggestion.request_id, Suggestion.category)
            .join(chosen, chosen.c.id == Suggestion.request_id)
            .order_by(Suggestion.request_id, Suggestion.position)
        ):
            shown[request_id] = (*shown.get(request_id, ()), category)
    closed = {
        row.id: row.category
        for row in rows
        if row.state is RequestState.CLOSED_BY_SUGGESTION
        or (row.state is RequestState.CLOSED and row.agent_id is None)
    }
    return [(row.id, row.text) for row in rows], shown, closed
