"""Whole fakes for what tests cannot wait for. There is one: a classifier that goes by single words."""

from classifier import AbstainReason, Decision, DecisionKind, Prediction
from classifier.decision import Promise, PromiseResult, Thresholds

LABELS = ("network_vpn", "account_password", "out_of_scope")


def promise_of(share: float) -> Promise:
    """A promise as if calibration rows had proven it."""
    return Promise(share, 0.95, share, 400, 400, 300, PromiseResult.KEPT, "made up")


class WordClassifier:
    """Knows "vpn" and "password"; both together make it show two; "explode" makes it fail; else it abstains."""

    model_id = "words-1"
    encoder_name = "words"
    categories = LABELS[:2]
    thresholds = Thresholds(0.9, 0.7, 0.5, "by its words", promise_of(0.9), promise_of(0.95))

    def decide(self, text: str) -> Decision:
        """As the real one's: thread-safe, and without a memory."""
        if "explode" in text:
            raise RuntimeError("as asked")
        vpn, password = "vpn" in text.lower(), "password" in text.lower()
        if vpn and password:
            return self._decision(DecisionKind.SHOW_TWO, LABELS[:2], Prediction(LABELS, (0.5, 0.4, 0.1)))
        if vpn:
            return self._decision(DecisionKind.SHOW_ONE, LABELS[:1], Prediction(LABELS, (0.95, 0.03, 0.02)))
        if password:
            return self._decision(DecisionKind.SHOW_ONE, LABELS[1:2], Prediction(LABELS, (0.03, 0.95, 0.02)))
        prediction = Prediction(LABELS, (0.35, 0.33, 0.32))
        return self._decision(DecisionKind.ABSTAIN, (), prediction, AbstainReason.UNSURE)

    def _decision(
        self,
        kind: DecisionKind,
        categories: tuple[str, ...],
        prediction: Prediction,
        reason: AbstainReason | None = None,
    ) -> Decision:
        return Decision(kind, categories, prediction, "en", "by its words", reason, self.model_id)
