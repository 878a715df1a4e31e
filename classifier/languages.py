"""Which language a message is in, with a bound: short texts say little, and a wrong guess sends people away.

py3langid's normalised probability is near 1 for a sentence and low for "vpn" or "outlook". Taken only from .5 on, it
turns away 3 of 1,201 English fit rows and 0 of 503 English calibration rows of the starter data, and lets 14 of 553 and 3
of 190 rows in the other five languages through (`evaluate --split fit`, `--split calibration`), most of those pasted English
error messages. The bound was chosen on these rows: .3 turns away 8 and lets 9 through, .7 turns away 1 and lets 30 through.
A list of frequent words as a second opinion did not improve on that.
"""

import unicodedata
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np

UNKNOWN = "und"
"""ISO 639-2 code for "undetermined"."""

CONFIDENT = 0.5

# Telling 140 languages apart costs certainty on short texts; these are the six and their neighbours.
CANDIDATES = ("cs", "da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "no", "pl", "pt", "ro", "sv", "tr")


_LATIN_BYTES = np.array([*range(0xC0), *range(0xC2, 0xC6), 0xC8, 0xE2])
"""What the candidates' letters, typographic quotes and dashes are written with in UTF-8, and all one-byte characters."""


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
        _forget_the_rest(self._identifier)

    def detect(self, text: str) -> Detected:
        """The most probable language of a cleaned text."""
        foreign = foreign_script_share(text)
        if foreign > 0.5:
            return Detected(UNKNOWN, foreign)
        code, confidence = self._identifier.classify(text)
        return Detected(str(code), float(confidence))


def _forget_the_rest(identifier: Any) -> None:
    """Drop what no candidate needs: the table of the other languages, kept to go back to it (27 MB), and the states that only
    other scripts' bytes lead to (30 of 40 MB). Those bytes lead to the start then, and say nothing.
    """
    identifier._full_model = (identifier.nb_ptc, identifier.nb_pc, identifier.nb_classes)
    moves = np.frombuffer(identifier.tk_nextmove, dtype=np.uint32).reshape(-1, 256)
    row_of = np.array(identifier.tk_row, dtype=np.int64)
    kept = np.zeros(len(row_of), dtype=bool)
    kept[0] = True
    front = np.array([0])
    while len(front):
        reached = np.unique(moves[row_of[front]][:, _LATIN_BYTES])
        front = reached[~kept[reached]]
        kept[front] = True
    states, rows = np.flatnonzero(kept), np.unique(row_of[kept])
    renumbered = np.zeros(len(row_of), dtype=np.uint16 if len(states) <= 2**16 else np.uint32)
    renumbered[states] = np.arange(len(states))
    small = np.zeros((len(rows), 256), dtype=renumbered.dtype)
    small[:, _LATIN_BYTES] = renumbered[moves[rows][:, _LATIN_BYTES]]
    # An array of the array module: the detector looks up single numbers, which numpy does slowly.
    identifier.tk_nextmove = array(small.dtype.char, small.tobytes())
    identifier._rowbase = (np.searchsorted(rows, row_of[states]) << 8).tolist()
    identifier.tk_output = [identifier.tk_output[state] for state in states]
    identifier.tk_row = array("I")


def foreign_script_share(text: str) -> float:
    """Share of letters in [0, 1] that are not Latin; 0 when there are no letters."""
    letters = [character for character in text if character.isalpha()]
    foreign = sum(not character.isascii() and not _is_latin(character) for character in letters)
    return foreign / len(letters) if letters else 0.0


def _is_latin(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("LATIN", "FEMININE ORDINAL", "MASCULINE ORDINAL"))
