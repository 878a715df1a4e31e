"""The first answer to a request: suggestions, or a person at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from bot.ids import EventKind
from bot.lifecycle import RequestState
from bot.services.deciding import NO_WORDS, NoDecision
from bot.services.incoming import Incoming, Outcome, Taken
from bot.services.moves import move
from bot.services.views import RequestView, Shown
from bot.settings import Settings
from bot.storage.tables import Suggestion, SupportRequest
from classifier import AbstainReason, Answer, Decision

UNKNOWN_LANGUAGE = "und"  # ISO 639-2 for "undetermined", as the classifier says it
NO_DECISION, NO_ANSWER = "no_decision", "no_answer"  # beside the AbstainReasons, why nothing was suggested
NOTHING_WRITTEN = "there is no written answer for this yet"
WHY: dict[AbstainReason, str] = {
    AbstainReason.OUT_OF_SCOPE: "it does not look like anything I have an answer for",
    AbstainReason.UNSURE: "I am not sure enough what it is about",
    AbstainReason.OVER_MASKED: "too much of it is masked for me to understand",
    AbstainReason.EMPTY: NO_WORDS,
    AbstainReason.UNSUPPORTED_LANGUAGE: "I do not understand this language well enough",
}


@dataclass(frozen=True, slots=True)
class Basis:
    """What a first answer rests on: the decision on the message, the written answers, the settings."""

    decision: Decision | NoDecision
    answers: Mapping[str, Answer]
    settings: Settings


def answer(
    session: Session, now: datetime, request: SupportRequest, incoming: Incoming, basis: Basis
) -> Outcome:
    """Show what was decided, where it has an answer; everything else goes to a person, and the rule says why."""
    decision = basis.decision
    if isinstance(decision, NoDecision):
        request.rule = decision.rule
        return _pass_on(session, now, request, incoming, basis, reason=NO_DECISION, why=decision.rule)
    _note_decision(request, decision)
    if decision.abstain_reason is not None:
        reason = decision.abstain_reason
        return _pass_on(session, now, request, incoming, basis, reason=reason, why=WHY[reason])
    answered = [category for category in decision.categories if category in basis.answers]
    if not answered:
        return _pass_on(session, now, request, incoming, basis, reason=NO_ANSWER, why=NOTHING_WRITTEN)
    return _suggest(session, now, request, incoming, decision, answered, basis)


def _note_decision(request: SupportRequest, decision: Decision) -> None:
    request.model_id = decision.model_id[:80]
    request.rule = decision.rule[:300]
    request.language = None if decision.language == UNKNOWN_LANGUAGE else decision.language
    if decision.prediction is None or decision.abstain_reason is AbstainReason.OUT_OF_SCOPE:
        return  # a guess here would bar agents by a skill that the request may not need
    request.category, request.confidence = decision.prediction.categories()[0]


def _suggest(
    session: Session,
    now: datetime,
    request: SupportRequest,
    incoming: Incoming,
    decision: Decision,
    categories: list[str],
    basis: Basis,
) -> Outcome:
    label = basis.settings.firstline_close_label
    suggestions = [
        Suggestion(
            request_id=request.id,
            position=position,
            category=category,
            probability=decision.prediction.probability(category) if decision.prediction else 0.0,
            close_label=label,
            shown_at=now,
        )
        for position, category in enumerate(categories, start=1)
    ]
    session.add_all(suggestions)
    session.flush()
    event_id = move(
        session,
        now,
        request,
        RequestState.SUGGESTED,
        kind=EventKind.SUGGESTED,
        data={"categories": categories, "confidence": request.confidence, "model_id": request.model_id},
        answered_at=now,
    )
    shown = tuple(Shown(s.id, s.position, s.close_label, basis.answers[s.category]) for s in suggestions)
    return Outcome(Taken.SUGGESTED, incoming, RequestView.of(request), shown, event_id)


def _pass_on(
    session: Session,
    now: datetime,
    request: SupportRequest,
    incoming: Incoming,
    basis: Basis,
    *,
    reason: str,
    why: str,
) -> Outcome:
    request.no_suggestion = reason
    event_id = move(
        session,
        now,
        request,
        RequestState.WAITING,
        kind=EventKind.ABSTAINED,
        data={"reason": reason, "confidence": request.confidence, "model_id": request.model_id},
        answered_at=now,
        waiting_since=now,
        deadline_at=now + timedelta(seconds=basis.settings.firstline_deadline_s),
    )
    return Outcome(Taken.TO_PERSON, incoming, RequestView.of(request), event_id=event_id, why=why)
