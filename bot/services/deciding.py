"""Asks the classifier, and never fails: where there is no answer, the request goes to a person and the rule says why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from classifier import Decision

if TYPE_CHECKING:
    from classifier import Classifier  # importing it for real pulls in the model's libraries

log = structlog.get_logger(__name__)

NO_MODEL = "there is no model to suggest answers with"
NO_WORDS = "there are no words to go by"
MODEL_FAILED = "the model failed on this message"


@dataclass(frozen=True, slots=True)
class NoDecision:
    """The classifier was not asked, or had no answer; ``rule`` completes "A person will look at this, because ..."."""

    rule: str


@dataclass(slots=True)
class Decider:
    """The serving model, or the fault that left us without one. The one part of a running bot that can be replaced."""

    classifier: "Classifier | None"
    fault: str | None = None

    @property
    def model_id(self) -> str | None:
        """The serving model's id."""
        return self.classifier.model_id if self.classifier else None

    def replace(self, classifier: "Classifier") -> None:
        """From now on decide by ``classifier``; who is deciding at this moment ends with the old one."""
        self.classifier, self.fault = classifier, None

    def decide(self, text: str) -> Decision | NoDecision:
        """Classify ``text``. Call it before a transaction is open: it takes milliseconds that no lock should wait for."""
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
            log.error("model_failed", error=type(error).__name__, model_id=classifier.model_id)
            return NoDecision(MODEL_FAILED)
