"""An office: the services on a real database, each call in a transaction of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from bot.services import assignments, escalation, matching, requests, suggestions
from bot.services.answering import Basis
from bot.services.assignments import Answered
from bot.services.deciding import NoDecision
from bot.services.incoming import Incoming, Outcome
from bot.services.matching import Offered
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.tables import (
    Assignment,
    Event,
    Feedback,
    FeedbackKind,
    RequestMessage,
    Suggestion,
    SupportRequest,
)
from classifier import AbstainReason, Answer, Decision, DecisionKind, Prediction

TEAM = "T0ONE"
LABELS = ("network_vpn", "account_password", "out_of_scope")
ANSWERS = {
    name: Answer(name, name, f"About {name}", ("First this.", "Then that."), "", True) for name in LABELS[:2]
}


def show(*categories: str, top: float = 0.9) -> Decision:
    """A decision that shows these categories, the first with probability ``top``."""
    rest = (1 - top) / 2
    probabilities = tuple(top if label == categories[0] else rest for label in LABELS)
    kind = DecisionKind.SHOW_ONE if len(categories) == 1 else DecisionKind.SHOW_TWO
    return Decision(kind, categories, Prediction(LABELS, probabilities), "en", "a rule", None, "model-1")


def abstain(reason: AbstainReason = AbstainReason.UNSURE) -> Decision:
    """A decision that shows nothing."""
    prediction = Prediction(LABELS, (0.4, 0.35, 0.25))
    return Decision(DecisionKind.ABSTAIN, (), prediction, "und", "a rule", reason, "model-1")


@dataclass
class Office:
    """Calls services; reads rows."""

    db: Database
    clock: Any
    settings: Settings
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def in_one(self, service: Callable[..., Any], **arguments: Any) -> Any:
        """Run a service in a transaction of its own."""
        with self.db.writing() as session:
            return service(session, self.clock(), **arguments)

    def new_ts(self) -> str:
        """The next message's ts, at the clock's time."""
        return f"{self.clock().timestamp():.0f}.{next(self._ids):06d}"

    def write(
        self,
        text: str = "the vpn is down",
        *,
        user: str = "URILEY",
        decision: Decision | NoDecision | None = None,
        thread_ts: str | None = None,
        ts: str | None = None,
        team: str = TEAM,
        wait_for_parent: bool = False,
        **more: Any,
    ) -> Outcome:
        """A person writes to the bot."""
        incoming = Incoming(
            team,
            user,
            f"D{user}",
            ts or self.new_ts(),
            text,
            thread_ts,
            more.pop("parent", user if thread_ts else None),
            **more,
        )
        basis = Basis(decision or show("network_vpn"), ANSWERS, self.settings)
        with self.db.writing() as session:
            return requests.take(session, self.clock(), incoming, basis, wait_for_parent=wait_for_parent)

    def waiting(self, *, user: str = "URILEY", team: str = TEAM, **more: Any) -> int:
        """A request that waits for a person; its id."""
        outcome = self.write(
            user=user, team=team, decision=more.pop("decision", NoDecision("no model")), **more
        )
        assert outcome.request is not None
        return outcome.request.id

    def close(self, request_id: int, *, user: str = "URILEY", position: int = 1, team: str = TEAM) -> Any:
        """Press a suggestion's button."""
        with self.db.reading() as session:
            shown = session.scalars(
                select(Suggestion.id).where(
                    Suggestion.request_id == request_id, Suggestion.position == position
                )
            ).one_or_none()
        return self.in_one(
            suggestions.close,
            team_id=team,
            user_id=user,
            request_id=request_id,
            suggestion_id=shown or 0,
            answers=ANSWERS,
        )

    def undo(self, request_id: int, *, user: str = "URILEY") -> Any:
        """Press Undo."""
        return self.in_one(
            suggestions.undo, team_id=TEAM, user_id=user, request_id=request_id, settings=self.settings
        )

    def ask_person(self, request_id: int, *, user: str = "URILEY") -> Any:
        """Press "Ask a person"."""
        return self.in_one(
            escalation.ask_person, team_id=TEAM, user_id=user, request_id=request_id, settings=self.settings
        )

    def give_reason(self, request_id: int, *, user: str = "URILEY") -> Any:
        """Press "It did not work"."""
        reason = FeedbackKind.DID_NOT_WORK
        return self.in_one(
            escalation.give_reason, team_id=TEAM, user_id=user, request_id=request_id, reason=reason
        )

    def withdraw(self, request_id: int, *, user: str = "URILEY") -> Any:
        """Press "I no longer need help"."""
        return self.in_one(escalation.withdraw, team_id=TEAM, user_id=user, request_id=request_id)

    def match(self, team: str = TEAM) -> Offered:
        """Run the matcher for a workspace."""
        return self.in_one(matching.offer_waiting, team_id=team, settings=self.settings)  # type: ignore[no-any-return]

    def answer(
        self, service: Callable[..., Answered], assignment_id: int, user: str, team: str = TEAM
    ) -> Answered:
        """Accept, decline or hand back."""
        return self.in_one(service, team_id=team, user_id=user, assignment_id=assignment_id)  # type: ignore[no-any-return]

    def resolve(self, assignment_id: int, user: str) -> Answered:
        """Press Resolve."""
        return self.in_one(  # type: ignore[no-any-return]
            assignments.resolve,
            team_id=TEAM,
            user_id=user,
            assignment_id=assignment_id,
            settings=self.settings,
        )

    def in_progress(self, **more: Any) -> tuple[int, int, str]:
        """A request that an agent has accepted: its id, the assignment's, the agent's."""
        request_id = self.waiting(**more)
        offer = next(o for o in self.match().offers if o.request.id == request_id)
        self.answer(assignments.accept, offer.assignment_id, offer.agent_id)
        return request_id, offer.assignment_id, offer.agent_id

    def request(self, request_id: int) -> SupportRequest:
        """A request's row."""
        found: SupportRequest = next(row for row in self.rows(SupportRequest) if row.id == request_id)
        return found

    def rows(self, table: Any) -> Sequence[Any]:
        """All rows of a table, oldest first."""
        with self.db.reading() as session:
            return session.scalars(select(table).order_by(table.id)).all()

    def assignments(self) -> Sequence[Assignment]:
        """All assignments."""
        return self.rows(Assignment)

    def events(self, request_id: int) -> list[str]:
        """The kinds of a request's events."""
        return [event.kind.value for event in self.rows(Event) if event.request_id == request_id]

    def feedback(self) -> list[str]:
        """The kinds of all feedback."""
        return [row.kind.value for row in self.rows(Feedback)]

    def messages(self) -> Sequence[RequestMessage]:
        """All messages kept."""
        return self.rows(RequestMessage)


@pytest.fixture
def open_office(
    database: Database, clock: Any, make_settings: Callable[..., Settings]
) -> Callable[..., Office]:
    """Make an office; every argument is a setting."""

    def make(**given: Any) -> Office:
        defaults = {"firstline_agents": ("UANA", "UBEN"), "firstline_admins": ("UBOSS",)}
        return Office(database, clock, make_settings(**(defaults | given)))

    return make


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    """An office with two agents (UANA, UBEN) and one administrator (UBOSS), on both databases."""
    return open_office()


@pytest.fixture
def shows() -> Callable[..., Decision]:
    """Make a decision that shows something."""
    return show


@pytest.fixture
def abstains() -> Callable[..., Decision]:
    """Make a decision that shows nothing."""
    return abstain
