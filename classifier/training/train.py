"""From a file of labelled requests to a saved model. Never imported by the running bot."""

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.dataset import Dataset, Example, Split
from classifier.data.mapping import CategoryMapping
from classifier.decision import OUT_OF_SCOPE, AbstainReason, Prediction, Thresholds
from classifier.encoders.recipes import EncoderRecipe
from classifier.encoders.store import Installed, open_encoder
from classifier.errors import DataRefused, ModelRefused
from classifier.evaluation.evaluate import Report, report, run
from classifier.languages import LanguageDetector
from classifier.serving.artefact import EncoderPin, Model, check_place, pack_examples, read_model, write_model
from classifier.serving.boosting import softmax
from classifier.serving.serve import Classifier, says_too_little
from classifier.serving.views import ViewParams
from classifier.training.add_category import background_of
from classifier.training.balancing import Balance
from classifier.training.boosting import BoosterParams, train_booster
from classifier.training.calibration import fit_temperature
from classifier.training.embedded import look_up
from classifier.training.embedding_cache import EmbeddingCache
from classifier.training.engines import Engine, FitTrees
from classifier.training.fit_views import FIT_STEPS, FitRows, fit_views
from classifier.training.model_card import card
from classifier.training.promise import PromiseParams, choose_thresholds
from classifier.training.provenance import data_record, git_commit, library_versions, stamp
from classifier.training.stack import STACK_STEPS, Stack, fit_stack

LEAST_FIT_ROWS = 3
"""Of a label: with fewer, most folds would hold none."""

Progress = Callable[[str, int], Callable[[], None]]
"""Starts a stage with its name and number of steps; what it returns is called after each step."""


@dataclass(frozen=True, slots=True)
class TrainParams:
    """Everything one can turn.

    `refill`: once measured, the views are fitted again on all rows, the held-out ones too; trees, temperature and
    thresholds stay as measured. More neighbours and words only help, and the figures remain those of the smaller memory.
    `engine`: that of the `fit_trees` handed to `train`.
    """

    views: ViewParams = field(default_factory=ViewParams)
    boosting: BoosterParams = field(default_factory=BoosterParams)
    balance: Balance = Balance.NONE
    promise: PromiseParams = field(default_factory=PromiseParams)
    refill: bool = True
    seed: int = 0
    engine: Engine = Engine.LOCAL


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training: the id of the model written, and its figures on the test rows."""

    model_id: str
    report: Report


@dataclass(frozen=True, slots=True)
class Usable:
    """A row a model can learn from: cleaned text, label index, what it is used for, and its group of alike rows."""

    words: str
    label: int
    split: Split
    group: int


def is_current(folder: Path, dataset: Dataset, encoder: Installed, params: TrainParams) -> bool:
    """Whether a whole model made of this data, encoder, parameters and code is in `folder`."""
    try:
        saved = read_model(folder)
    except ModelRefused:
        return False
    wanted = stamp(dataset, encoder, repr(params))
    return saved.model.provenance.get("stamp") == wanted


def train(
    dataset: Dataset,
    encoder: Installed,
    folder: Path,
    cache_dir: Path,
    params: TrainParams,
    now: datetime,
    progress: Progress,
    embeddings: Path | None = None,
    fit_trees: FitTrees = train_booster,
) -> Trained:
    """Train, calibrate, measure on the test rows through the serving code, and write the model folder.

    Rows that are in `embeddings`, a folder made by `embed`, are not embedded again.
    Raises DataRefused when too few rows are left to fit or calibrate on, or another encoder made `embeddings`; ModelRefused
    when `folder` holds something else than a model, before any work, or cannot be written.
    """
    check_place(folder)
    running, detector = open_encoder(encoder), LanguageDetector()
    labels = tuple(dataset.counts())
    rows, dropped = usable(dataset.examples, labels, encoder.recipe)
    _check(rows, labels, encoder.recipe, dataset.mapping)
    cache, texts = EmbeddingCache(cache_dir, encoder.fingerprint), [row.words for row in rows]
    if embeddings is not None:
        cache.take(look_up(embeddings, encoder, texts))
    vectors = cache.embed(running, texts, progress("Reading the rows", len(rows)))
    part = {split: fit_rows(rows, vectors, {split}) for split in Split}
    calibration = part[Split.CALIBRATION]
    fitted = _fit(part[Split.FIT], calibration, labels, params, progress, fit_trees)
    model = Model(
        labels=labels,
        temperature=fitted.temperature,
        thresholds=fitted.thresholds,
        booster_text=fitted.stack.booster_text,
        views=fitted.stack.views,
        packed_examples=pack_examples(part[Split.FIT].texts),
        encoder=EncoderPin(encoder.recipe.name, encoder.recipe.revision, encoder.fingerprint),
        provenance=_provenance(dataset, encoder, params, rows, dropped, now),
        background=background_of(fitted.stack.views, calibration, fitted.said, params.seed),
        mapping=dataset.mapping.content if dataset.mapping else None,
    )
    test = dataset.of(Split.TEST)
    outcomes = run(
        Classifier("unsaved", model, running, detector),
        test,
        progress("Measuring on the test rows", len(test)),
    )
    figures = report(outcomes, encoder.recipe.understands)
    if params.refill:
        every = fit_rows(rows, vectors, set(Split))
        step = progress("Learning from all rows", FIT_STEPS)
        views = fit_views(every, len(labels), params.views, params.seed, step)
        background = background_of(views, calibration, fitted.said, params.seed)
        texts_of_all = pack_examples(every.texts)
        model = replace(model, views=views, packed_examples=texts_of_all, background=background)
    metrics: dict[str, Any] = {"split": Split.TEST.value, "data": dataset.name, **figures.as_dict()}
    return Trained(write_model(model, metrics, card(model, figures), folder), figures)


def _provenance(
    dataset: Dataset,
    encoder: Installed,
    params: TrainParams,
    rows: Sequence[Usable],
    dropped: dict[str, int],
    now: datetime,
) -> dict[str, Any]:
    """What the model is made of; `dropped` tells why rows are not among `rows`."""
    used, labels = Counter(row.split.value for row in rows), dataset.counts()
    boosting = params.boosting.as_lightgbm(used[Split.FIT.value], len(labels))
    return {
        "stamp": stamp(dataset, encoder, repr(params)),
        "created_at": now.isoformat(timespec="seconds"),
        "git_commit": git_commit(),
        "data": data_record(dataset, dict(used), dropped),
        "libraries": library_versions(),
        "boosting": boosting | {"rounds": params.boosting.rounds},
        "engine": params.engine.value,
        "balance": params.balance.value,
        "refilled": params.refill,
    }


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What the fit rows taught, and what the calibration rows made of it. `said`: probabilities for those (m, labels)."""

    stack: Stack
    temperature: float
    thresholds: Thresholds
    said: NDArray[np.float64]


