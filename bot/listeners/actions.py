"""Buttons. Each listener reads the click, calls one service, and hands the outcome to delivery."""

import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App, BoltContext
from sqlalchemy.orm import Session

from bot.blocks.agent_cards import TAKE
from bot.delivery import say
from bot.deps import Deps
from bot.errors import NotAllowed
from bot.ids import ActionId
from bot.listeners.clicks import UNREADABLE, Click, answering, read_click
from bot.services import assignments, escalation, suggestions
from bot.storage.tables import FeedbackKind

Handler = Callable[[Deps, Session, Click], None]


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
            handler(deps, session, click)

    return take_click


def _close(deps: Deps, session: Session, click: Click) -> None:
    request_id, suggestion_id = click.ids(2)
    now = deps.clock()
    closed = suggestions.close(
        session,
        now,
        team_id=click.team_id,
        user_id=click.user_id,
        request_id=request_id,
        suggestion_id=suggestion_id,
        answers=deps.answers,
    )
    say.closed(session, now, closed)


def _undo(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    reopened = suggestions.undo(
        session,
        now,
        team_id=click.team_id,
        user_id=click.user_id,
        request_id=click.id(),
        settings=deps.settings,
    )
    say.undone(session, now, reopened)


def _ask_person(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    escalated = escalation.ask_person(
        session,
        now,
        team_id=click.team_id,
        user_id=click.user_id,
        request_id=click.id(),
        settings=deps.settings,
    )
    say.escalated(session, now, escalated)


def _give_reason(deps: Deps, session: Session, click: Click) -> None:
    if click.suffix not in escalation.REASONS:
        raise NotAllowed(UNREADABLE)
    now = deps.clock()
    reason = escalation.give_reason(
        session,
        now,
        team_id=click.team_id,
        user_id=click.user_id,
        request_id=click.id(),
        reason=FeedbackKind(click.suffix),
    )
    say.reason_given(session, now, reason)


def _withdraw(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    withdrawal = escalation.withdraw(
        session, now, team_id=click.team_id, user_id=click.user_id, request_id=click.id()
    )
    say.withdrawn(session, now, withdrawal)


def _accept(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    if click.suffix == TAKE:
        taken = assignments.take(
            session,
            now,
            team_id=click.team_id,
            user_id=click.user_id,
            request_id=click.id(),
            settings=deps.settings,
        )
        say.taken_over(session, now, taken, deps.settings, deps.answers)
        return
    answered = assignments.accept(
        session, now, team_id=click.team_id, user_id=click.user_id, assignment_id=click.id()
    )
    say.accepted(session, now, answered, deps.answers)


def _decline(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    answered = assignments.decline(
        session, now, team_id=click.team_id, user_id=click.user_id, assignment_id=click.id()
    )
    say.put_back(session, now, answered)


def _hand_back(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    answered = assignments.hand_back(
        session, now, team_id=click.team_id, user_id=click.user_id, assignment_id=click.id()
    )
    say.put_back(session, now, answered)


def _resolve(deps: Deps, session: Session, click: Click) -> None:
    now = deps.clock()
    answered = assignments.resolve(
        session,
        now,
        team_id=click.team_id,
        user_id=click.user_id,
        assignment_id=click.id(),
        settings=deps.settings,
    )
    say.resolved(session, now, answered, deps.settings)


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
}
