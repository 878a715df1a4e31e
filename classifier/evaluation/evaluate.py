"""Honest figures: every row goes through the classifier as the bot runs it, and every kind of outcome is counted."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from typing import Any

from threadpoolctl import threadpool_limits

from classifier.data.dataset import Example
from classifier.decision import OUT_OF_SCOPE, AbstainReason, Decision, DecisionKind, Prediction
from classifier.evaluation.asked import asked
from classifier.evaluation.metrics import Figures, figures
from classifier.serving.serve import Classifier
from classifier.text import clean


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row and what was decided for it.

    `prediction`: of the bare model, asked even where the row's language was turned away; None without words.
    """

    example: Example
    decision: Decision
    prediction: Prediction | None

    @property
    def is_suggested(self) -> bool:
        return self.decision.kind is not DecisionKind.ABSTAIN

    @property
    def is_right(self) -> bool:
        """Whether the true category is among what is shown."""
        return self.example.category in self.decision.categories


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole` rows."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        return f"{self.part / self.whole:.1%} ({self.part} of {self.whole})" if self.whole else "no rows"

    def as_dict(self) -> dict[str, float | int | None]:
        return {"part": self.part, "of": self.whole, "share": self.value}


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """One language: `accuracy` is over the rows the model was asked about."""

    language: str
    n: int
    suggested: Share
    right_among_shown: Share
    accuracy: Share


@dataclass(frozen=True, slots=True)
class Report:
    """What `evaluate` prints of `rows` rows. `model` is None when the model could be asked about none.

    `model` holds the figures of the bare model over the rows it can be asked about (`asked`); all other shares
    are over whole outcomes, as people see them.
    """

    rows: int
    model: Figures | None
    one: Share
    two: Share
    abstained: Share
    right_when_one: Share
    right_among_shown: Share
    out_of_scope_to_person: Share
    wrong_language: Share
    slipped_through: Share
    abstain_reasons: dict[str, int]
    languages: tuple[LanguageRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """What `evaluate --json` prints and metrics.json keeps.

        `rows`: all rows measured. `n`: those the model can be asked about (`asked`), which these figures of the bare model
        cover; they are null without such rows. Rows with a label that the model does not know are among them, as wrong ones:

        weighted_precision   precision of each label, weighted by the rows that truly have it; 0 for one never predicted
        weighted_recall      the same of recall, which is the accuracy
        accuracy             share of rows whose most probable label is the true one
        macro_f1             mean F1 over the labels that some row has
        top2                 share of rows whose true label is one of the two most probable
        log_loss             mean of -ln p(true label), natural logarithm, p at least 1e-12
        ece                  expected calibration error of the most probable label over 15 equal bins
        coverage_at          top threshold t -> share of rows whose true label is shown, when the best label alone is shown
                             from p1 >= t and else the best two; nothing is abstained from (`rules`)
        mean_buttons_at      coverage -> the fewest labels shown per row, in [1, 2], with which some t reaches it on these
                             rows; null when none does
        labels               precision, recall and F1 of each label, with its rows

        The shares are {part, of, share}, over what people would see of all rows, abstentions included.
        """
        shares = {
            name: getattr(self, name).as_dict()
            for name in (
                "one",
                "two",
                "abstained",
                "right_when_one",
                "right_among_shown",
                "out_of_scope_to_person",
                "wrong_language",
                "slipped_through",
            )
        }
        languages = [
            {key: value.as_dict() if isinstance(value, Share) else value for key, value in _fields(row)}
            for row in self.languages
        ]
        return {
            "rows": self.rows,
            **self._bare(),
            **shares,
            "abstain_reasons": self.abstain_reasons,
            "languages": languages,
        }

    def _bare(self) -> dict[str, Any]:
        names = {field.name: "top2" if field.name == "top_two" else field.name for field in fields(Figures)}
        bare = asdict(self.model) if self.model else dict.fromkeys(names) | {"n": 0, "labels": []}
        return {name: bare[field] for field, name in names.items()}


def _fields(row: LanguageRow) -> list[tuple[str, Any]]:
    return [(name, getattr(row, name)) for name in LanguageRow.__slots__]


def run(
    classifier: Classifier, examples: Sequence[Example], advance: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """Decide every row, a thread for each core, and none more within a product of matrices: they would wait for each other."""

    def outcome(example: Example) -> Outcome:
        decision = classifier.decide(example.text)
        prediction = decision.prediction
        if decision.abstain_reason is AbstainReason.UNSUPPORTED_LANGUAGE:
            prediction = classifier.predict(clean(example.text))
        return Outcome(example, decision, prediction)

    outcomes = []
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(outcome, examples):
            outcomes.append(done)
            advance()
    return outcomes


def report(outcomes: Sequence[Outcome], understands: Callable[[str], bool]) -> Report:
    """Count outcomes; `understands` tells whether the encoder reads a language."""
    kinds = Counter(outcome.decision.kind for outcome in outcomes)
    total = len(outcomes)
    outside = [o for o in outcomes if o.example.category == OUT_OF_SCOPE]
    foreign_reason = AbstainReason.UNSUPPORTED_LANGUAGE
    # Only where the file says the language: a detector cannot be measured against itself.
    known = [o for o in outcomes if o.example.language]
    readable = [o for o in known if understands(_language(o))]
    unreadable = [o for o in known if not understands(_language(o))]
    reasons = Counter(o.decision.abstain_reason.value for o in outcomes if o.decision.abstain_reason)
    bare = asked(((o.example, o.prediction) for o in outcomes), understands)
    return Report(
        rows=total,
        model=figures(bare.probabilities, bare.truths, bare.labels) if bare else None,
        one=Share(kinds[DecisionKind.SHOW_ONE], total),
        two=Share(kinds[DecisionKind.SHOW_TWO], total),
        abstained=Share(kinds[DecisionKind.ABSTAIN], total),
        right_when_one=_right(o for o in outcomes if o.decision.kind is DecisionKind.SHOW_ONE),
        right_among_shown=_right(o for o in outcomes if o.is_suggested),
        out_of_scope_to_person=Share(sum(not o.is_suggested for o in outside), len(outside)),
        wrong_language=Share(
            sum(o.decision.abstain_reason is foreign_reason for o in readable), len(readable)
        ),
        slipped_through=Share(
            sum(o.decision.abstain_reason is not foreign_reason for o in unreadable), len(unreadable)
        ),
        abstain_reasons=dict(sorted(reasons.items())),
        languages=_by_language(outcomes),
    )


def _language(outcome: Outcome) -> str:
    """As the file says; where it does not, as detected."""
    return outcome.example.language or outcome.decision.language


def _right(outcomes: Iterable[Outcome]) -> Share:
    rows = list(outcomes)
    return Share(sum(outcome.is_right for outcome in rows), len(rows))


def _by_language(outcomes: Sequence[Outcome]) -> tuple[LanguageRow, ...]:
    rows = []
    for language in sorted({_language(outcome) for outcome in outcomes}):
        own = [outcome for outcome in outcomes if _language(outcome) == language]
        told = [o for o in own if o.decision.prediction is not None]
        hits = sum(
            o.decision.prediction.ranked()[0][0] == o.example.category for o in told if o.decision.prediction
        )
        suggested = [o for o in own if o.is_suggested]
        rows.append(
            LanguageRow(
                language,
                len(own),
                Share(len(suggested), len(own)),
                _right(suggested),
                Share(hits, len(told)),
            )
        )
    return tuple(rows)
