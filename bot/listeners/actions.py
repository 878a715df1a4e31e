"""Buttons. Each listener reads the click, calls one service, and hands the outcome to delivery."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from slack_bolt import Ack, App, BoltContext
from sqlalchemy.orm import Session

from bot.blocks.agent_cards import TAKE
from bot.delivery import say
from bot.deps import Deps
from bot.errors import NotAllowed
from bot.ids import ActionId
from bot.listeners.clicks import UNREADABLE, Click, answering, read_click
from bot.services import assignments, escalation, satisfaction, suggestions
from bot.storage.tables import FeedbackKind, Satisfaction

Handler = Callable[[Deps, Session, datetime, Click], None]


def register(bolt: App, deps: Deps) -> None:
    """Listen for clicks."""
    for action, handler in HANDLERS.items():
        bolt.action(re.compile(rf"^{action}(:|$)"))(_listener(deps, handler))

    @bolt.action(re.compile(rf"^{ActionId.OPEN_LINK}(:|$)"))
    def open_link(ack: Ack) -> None:
        ack()  # the person's client opens the link; Slack only wants to hear that we know


def _listener(deps: Deps, handler: Handler) -> Callable[..., None]:
    def take_click(ack: Ack, body: dict[str, Any], context: BoltContext) -> None:
        ack()
        click = read_click(body, context.get("claim"))
        with answering(deps, click) as session:
            handler(deps, session, deps.clock(), click)

    return take_click


def _close(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    request_id, suggestion_id = click.ids(2)
    which = {"request_id": request_id, "suggestion_id": suggestion_id}
    closed = suggestions.close(session, now, **click.who(), **which, answers=deps.answers)
    say.closed(session, now, closed)


def _undo(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    reopened = suggestions.undo(session, now, **click.who(), request_id=click.id(), settings=deps.settings)
    say.undone(session, now, reopened)


def _ask_person(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    escalated = escalation.ask_person(
        session, now, **click.who(), request_id=click.id(), settings=deps.settings
    )
    say.escalated(session, now, escalated)


def _give_reason(_deps: Deps, session: Session, now: datetime, click: Click) -> None:
    if click.suffix not in escalation.REASONS:
        raise NotAllowed(UNREADABLE)
    reason = FeedbackKind(click.suffix)
    given = escalation.give_reason(session, now, **click.who(), request_id=click.id(), reason=reason)
    say.reason_given(session, now, given)


def _withdraw(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    withdrawal = escalation.withdraw(session, now, **click.who(), request_id=click.id())
    say.withdrawn(session, now, withdrawal, deps.settings)


def _accept(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    if click.suffix == TAKE:
        taken = assignments.take(session, now, **click.who(), request_id=click.id(), settings=deps.settings)
        say.taken_over(session, now, taken, deps.settings, deps.answers)
        return
    answered = assignments.accept(session, now, **click.who(), assignment_id=click.id())
    say.accepted(session, now, answered, deps.settings, deps.answers)


def _decline(_deps: Deps, session: Session, now: datetime, click: Click) -> None:
    answered = assignments.decline(session, now, **click.who(), assignment_id=click.id())
    say.put_back(session, now, answered)


def _hand_back(_deps: Deps, session: Session, now: datetime, click: Click) -> None:
    answered = assignments.hand_back(session, now, **click.who(), assignment_id=click.id())
    say.put_back(session, now, answered)


def _resolve(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    answered = assignments.resolve(
        session, now, **click.who(), assignment_id=click.id(), settings=deps.settings
    )
    say.resolved(session, now, answered, deps.settings)


def _rate(deps: Deps, session: Session, now: datetime, click: Click) -> None:
    if click.suffix not in set(Satisfaction):
        raise NotAllowed(UNREADABLE)
    answer = Satisfaction(click.suffix)
    rated = satisfaction.rate(
        session, now, **click.who(), request_id=click.id(), answer=answer, settings=deps.settings
    )
    say.rated(session, now, rated)


HANDLERS: dict[ActionId, Handler] = {
    ActionId.CLOSE: _close,
    ActionId.UNDO: _undo,
    ActionId.ASK_PERSON: _ask_person,
    ActionId.ESCALATION_REASON: _give_reason,
    ActionId.WITHDRAW: _withdraw,
    ActionId.ACCEPT: _accept,
    ActionId.DECLINE: _decline,
    ActionId.RESOLVE: _resolve,
    ActionId.HAND_BACK: _hand_back,
    ActionId.RATE: _rate,
}
