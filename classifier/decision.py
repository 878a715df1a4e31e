"""What is shown for a prediction, and why: the rule between probabilities and buttons. Pure; knows no model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

OUT_OF_SCOPE = "out_of_scope"
"""The label of training rows that must end with a person; never shown."""


class DecisionKind(StrEnum):
    """What the requester is shown."""

    SHOW_ONE = "show_one"
    SHOW_TWO = "show_two"
    ABSTAIN = "abstain"


class AbstainReason(StrEnum):
    """Why nothing is suggested."""

    OUT_OF_SCOPE = "out_of_scope"
    UNSURE = "unsure"
    OVER_MASKED = "over_masked"
    EMPTY = "empty"
    UNSUPPORTED_LANGUAGE = "unsupported_language"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated probabilities, one for each label, summing to 1. OUT_OF_SCOPE is one of the labels."""

    labels: tuple[str, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.probabilities) or not self.labels:
            raise ValueError("a prediction needs one probability for each label")
        # Said this way round, what is no number (NaN) is refused, too.
        if not (abs(sum(self.probabilities) - 1.0) <= 1e-6 and min(self.probabilities) >= 0):
            raise ValueError("probabilities must be at least 0 and sum to 1")

    def ranked(self) -> tuple[tuple[str, float], ...]:
        """(label, probability), most probable first; equal ones in the order of `labels`."""
        pairs = zip(self.labels, self.probabilities, strict=True)
        return tuple(sorted(pairs, key=lambda pair: -pair[1]))

    def probability(self, label: str) -> float:
        """The label's probability; 0 for a label the model does not know."""
        return dict(zip(self.labels, self.probabilities, strict=True)).get(label, 0.0)

    def categories(self) -> tuple[tuple[str, float], ...]:
        """`ranked()` without OUT_OF_SCOPE: what could be shown."""
        return tuple(pair for pair in self.ranked() if pair[0] != OUT_OF_SCOPE)


class PromiseResult(StrEnum):
    """What became of a promise when it was tested."""

    KEPT = "kept"
    TOO_FEW_ROWS = "too_few_rows"
    """The share seen would do, but so few rows do not prove it."""
    NOT_REACHED = "not_reached"
    """There were rows enough, and too many of them were wrong."""


@dataclass(frozen=True, slots=True)
class Promise:
    """A share of right answers, and the evidence that it is kept.

    `promise`: least share of right ones among messages like these. `confidence`: how sure that is, over the draw of
    the calibration rows. `shown`, `right`: calibration rows; under the saved thresholds when kept, else in the
    test that failed. `lower_bound`: of the share, at the part of the risk that this test had. `needed`: rows with
    which the share seen would do; None when no number of rows would.
    """

    promise: float
    confidence: float
    lower_bound: float
    shown: int
    right: int
    needed: int | None
    result: PromiseResult
    method: str

    @property
    def kept(self) -> bool:
        return self.result is PromiseResult.KEPT

    @classmethod
    def from_dict(cls, text: Mapping[str, Any]) -> "Promise":
        """From `as_dict`; raises TypeError or ValueError for anything else."""
        fields = {name: value for name, value in text.items() if name != "kept"}
        return cls(**(fields | {"result": PromiseResult(fields.get("result", ""))}))

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"kept": self.kept}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The three numbers of the rule, each in (0, 1], and the sentence saying how they were chosen.

    `show_one`: one suggestion when the top probability is at least this, else two.
    `least_mass`: abstain when the two best categories together have less.
    `out_of_scope`: abstain when that label has at least this.
    `shown_promise`: of the right one being among what is shown; `one_promise`: of the one that is shown alone.
    Both are None for thresholds that nobody tested. Their dictionaries, as read from JSON, are taken too.
    """

    show_one: float
    least_mass: float
    out_of_scope: float
    reason: str
    shown_promise: Promise | None = None
    one_promise: Promise | None = None

    def __post_init__(self) -> None:
        for name in ("show_one", "least_mass", "out_of_scope"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ValueError(f"{name} must be above 0 and at most 1, not {value}")
        if not self.reason:
            raise ValueError("thresholds need the reason they were chosen")
        for name in ("shown_promise", "one_promise"):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, Promise.from_dict(value))

    def as_dict(self) -> dict[str, Any]:
        return {
            "show_one": self.show_one,
            "least_mass": self.least_mass,
            "out_of_scope": self.out_of_scope,
            "reason": self.reason,
            "shown_promise": self.shown_promise.as_dict() if self.shown_promise else None,
            "one_promise": self.one_promise.as_dict() if self.one_promise else None,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """What to show for one message. `categories`: in the order shown, empty when abstaining.

    `prediction` is None when the text never reached the model. `language`: ISO 639-1 code, or "und" if unsure.
    `rule` is a sentence with the numbers that decided.
    """

    kind: DecisionKind
    categories: tuple[str, ...]
    prediction: Prediction | None
    language: str
    rule: str
    abstain_reason: AbstainReason | None
    model_id: str

    @property
    def confidence(self) -> float | None:
        """Probability of the first category shown; None when abstaining."""
        if self.prediction is None or not self.categories:
            return None
        return self.prediction.probability(self.categories[0])


@dataclass(frozen=True, slots=True)
class Shown:
    """The rule's outcome for one prediction."""

    kind: DecisionKind
    categories: tuple[str, ...]
    rule: str
    abstain_reason: AbstainReason | None


def apply_rule(prediction: Prediction, thresholds: Thresholds) -> Shown:
    """The top-threshold rule, after the two reasons to abstain."""
    best: Sequence[tuple[str, float]] = prediction.categories()[:2]
    strange = prediction.probability(OUT_OF_SCOPE)
    top_label, top = prediction.ranked()[0]
    if top_label == OUT_OF_SCOPE or strange >= thresholds.out_of_scope:
        limit = (
            "more probable than any category"
            if top_label == OUT_OF_SCOPE
            else f">= {thresholds.out_of_scope:.2f}"
        )
        return _abstain(
            AbstainReason.OUT_OF_SCOPE, f"p(out of scope) = {strange:.2f}, {limit}: a person takes it."
        )
    mass = sum(probability for _, probability in best)
    if mass < thresholds.least_mass:
        rule = f"The two best hold {mass:.2f} together, under {thresholds.least_mass:.2f}: a person takes it."
        return _abstain(AbstainReason.UNSURE, rule)
    if top >= thresholds.show_one:
        rule = f"{top_label} has p = {top:.2f} >= {thresholds.show_one:.2f}: one suggestion."
        return Shown(DecisionKind.SHOW_ONE, (top_label,), rule, None)
    if len(best) < 2:
        return _abstain(
            AbstainReason.UNSURE, f"p = {top:.2f} < {thresholds.show_one:.2f} and there is no second."
        )
    rule = f"{top_label} has p = {top:.2f} < {thresholds.show_one:.2f}: two suggestions."
    return Shown(DecisionKind.SHOW_TWO, tuple(label for label, _ in best), rule, None)


def _abstain(reason: AbstainReason, rule: str) -> Shown:
    return Shown(DecisionKind.ABSTAIN, (), rule, reason)
