"""The first answer to a request: suggestions, or a person at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot.ids import EventKind
from bot.lifecycle import RequestState
from bot.services.deciding import NO_WORDS, NoDecision
from bot.services.incoming import Incoming, Outcome, Taken
from bot.services.moves import move, open_moved
from bot.services.views import RequestView, Shown
from bot.settings import Settings
from bot.storage.statements import insert_into
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


@dataclass(frozen=True, slots=True)
class _Conclusion:
    """The first move of a request, and what its card says: suggestions for ``categories``, or ``why`` a person comes."""

    state: RequestState
    kind: EventKind
    data: Mapping[str, Any]
    changes: Mapping[str, Any]
    categories: tuple[str, ...] = ()
    why: str = ""


def answer(
    session: Session, now: datetime, request: SupportRequest, incoming: Incoming, basis: Basis
) -> Outcome:
    """Show what was decided, where it has an answer; everything else goes to a person, and the rule says why."""
    first = _conclude(request, now, basis)
    event_id = move(session, now, request, first.state, kind=first.kind, data=first.data, **first.changes)
    return _outcome(session, now, request, incoming, first, event_id, basis)


def answer_new(
    session: Session, now: datetime, request: SupportRequest, incoming: Incoming, basis: Basis
) -> Outcome:
    """The same for a request that is not stored yet: it is stored with its answer, in few statements."""
    first = _conclude(request, now, basis)
    opened = {"actor_id": incoming.user_id, "data": incoming.size}
    event_id = open_moved(
        session, now, request, first.state, kind=first.kind, opened=opened, data=first.data, **first.changes
    )
    session.add(incoming.as_message_of(request, now))
    session.flush()
    return _outcome(session, now, request, incoming, first, event_id, basis)


def _conclude(request: SupportRequest, now: datetime, basis: Basis) -> _Conclusion:
    decision = basis.decision
    if isinstance(decision, NoDecision):
        request.rule = decision.rule
        return _pass_on(request, now, basis, reason=NO_DECISION, why=decision.rule)
    _note_decision(request, decision)
    if decision.abstain_reason is not None:
        reason = decision.abstain_reason
        return _pass_on(request, now, basis, reason=reason, why=WHY[reason])
    answered = tuple(category for category in decision.categories if category in basis.answers)
    if not answered:
        return _pass_on(request, now, basis, reason=NO_ANSWER, why=NOTHING_WRITTEN)
    data = {
        "categories": list(answered),
        "confidence": request.confidence,
        "model_id": request.model_id,
    }
    changes = {"answered_at": now}
    return _Conclusion(RequestState.SUGGESTED, EventKind.SUGGESTED, data, changes, answered)


def _pass_on(request: SupportRequest, now: datetime, basis: Basis, *, reason: str, why: str) -> _Conclusion:
    changes = {
        "answered_at": now,
        "no_suggestion": reason,
        "waiting_since": now,
        "deadline_at": now + timedelta(seconds=basis.settings.firstline_deadline_s),
    }
    data = {"reason": reason, "confidence": request.confidence, "model_id": request.model_id}
    return _Conclusion(RequestState.WAITING, EventKind.ABSTAINED, data, changes, why=why)


def _note_decision(request: SupportRequest, decision: Decision) -> None:
    request.model_id = decision.model_id[:80]
    request.rule = decision.rule[:300]
    request.language = None if decision.language == UNKNOWN_LANGUAGE else decision.language
    if decision.prediction is None or decision.abstain_reason is AbstainReason.OUT_OF_SCOPE:
        return  # a guess here would bar agents by a skill that the request may not need
    request.category, request.confidence = decision.prediction.categories()[0]


def _show(
    session: Session, now: datetime, request: SupportRequest, first: _Conclusion, basis: Basis
) -> tuple[Shown, ...]:
    """Store what is suggested, in one statement, and return what the card shows."""
    if not first.categories:
        return ()
    decision, label = basis.decision, basis.settings.firstline_close_label
    prediction = None if isinstance(decision, NoDecision) else decision.prediction
    rows = [
        {
            "request_id": request.id,
            "position": position,
            "category": category,
            "probability": prediction.probability(category) if prediction else 0.0,
            "close_label": label,
            "shown_at": now,
        }
        for position, category in enumerate(first.categories, start=1)
    ]
    stored = session.execute(
        insert_into(session, Suggestion).returning(Suggestion.position, Suggestion.id), rows
    )
    ids = dict(stored.all())
    return tuple(
        Shown(ids[position], position, label, basis.answers[category])
        for position, category in enumerate(first.categories, start=1)
    )


def _outcome(
    session: Session,
    now: datetime,
    request: SupportRequest,
    incoming: Incoming,
    first: _Conclusion,
    event_id: int,
    basis: Basis,
) -> Outcome:
    shown = _show(session, now, request, first, basis)
    taken = Taken.SUGGESTED if shown else Taken.TO_PERSON
    return Outcome(taken, incoming, RequestView.of(request), shown, event_id, first.why)
