"""From a file of labelled requests to a saved model. Never imported by the running bot."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.data.dataset import Dataset, Example, Split
from classifier.decision import AbstainReason, Prediction
from classifier.encoders.recipes import EncoderRecipe
from classifier.encoders.store import Installed, open_encoder
from classifier.errors import DataRefused, ModelRefused
from classifier.evaluation.evaluate import Report, report, run
from classifier.languages import LanguageDetector
from classifier.serving.artefact import EncoderPin, Model, read_model, write_model
from classifier.serving.boosting import Booster, BoosterParams, softmax, train_booster
from classifier.serving.features import FeatureParams, fit_reference
from classifier.serving.serve import Classifier, says_too_little
from classifier.text import clean
from classifier.training.calibration import choose_thresholds, fit_temperature
from classifier.training.embedding_cache import EmbeddingCache
from classifier.training.model_card import card
from classifier.training.provenance import data_record, git_commit, library_versions, stamp

Progress = Callable[[str, int], Callable[[], None]]
"""Starts a stage with its name and number of steps; what it returns is called after each step."""


@dataclass(frozen=True, slots=True)
class TrainParams:
    """Everything one can turn."""

    features: FeatureParams = field(default_factory=FeatureParams)
    boosting: BoosterParams = field(default_factory=BoosterParams)


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished training: the id of the model written, and its figures on the test rows."""

    model_id: str
    report: Report


@dataclass(frozen=True, slots=True)
class _Row:
    """A usable row: cleaned text, label index, and the number it shares with rows that are alike."""

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
    wanted = stamp(dataset, encoder, params.features, params.boosting)
    return saved.model.provenance.get("stamp") == wanted


def train(
    dataset: Dataset,
    encoder: Installed,
    folder: Path,
    cache_dir: Path,
    params: TrainParams,
    now: datetime,
    progress: Progress,
) -> Trained:
    """Train, calibrate, measure on the test rows through the serving code, and write the model folder.

    Raises DataRefused when too few rows are left to fit or calibrate on.
    """
    running = open_encoder(encoder)
    detector = LanguageDetector()
    labels = tuple(dataset.counts())
    rows, dropped = usable(dataset.examples, labels, encoder.recipe, detector)
    fit, calibration = _of(rows, Split.FIT), _of(rows, Split.CALIBRATION)
    _check(fit, calibration, labels, encoder.recipe)
    cache = EmbeddingCache(cache_dir, encoder.fingerprint)
    step = progress("Reading the rows", len(fit) + len(calibration))
    vectors = cache.embed(running, [row.words for row in fit + calibration], step)

    step = progress("Training", 3)
    truths = np.array([row.label for row in fit], dtype=np.int64)
    alike = np.array([row.group for row in fit], dtype=np.int64)
    reference, features = fit_reference(vectors[: len(fit)], truths, len(labels), params.features, alike)
    step()
    text = train_booster(features, truths, len(labels), params.boosting)
    step()
    scores = Booster(text).scores(reference.features(vectors[len(fit) :]))
    held_out = np.array([row.label for row in calibration], dtype=np.int64)
    temperature = fit_temperature(scores, held_out)
    predictions = _predictions(softmax(scores, temperature), labels)
    thresholds = choose_thresholds(predictions, [labels[label] for label in held_out])
    step()
    model = Model(
        labels=labels,
        temperature=temperature,
        thresholds=thresholds,
        booster_text=text,
        reference=reference,
        encoder=EncoderPin(encoder.recipe.name, encoder.recipe.revision, encoder.fingerprint),
        provenance={
            "stamp": stamp(dataset, encoder, params.features, params.boosting),
            "created_at": now.isoformat(timespec="seconds"),
            "git_commit": git_commit(),
            "data": data_record(dataset, dict(Counter(row.split.value for row in rows)), dropped),
            "libraries": library_versions(),
            "boosting": params.boosting.as_lightgbm(len(labels)) | {"rounds": params.boosting.rounds},
        },
    )
    test = dataset.of(Split.TEST)
    unsaved = Classifier("unsaved", model, running, detector)
    outcomes = run(unsaved, test, progress("Measuring on the test rows", len(test)))
    figures = report(outcomes, encoder.recipe.understands)
    metrics: dict[str, Any] = {"split": Split.TEST.value, "data": dataset.name, **figures.as_dict()}
    model_id = write_model(model, metrics, card(model, figures), folder)
    return Trained(model_id, figures)


def usable(
    examples: Sequence[Example], labels: Sequence[str], recipe: EncoderRecipe, detector: LanguageDetector
) -> tuple[list[_Row], dict[str, int]]:
    """Rows a model can learn from, and how many were left out for which reason.

    Left out is what serving would not ask the model about either.
    """
    places = {label: place for place, label in enumerate(labels)}
    rows: list[_Row] = []
    dropped: Counter[str] = Counter()
    for example in examples:
        words = clean(example.text)
        if refusal := says_too_little(words):
            dropped[refusal[0].value] += 1
        elif not _is_readable(example, words, recipe, detector):
            dropped[AbstainReason.UNSUPPORTED_LANGUAGE.value] += 1
        else:
            rows.append(_Row(words, places[example.category], example.split, example.group))
    return rows, dict(dropped)


def _is_readable(example: Example, words: str, recipe: EncoderRecipe, detector: LanguageDetector) -> bool:
    if example.language is not None:
        return recipe.understands(example.language)
    detected = detector.detect(words)
    return not detected.is_confident or recipe.understands(detected.code)


def _of(rows: Sequence[_Row], split: Split) -> list[_Row]:
    return [row for row in rows if row.split is split]


def _check(
    fit: Sequence[_Row], calibration: Sequence[_Row], labels: Sequence[str], recipe: EncoderRecipe
) -> None:
    seen = Counter(row.label for row in fit)
    empty = [label for place, label in enumerate(labels) if seen[place] < 3]
    if empty:
        raise DataRefused(
            f"fewer than 3 rows to learn {', '.join(empty)} from that encoder {recipe.name} can read"
        )
    if not calibration:
        raise DataRefused(f"no calibration rows are left that encoder {recipe.name} can read")


def _predictions(probabilities: NDArray[np.float64], labels: tuple[str, ...]) -> list[Prediction]:
    return [Prediction(labels, tuple(float(p) for p in row)) for row in probabilities]
