"""Made-up history through the real services, so that reports can be looked at before there is any of your own."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from rich.progress import track
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import BotError
from bot.services import agents, assignments, escalation, matching, suggestions
from bot.services.answering import Basis
from bot.services.incoming import Incoming, Outcome, Taken
from bot.services.requests import take
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.tables import SupportRequest
from classifier import OUT_OF_SCOPE, AbstainReason, Answer, Decision, DecisionKind, Prediction

STARTER = Path(__file__).resolve().parents[1] / "classifier" / "starter" / "requests.csv"
DEMO_AGENTS = ("UDEMOANA", "UDEMOBEN", "UDEMOCHLOE")
DAYS = 30


@dataclass(frozen=True, slots=True)
class Shares:
    """What people do with suggestions, in made-up history; the rest of them do nothing."""

    close: float = 0.45
    undo_after_close: float = 0.08
    ask_person: float = 0.30


def make_history(
    database: Database,
    settings: Settings,
    answers: Mapping[str, Answer],
    now: datetime,
    team_id: str,
    count: int,
    seed: int,
) -> int:
    """Write ``count`` requests of the last 30 days; BotError when the workspace already has any."""
    with database.reading() as session:
        known = session.scalar(select(func.count()).where(SupportRequest.team_id == team_id))
    if known:
        raise BotError(f"workspace {team_id} already has {known} requests; made-up ones are not mixed in")
    settings = settings.model_copy(update={"firstline_agents": DEMO_AGENTS})
    random = Random(seed)
    with STARTER.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    times = sorted(now - timedelta(seconds=random.uniform(3600, DAYS * 86400)) for _ in range(count))
    for number, opened_at in enumerate(track(times, description="Making up requests", transient=True)):
        with database.writing() as session:
            agents.seed(session, opened_at, team_id, settings)
            row = random.choice(rows)
            incoming = Incoming(
                team_id,
                f"UDEMO{number % 40:02d}",
                f"DDEMO{number % 40:02d}",
                f"{opened_at.timestamp():.6f}",
                row["text"],
            )
            basis = Basis(_decision(random, row["category"]), answers, settings)
            outcome = take(session, opened_at, incoming, basis, wait_for_parent=False)
            _live_on(session, random, opened_at, outcome, basis)
    return count


def _decision(random: Random, category: str) -> Decision:
    """A plausible decision for a message whose category is known."""
    if category == OUT_OF_SCOPE:
        return Decision(DecisionKind.ABSTAIN, (), None, "en", "made up", AbstainReason.OUT_OF_SCOPE, "demo")
    top = random.uniform(0.5, 0.99)
    other = "security" if category != "security" else "account_password"
    prediction = Prediction((category, other), (top, 1 - top))
    if top >= 0.8:
        return Decision(DecisionKind.SHOW_ONE, (category,), prediction, "en", "made up", None, "demo")
    return Decision(DecisionKind.SHOW_TWO, (category, other), prediction, "en", "made up", None, "demo")


def _live_on(session: Session, random: Random, at: datetime, outcome: Outcome, basis: Basis) -> None:
    """Let the requester, and where needed an agent, do what people do."""
    request, shares = outcome.request, Shares()
    if request is None:
        return
    at += timedelta(seconds=random.lognormvariate(4, 1))
    who: dict[str, Any] = {
        "team_id": request.team_id,
        "user_id": request.requester_id,
        "request_id": request.id,
    }
    needs_person = outcome.taken is Taken.TO_PERSON
    if outcome.taken is Taken.SUGGESTED:
        draw = random.random()
        if draw < shares.close:
            chosen = random.choice(outcome.shown)
            suggestions.close(session, at, **who, suggestion_id=chosen.suggestion_id, answers=basis.answers)
            if random.random() < shares.undo_after_close:
                suggestions.undo(session, at + timedelta(seconds=30), **who, settings=basis.settings)
                needs_person = True
        elif draw < shares.close + shares.ask_person:
            escalation.ask_person(session, at, **who, settings=basis.settings)
            needs_person = True
    if needs_person:
        _help(session, random, at, request.team_id, basis.settings)


def _help(session: Session, random: Random, at: datetime, team_id: str, settings: Settings) -> None:
    for offer in matching.offer_waiting(session, at, team_id, settings).offers:
        by: dict[str, Any] = {
            "team_id": team_id,
            "user_id": offer.agent_id,
            "assignment_id": offer.assignment_id,
        }
        at += timedelta(seconds=random.lognormvariate(3, 1))
        assignments.accept(session, at, **by)
        at += timedelta(minutes=random.lognormvariate(3, 0.8))
        assignments.resolve(session, at, **by, settings=settings)
