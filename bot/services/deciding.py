"""Asks the classifier, and never fails: where there is no answer, the request goes to a person and the rule says why."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier import Decision

if TYPE_CHECKING:
    from classifier import Classifier  # importing it for real pulls in the model's libraries

log = logging.getLogger(__name__)

NO_MODEL = "there is no model to suggest answers with"
NO_WORDS = "there are no words to go by"
MODEL_FAILED = "the model failed on this message"


@dataclass(frozen=True, slots=True)
class NoDecision:
    """The classifier was not asked, or had no answer; ``rule`` completes "A person will look at this, because ..."."""

    rule: str


def _nobody_listens(_seconds: float, _kind: str) -> None:
    pass


@dataclass(slots=True)
class Decider:
    """The serving model, or the fault that left us without one. The one part of a running bot that can be replaced.

    ``on_decided`` is told how long each message took, and what came of it: a DecisionKind's value, "none" or "failed".
    """

    classifier: "Classifier | None"
    fault: str | None = None
    on_decided: Callable[[float, str], None] = _nobody_listens

    @property
    def model_id(self) -> str | None:
        """The serving model's id."""
        return self.classifier.model_id if self.classifier else None

    @property
    def promised(self) -> tuple[float | None, float | None]:
        """What the serving model promises: of what is shown, of what is shown alone; None where nothing was proven."""
        if self.classifier is None:
            return None, None
        kept = self.classifier.thresholds
        of_shown, of_one = (
            promise.promise if promise is not None and promise.kept else None
            for promise in (kept.shown_promise, kept.one_promise)
        )
        return of_shown, of_one

    def replace(self, classifier: "Classifier") -> None:
        """From now on decide by ``classifier``; who is deciding at this moment ends with the old one."""
        self.classifier, self.fault = classifier, None

    def decide(self, text: str) -> Decision | NoDecision:
        """Classify ``text``. Call it before a transaction is open: it takes milliseconds that no lock should wait for."""
        began_s = time.perf_counter()
        decision = self._decide(text)
        seconds = time.perf_counter() - began_s
        if isinstance(decision, NoDecision):
            kind = "failed" if decision.rule == MODEL_FAILED else "none"
        else:
            kind = decision.kind.value
        log.info("decided", extra={"kind": kind, "model": self.model_id, "seconds": round(seconds, 4)})
        self.on_decided(seconds, kind)
        return decision

    def _decide(self, text: str) -> Decision | NoDecision:
        classifier = self.classifier  # once: it may be replaced while we decide
        if classifier is None:
            return NoDecision(NO_MODEL)
        if not text.strip():
            return NoDecision(NO_WORDS)
        try:
            return classifier.decide(text)
        except Exception as error:
            # Whatever a model does, the person must not meet silence: a request without suggestions is still a request.
            # Class only: the message of an error may quote the text.
            log.error("the model failed: %s", type(error).__name__, extra={"model": classifier.model_id})
            return NoDecision(MODEL_FAILED)
