"""Which language a message is in, with a bound: short texts say little, and a wrong guess sends people away.

py3langid's normalised probability is near 1 for a sentence and low for "vpn" or "outlook". Taken only from .5 on, it
turns away 3 of 992 English fit rows and 0 of 331 English calibration rows of the starter data, and lets 14 of 488 and 3 of
170 rows in the other five languages through (`evaluate --split fit`, `--split calibration`), most of those pasted English
error messages. The bound was chosen on these rows: .3 turns away 8 and lets 9 through, .7 turns away 1 and lets 30 through.
A list of frequent words as a second opinion did not improve on that.
"""

import unicodedata
from dataclasses import dataclass
from typing import Any

UNKNOWN = "und"
"""ISO 639-2 code for "undetermined"."""

CONFIDENT = 0.5

# Telling 140 languages apart costs certainty on short texts; these are the six and their neighbours.
CANDIDATES = ("cs", "da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pl", "pt", "ro", "sv", "tr")


@dataclass(frozen=True, slots=True)
class Detected:
    """`code`: ISO 639-1, or UNKNOWN for another script. `confidence` in [0, 1]."""

    code: str
    confidence: float

    @property
    def is_confident(self) -> bool:
        return self.confidence >= CONFIDENT


class LanguageDetector:
    """Opens its table when it is built (.7 s). Safe to share between threads."""

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  (imports slowly)

        self._identifier: Any = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(list(CANDIDATES))
        # It keeps the table of all 140 languages to be able to go back to it: 27 MB that nobody asks for.
        self._identifier._full_model = (
            self._identifier.nb_ptc,
            self._identifier.nb_pc,
            self._identifier.nb_classes,
        )

    def detect(self, text: str) -> Detected:
        """The most probable language of a cleaned text."""
        foreign = foreign_script_share(text)
        if foreign > 0.5:
            return Detected(UNKNOWN, foreign)
        code, confidence = self._identifier.classify(text)
        return Detected(str(code), float(confidence))


def foreign_script_share(text: str) -> float:
    """Share of letters in [0, 1] that are not Latin; 0 when there are no letters."""
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not character.isascii() and not _is_latin(character) for character in letters)
    return foreign / len(letters) if letters else 0.0


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("LATIN", "FEMININE ORDINAL", "MASCULINE ORDINAL"))
