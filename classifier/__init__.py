"""Words in, a category and a confidence out. Knows neither Slack nor the database; runs on a plane.

Importing it is quick: the parts that need onnxruntime or LightGBM are imported by `load`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from classifier.answers import Answer, load_answers
from classifier.decision import OUT_OF_SCOPE, AbstainReason, Decision, DecisionKind, Prediction
from classifier.errors import AnswersRefused, ClassifierError, ModelRefused
from classifier.greeting import is_greeting
from classifier.text import clean, mask_ratio

if TYPE_CHECKING:
    from classifier.serving.serve import Classifier

__all__ = [
    "OUT_OF_SCOPE",
    "AbstainReason",
    "Answer",
    "AnswersRefused",
    "Classifier",
    "ClassifierError",
    "Decision",
    "DecisionKind",
    "ModelRefused",
    "Prediction",
    "clean",
    "is_greeting",
    "load",
    "load_answers",
    "mask_ratio",
]


def load(model_dir: Path, encoder_dir: Path) -> "Classifier":
    """The model in `model_dir` with its encoder from under `encoder_dir`, every hash checked first.

    Raises ModelRefused (a ClassifierError), whose text is one plain line.
    """
    from classifier.serving.serve import load as load_classifier  # noqa: PLC0415  (onnxruntime and LightGBM: .5 s)

    return load_classifier(model_dir, encoder_dir)


def __getattr__(name: str) -> object:
    if name == "Classifier":
        from classifier.serving.serve import Classifier as LoadedClassifier  # noqa: PLC0415

        return LoadedClassifier
    raise AttributeError(f"module 'classifier' has no attribute {name!r}")
