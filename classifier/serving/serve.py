"""The classifier as the bot runs it: one message in, one decision out."""

import contextlib
import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from classifier.decision import (
    OUT_OF_SCOPE,
    AbstainReason,
    Decision,
    DecisionKind,
    Prediction,
    Thresholds,
    apply_rule,
)
from classifier.encoders.session import Encoder
from classifier.encoders.store import installed, open_encoder
from classifier.errors import EncoderError, ModelRefused
from classifier.languages import UNKNOWN, LanguageDetector
from classifier.serving.added import located, with_added
from classifier.serving.artefact import Model, read_model
from classifier.serving.boosting import Booster, softmax
from classifier.serving.neighbours import Floats
from classifier.text import clean, has_words, mask_ratio

OVER_MASKED = 0.3
"""Share of masked words above which a message no longer says what it is about."""


def says_too_little(words: str) -> tuple[AbstainReason, str] | None:
    """Why a cleaned text is neither learned from nor predicted, and the sentence; None if it can be."""
    masked = mask_ratio(words)
    if masked > OVER_MASKED:
        rule = f"{masked:.0%} of the words are masked, over {OVER_MASKED:.0%}: a person takes it."
        return AbstainReason.OVER_MASKED, rule
    if not has_words(words):
        return AbstainReason.EMPTY, "No words in it: a person takes it."
    return None


class Classifier:
    """A loaded model with its encoder. `decide` is safe to call from many threads at once."""

    def __init__(self, model_id: str, model: Model, encoder: Encoder, detector: LanguageDetector) -> None:
        """Raises ModelRefused when the parts do not fit each other."""
        self.model_id = model_id
        self._model = model
        self._encoder = encoder
        self._detector = detector
        self._booster = Booster(model.booster_text)
        if self._booster.label_count != len(model.labels) or self._booster.width != model.views.width:
            raise ModelRefused(
                f"model {model_id}: booster, labels and arrays are of different sizes; train again"
            )
        if encoder.recipe.dimensions != model.views.dimensions:
            raise ModelRefused(f"model {model_id} needs {model.views.dimensions} dimensions; train again")

    @property
    def model(self) -> Model:
        """Its parts: what an explanation and a study of thresholds look into."""
        return self._model

    @property
    def categories(self) -> tuple[str, ...]:
        """The labels that can be shown."""
        return tuple(label for label in self._model.every_label if label != OUT_OF_SCOPE)

    @property
    def provenance(self) -> dict[str, Any]:
        """What the model was made of (`provenance`)."""
        return self._model.provenance

    @property
    def thresholds(self) -> Thresholds:
        """The rule it decides by, with what it promises."""
        return self._model.thresholds

    @property
    def encoder_name(self) -> str:
        return self._model.encoder.name

    def decide(self, text: str) -> Decision:
        """What to show for a message as it was written."""
        words = clean(text)
        if refusal := says_too_little(words):
            return self._refuse(refusal[0], UNKNOWN, refusal[1])
        detected = self._detector.detect(words)
        language = detected.code if detected.is_confident else UNKNOWN
        if detected.is_confident and not self._encoder.recipe.understands(detected.code):
            rule = f"Written in {detected.code!r} (p = {detected.confidence:.2f}), which {self.encoder_name} does not read."
            return self._refuse(AbstainReason.UNSUPPORTED_LANGUAGE, language, rule)
        prediction = self.predict(words)
        shown = apply_rule(prediction, self._model.thresholds)
        return Decision(
            kind=shown.kind,
            categories=shown.categories,
            prediction=prediction,
            language=language,
            rule=shown.rule,
            abstain_reason=shown.abstain_reason,
            model_id=self.model_id,
        )

    def predict(self, words: str) -> Prediction:
        """Probabilities for a cleaned text with words in it, whatever its language."""
        views, embedding = self._model.views, self.embed(words)
        probabilities = self.trees_say(words, embedding)
        if self._model.added:
            rows = located(views.spaces.place([words], embedding[None, :]), views)
            probabilities = with_added(probabilities, rows, self._model.added)
        return Prediction(self._model.every_label, tuple(float(p) for p in probabilities[0]))

    def trees_say(self, words: str, embedding: Floats) -> NDArray[np.float64]:
        """Probabilities (1, labels) of the trained labels alone, for a cleaned text and its embedding (dimensions,)."""
        columns = self._model.views.columns([words], embedding[None, :])
        return softmax(self._booster.scores(columns), self._model.temperature)

    def embed(self, words: str) -> Floats:
        """Where a cleaned text lies in meaning: float32, shape (dimensions,), of length one."""
        return self._encoder.embed(words)

    def _refuse(self, reason: AbstainReason, language: str, rule: str) -> Decision:
        return Decision(DecisionKind.ABSTAIN, (), None, language, rule, reason, self.model_id)


def load(model_dir: Path, encoder_dir: Path) -> Classifier:
    """The model in `model_dir`, with the encoder it names under `encoder_dir` (the folder that holds encoders).

    Every file of both is hashed before anything is opened. Raises ModelRefused with one plain line.
    """
    saved = read_model(model_dir)
    pin = saved.model.encoder
    try:
        found = installed(pin.name, encoder_dir)
        if found.fingerprint != pin.fingerprint:
            raise ModelRefused(
                f"the model in {model_dir} was trained with another build of encoder {pin.name} than the one "
                f"in {encoder_dir}; run: python -m classifier train"
            )
        encoder = open_encoder(found)
    except EncoderError as error:
        raise ModelRefused(f"the model in {model_dir} cannot run: {error}") from error
    classifier = Classifier(saved.model_id, saved.model, encoder, LanguageDetector())
    # One message at a time, many beside each other: a second thread for a product of this size only waits for the first,
    # and cost a third of the processor time on top. It holds for the whole process.
    threadpool_limits(limits=1, user_api="blas")
    _give_back_memory()
    return classifier


def _give_back_memory() -> None:
    """Opening files takes 30 MB that are not needed again, and glibc keeps what is freed below the top of its heap."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)
