"""The model, its encoder, and an answer for each category it can show."""

from collections.abc import Iterator

from bot.doctor.finding import Finding, fault, good, warning
from bot.settings import Settings
from classifier import ClassifierError, load, load_answers
from classifier.serving.artefact import MANIFEST

TRAIN = "`python -m classifier train` makes a model that fits"


def check(settings: Settings) -> Iterator[Finding]:
    """Load it as `serve` would, every hash checked."""
    if not (settings.model_dir / MANIFEST).exists():
        yield warning(
            "model",
            f"there is no model in {settings.model_dir}: every request goes to a person",
            f"nothing, if that is meant; {TRAIN}",
        )
        return
    try:
        classifier = load(settings.model_dir, settings.encoder_dir)
    except (ClassifierError, OSError) as error:
        yield fault("model", str(error), f"put back the folder that was trained with this encoder; {TRAIN}")
        return
    yield good("model", f"{classifier.model_id} on {classifier.encoder_name}")
    try:
        answers = load_answers(settings.answers_file) if settings.answers_file else load_answers()
    except (ClassifierError, OSError) as error:
        yield fault(
            "answers",
            str(error),
            "mend the file at ANSWERS_FILE, or leave it unset for the one that comes along",
        )
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