def _fit(
    fit: FitRows,
    calibration: FitRows,
    labels: tuple[str, ...],
    params: TrainParams,
    progress: Progress,
    fit_trees: FitTrees,
) -> _Fitted:
    step = progress("Training", STACK_STEPS + 1)
    stack = fit_stack(
        fit,
        len(labels),
        seed=params.seed,
        views=params.views,
        boosting=params.boosting,
        how=params.balance,
        fit_trees=fit_trees,
        step=step,
    )
    scores = stack.scores(calibration)
    temperature = fit_temperature(scores, calibration.labels)
    said = softmax(scores, temperature)
    predictions = _predictions(said, labels)
    truths = [labels[label] for label in calibration.labels]
    thresholds = choose_thresholds(predictions, truths, params.promise)
    step()
    return _Fitted(stack, temperature, thresholds, said)


def fit_rows(rows: Sequence[Usable], vectors: NDArray[np.float32], splits: AbstractSet[Split]) -> FitRows:
    """Those of `rows`, with their `vectors` (n, d), that are in one of `splits`."""
    places = [place for place, row in enumerate(rows) if row.split in splits]
    return FitRows(
        texts=[rows[place].words for place in places],
        embeddings=vectors[places],
        labels=np.array([rows[place].label for place in places], dtype=np.int64),
        groups=np.array([rows[place].group for place in places], dtype=np.int64),
    )


def usable(
    examples: Sequence[Example], labels: Sequence[str], recipe: EncoderRecipe
) -> tuple[list[Usable], dict[str, int]]:
    """Rows a model can learn from, and how many were left out for which reason.

    Where the file says the language, rows the encoder does not read are left out. Where it does not, none are: what a
    detector takes for another language is often a list of error codes, and the views of words learn from it all the same.
    """
    places = {label: place for place, label in enumerate(labels)}
    rows: list[Usable] = []
    dropped: Counter[str] = Counter()
    for example in examples:
        words = example.words
        if refusal := says_too_little(words):
            dropped[refusal[0].value] += 1
        elif example.language is not None and not recipe.understands(example.language):
            dropped[AbstainReason.UNSUPPORTED_LANGUAGE.value] += 1
        else:
            rows.append(Usable(words, places[example.category], example.split, example.group))
    return rows, dict(dropped)


def _check(
    rows: Sequence[Usable], labels: Sequence[str], recipe: EncoderRecipe, mapping: CategoryMapping | None
) -> None:
    if empty := sorted(mapping.groups - set(labels) - {OUT_OF_SCOPE}) if mapping else []:
        raise DataRefused(f"no row is in {', '.join(empty)}, of which the mapping tells")
    seen = Counter(row.label for row in rows if row.split is Split.FIT)
    few = [label for place, label in enumerate(labels) if seen[place] < LEAST_FIT_ROWS]
    if few:
        raise DataRefused(
            f"fewer than {LEAST_FIT_ROWS} rows to learn {', '.join(few)} from that encoder {recipe.name} can read"
        )
    if not any(row.split is Split.CALIBRATION for row in rows):
        raise DataRefused(f"no calibration rows are left that encoder {recipe.name} can read")


def _predictions(probabilities: NDArray[np.float64], labels: tuple[str, ...]) -> list[Prediction]:
    return [Prediction(labels, tuple(float(p) for p in row)) for row in probabilities]
