"""Telling languages apart, with a bound."""

import pytest

from classifier.data.dataset import Dataset, Split
from classifier.languages import CANDIDATES, Detected, LanguageDetector, foreign_script_share
from classifier.text import clean


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hoe reset ik mijn wachtwoord?", "nl"),
        ("Mein Drucker im dritten Stock druckt nicht mehr", "de"),
        ("Je n'arrive plus à me connecter au VPN", "fr"),
        ("No puedo entrar en mi correo desde ayer", "es"),
        ("Não consigo aceder à pasta partilhada", "pt"),
        ("Non riesco ad accedere alla posta", "it"),
        ("The printer on the third floor does not print", "en"),
    ],
)
def test_a_sentence_is_recognised(detector: LanguageDetector, text: str, code: str) -> None:
    """A sentence is recognised with confidence."""
    detected = detector.detect(text)
    assert (detected.code, detected.is_confident) == (code, True)


@pytest.mark.parametrize("text", ["vpn", "outlook", "teams", "password"])
def test_one_word_is_no_evidence(detector: LanguageDetector, text: str) -> None:
    """A single technical word is never taken for another language."""
    detected = detector.detect(text)
    assert detected.code == "en" or not detected.is_confident


@pytest.mark.parametrize(
    "text", ["не работает принтер", "パスワードを忘れました", "نسيت كلمة المرور", "打印机坏了 vpn"]
)
def test_another_script_is_recognised(detector: LanguageDetector, text: str) -> None:
    """Mostly non-Latin letters are another language, whatever py3langid makes of them."""
    detected = detector.detect(text)
    assert detected.is_confident
    assert detected.code != "en"


def test_accents_are_latin() -> None:
    """Accented letters do not count as another script."""
    assert foreign_script_share("Größe façade ñandú 1ª") == 0.0


def test_few_starter_messages_are_mistaken(detector: LanguageDetector, starter: Dataset) -> None:
    """Under 1 % of English messages are taken for another language, under 4 % of the others for English or nothing."""
    english = [e for e in starter.examples if e.language == "en"]
    others = [e for e in starter.examples if e.language != "en"]
    mistaken = sum(_is_foreign(detector, e.text) for e in english)
    unnoticed = sum(not _is_foreign(detector, e.text) for e in others)
    assert mistaken / len(english) < 0.01
    assert unnoticed / len(others) < 0.04


@pytest.mark.parametrize(("bound", "turned_away", "let_through"), [(0.3, 8, 9), (0.5, 3, 17), (0.7, 1, 30)])
def test_the_bound_is_chosen_on_rows_that_are_not_held_out(
    seen: list[tuple[str | None, Detected]], bound: float, turned_away: int, let_through: int
) -> None:
    """The counts by which the bound was chosen, on fit and calibration rows, are those its module tells."""
    foreign = [
        (language == "en", found.code != "en" and found.confidence >= bound) for language, found in seen
    ]
    assert foreign.count((True, True)) == turned_away
    assert foreign.count((False, False)) == let_through


@pytest.fixture(scope="module")
def seen(detector: LanguageDetector, starter: Dataset) -> list[tuple[str | None, Detected]]:
    """Each fit and calibration row's language, and what was detected."""
    rows = [e for e in starter.examples if e.split is not Split.TEST]
    return [(e.language, detector.detect(clean(e.text))) for e in rows]


def _is_foreign(detector: LanguageDetector, text: str) -> bool:
    detected = detector.detect(clean(text))
    return detected.is_confident and detected.code != "en"


def test_the_small_table_tells_the_same(detector: LanguageDetector, starter: Dataset) -> None:
    """What was left out of py3langid's table changes no answer, and three quarters of it are left out."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    whole.set_languages(list(CANDIDATES))
    texts = [example.text for example in starter.examples[::5]] + [
        "Größe Łódź naïve œuvre",
        "\x00 €uro ≠ dollar",
    ]
    for text in texts:
        code, confidence = whole.classify(text)
        found = detector.detect(text)
        assert (found.code, found.confidence) == (code, pytest.approx(float(confidence), abs=1e-6))
    small = detector._identifier.tk_nextmove
    assert len(small) * small.itemsize < len(whole.tk_nextmove) * whole.tk_nextmove.itemsize / 3
