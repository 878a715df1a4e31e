"""The model, its encoder, and an answer for each category it can show."""

from collections.abc import Generator, Iterator, Mapping

from bot.doctor.finding import Finding, fault, good, warning
from bot.settings import Settings
from classifier import Answer, Classifier, ClassifierError, load, load_answers
from classifier.serving.artefact import MANIFEST

TRAIN = "`python -m classifier train` makes a model that fits"


def check(settings: Settings) -> Iterator[Finding]:
    """Load the model as `serve` would, every hash checked, and the answers, which it does not start without."""
    classifier = yield from _model(settings)
    answers = yield from _answers(settings)
    if classifier is None or answers is None:
        return
    missing = sorted(set(classifier.categories) - set(answers))
    if missing:
        yield warning(
            "answers",
            f"no answer for {', '.join(missing)}: requests about it go to a person",
            "add them to the file at ANSWERS_FILE",
        )
    else:
        yield good("answers", f"{len(answers)} categories have an answer")


def _model(settings: Settings) -> Generator[Finding, None, Classifier | None]:
    if not (settings.model_dir / MANIFEST).exists():
        yield warning(
            "model",
            f"there is no model in {settings.model_dir}: every request goes to a person",
            f"nothing, if that is meant; {TRAIN}",
        )
        return None
    try:
        classifier = load(settings.model_dir, settings.encoder_dir)
    except (ClassifierError, OSError) as error:
        yield fault("model", str(error), f"put back the folder that was trained with this encoder; {TRAIN}")
        return None
    yield good("model", f"{classifier.model_id} on {classifier.encoder_name}")
    return classifier


def _answers(settings: Settings) -> Generator[Finding, None, Mapping[str, Answer] | None]:
    try:
        return load_answers(settings.answers_file) if settings.answers_file else load_answers()
    except (ClassifierError, OSError) as error:
        remedy = "mend the file, or leave ANSWERS_FILE unset for the one that comes along"
        yield fault("answers", f"ANSWERS_FILE: {error}", remedy)
        return None
