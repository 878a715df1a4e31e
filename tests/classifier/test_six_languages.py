"""The same request in six languages, with the multilingual encoder where it is installed."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from classifier.data.dataset import Dataset
from classifier.encoders.store import Installed, installed
from classifier.errors import EncoderMissing
from classifier.serving.serve import Classifier, load
from classifier.training.train import train

from .conftest import STARTER_PARAMS, no_progress

ENCODER = "multilingual-e5-small"
HOME = Path(os.environ.get("FIRSTLINE_ENCODER_DIR", "var/encoders"))

REQUESTS = {
    "account_password": (
        "How do I reset my password?",
        "Wie setze ich mein Passwort zurück?",
        "Comment réinitialiser mon mot de passe ?",
        "¿Cómo restablezco mi contraseña?",
        "Como redefino a minha palavra-passe?",
        "Hoe reset ik mijn wachtwoord?",
    ),
    "hardware_printing": (
        "The printer on the second floor jams all the time",
        "Der Drucker im zweiten Stock hat ständig Papierstau",
        "L'imprimante du deuxième étage se bloque tout le temps",
        "La impresora del segundo piso se atasca todo el tiempo",
        "A impressora do segundo andar encrava constantemente",
        "De printer op de tweede verdieping loopt steeds vast",
    ),
    "network_vpn": (
        "The VPN drops every few minutes",
        "Das VPN bricht alle paar Minuten ab",
        "Le VPN se coupe toutes les quelques minutes",
        "La VPN se corta cada pocos minutos",
        "A VPN cai a cada poucos minutos",
        "De VPN valt om de paar minuten weg",
    ),
}
"""English, German, French, Spanish, Portuguese, Dutch."""


@pytest.fixture(scope="module")
def multilingual() -> Installed:
    try:
        return installed(ENCODER, HOME)
    except EncoderMissing:
        pytest.skip(
            f"{ENCODER} is not in {HOME} (python -m classifier fetch needs a hub): six languages are not tested"
        )


@pytest.fixture(scope="module")
def polyglot(
    starter: Dataset, multilingual: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Classifier:
    folder = tmp_path_factory.mktemp("polyglot")
    now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    train(starter, multilingual, folder / "model", folder / "cache", STARTER_PARAMS, now, no_progress)
    return load(folder / "model", HOME)


@pytest.mark.parametrize("category", REQUESTS)
def test_a_request_is_the_same_in_six_languages(polyglot: Classifier, category: str) -> None:
    """Asked in any of the six languages, a request is about the same category."""
    assert {polyglot.predict(text).ranked()[0][0] for text in REQUESTS[category]} == {category}


@pytest.mark.parametrize("category", REQUESTS)
def test_an_english_encoder_leaves_other_languages_to_a_person(classifier: Classifier, category: str) -> None:
    """With the packaged English encoder the same requests in other languages get no suggestion, and their language is told."""
    decisions = [classifier.decide(text) for text in REQUESTS[category][1:]]
    assert [decision.abstain_reason for decision in decisions] == ["unsupported_language"] * 5
    assert [decision.language for decision in decisions] == ["de", "fr", "es", "pt", "nl"]
